// SPDX-License-Identifier: Apache-2.0
#include "trust_store.h"

#include <cstring>
#include <exception>
#include <new>
#include <utility>

#include "locked_store.h"
#include "regular_file.h"

namespace ibid::openssl {

// A view of what an entry holds is the entry's own, and needs no comparing.
bool trust_store_cache::same_file::operator()(const file_view& a, const file_view& b) const noexcept {
    return a.mode == b.mode && a.bytes.size() == b.bytes.size() &&
           (a.bytes.data() == b.bytes.data() ||
            std::memcmp(a.bytes.data(), b.bytes.data(), a.bytes.size()) == 0);
}

// What a store holds on to: the files that it was loaded from, the latest first. A store that is loaded again and again with
// ever other files (a CRL each hour) keeps their objects, as in stock; the files themselves only so far.
constexpr int most_files = 32;
struct trust_store_cache::held_file {
    handle<trust_file> file;
    held_file* next;
};

trust_store_cache::trust_store_cache(const functions& f, certificate_cache& certificates,
                                     counter_block* counters)
    : f_(f), certificates_(certificates), files_(counters),
      index_(
          f.CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_X509_STORE, 0, this, nullptr, nullptr, &on_store_free)) {}

void trust_store_cache::on_store_free(void*, void* held, CRYPTO_EX_DATA*, int, long, void* cache) noexcept {
    if (held != nullptr &&
        static_cast<trust_store_cache*>(cache)->has_held_.load(std::memory_order_relaxed)) {
        let_go(static_cast<held_file*>(held));
    }
}

int trust_store_cache::load(X509_STORE* store, const char* path, file_kind kind, int type) {
    constexpr int left_to_openssl = -1;
    const file_mode mode{kind, type};
    const OSSL_LIB_CTX* const here = f_.OSSL_LIB_CTX_set0_default(nullptr);
    if (index_ < 0 || out_of_service_.load(std::memory_order_acquire) || store == nullptr ||
        path == nullptr || here != f_.OSSL_LIB_CTX_get0_global_default() || !can_settle_errors(f_, mode)) {
        return left_to_openssl;
    }
    try {
        const regular_file file(path);
        auto held = std::make_unique<held_file>();
        held->file = file.is_open() ? find(file, mode) : nullptr;
        if (!held->file || !held->file->usable(certificates_)) {
            return left_to_openssl;
        }
        const handle<trust_file> found = held->file;
        if (!hold(store, std::move(held))) {
            return left_to_openssl;
        }
        const int count = found->add_to(store);
        settle_errors(f_, mode, count);
        return count;
    } catch (const std::exception&) { // no memory
        return left_to_openssl;
    }
}

// What `file` holds, parsed now or before; empty: OpenSSL should load it.
handle<trust_file> trust_store_cache::find(const regular_file& file, file_mode mode) {
    if (const handle<trust_file> guess = known_.guess(file, mode);
        guess != nullptr && file.holds(guess->key().bytes)) {
        return files_.find(guess->key()); // itself, and counted
    }
    const std::shared_ptr<const unsigned char[]> bytes = file.read();
    if (bytes == nullptr) {
        return nullptr;
    }
    const file_view view({bytes.get(), file.size()}, mode);
    handle<trust_file> found =
        files_.intern(view, [&] { return trust_file::parse(f_, certificates_, view, bytes); });
    if (found != nullptr) {
        known_.remember(file, mode, found);
    }
    return found;
}

bool trust_store_cache::hold(X509_STORE* store, std::unique_ptr<held_file> held) {
    has_held_.store(true, std::memory_order_relaxed);
    held_file* too_old = nullptr;
    bool good = false;
    {
        const locked_store lock(f_, store);
        held->next = static_cast<held_file*>(f_.X509_STORE_get_ex_data(store, index_));
        int count = 1;
        for (held_file* h = held->next; h != nullptr; h = h->next) {
            if (h->file == held->file) {
                held->next = nullptr;
                return true; // loaded again: one handle is enough
            }
            if (++count == most_files && h->next != nullptr) {
                too_old = std::exchange(h->next, nullptr);
                break;
            }
        }
        good = f_.X509_STORE_set_ex_data(store, index_, held.get()) == 1;
        if (good) {
            held.release(); // NOLINT(bugprone-unused-return-value): the store's now, until on_store_free
        }
    }
    let_go(too_old);
    return good;
}

void trust_store_cache::let_go(held_file* files) noexcept {
    while (files != nullptr) {
        delete std::exchange(files, files->next);
    }
}

bool trust_store_cache::before_crl_write(const X509_CRL* crl) noexcept {
    bool shared = false;
    try {
        files_.for_each([&](const file_view&, const handle<trust_file>& file) {
            shared = (file->has(crl) && file->set_changed()) || shared;
        });
    } catch (const std::bad_alloc&) {
        out_of_service_.store(
            true, std::memory_order_release); // which file it was cannot be found out: none is used again
    }
    return shared;
}

} // namespace ibid::openssl
