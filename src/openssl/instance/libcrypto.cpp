// SPDX-License-Identifier: Apache-2.0
#include "libcrypto.h"

#include <cstdlib>
#include <memory>
#include <new>
#include <utility>

#include "openssl/binding/error_queue.h"
#include "openssl/binding/ex_data.h"
#include "openssl/binding/uncancelled.h"
#include "self_check.h"

namespace ibid::openssl {

namespace {

constexpr const char* may_write = "a module of the program may write to certificates";

} // namespace

constinit std::array<libcrypto, libcrypto::most> libcrypto::all;

libcrypto* libcrypto::add(const functions& found, extent where, bool symbolic, const char* path) noexcept {
    const unsigned n = added.load(std::memory_order_relaxed);
    if (n == most || !found.complete() || !found.version().is_known()) {
        return nullptr;
    }
    libcrypto& l = all[n];
    l.f = found;
    l.f.libcrypto = where;
    l.symbolic_ = symbolic;
    l.path_ = path;
    l.state_.store(state::ready, std::memory_order_release);
    added.store(n + 1, std::memory_order_release);
    return &l;
}

void libcrypto::set_libssl(const functions& found, extent place, extent use_certificate,
                           extent use_certificate_ctx) noexcept {
#define IBID_COPY(name) f.name = found.name;
    IBID_LIBSSL_FUNCTIONS(IBID_COPY)
#undef IBID_COPY
    libssl_ = place;
    own_parsers_ = {use_certificate, use_certificate_ctx};
}

// The statistics say that this process is helped as soon as it uses OpenSSL.
void libcrypto::claim_counters() noexcept {
    row_ = shared_statistics::claim(path_, f.OpenSSL_version(OPENSSL_VERSION_STRING));
    shared_statistics::set_helped(row_);
    counters_.certificates = &(*row_)[shared_statistics::kind::certificates];
    file_counters_ = &(*row_)[shared_statistics::kind::trust_stores];
    counters_.signatures = &(*row_)[shared_statistics::kind::signatures];
    if (has_writer()) {
        shared_statistics::set_reason(row_, may_write);
    }
}

void libcrypto::set_has_writer() noexcept {
    if (!has_writer_.exchange(true, std::memory_order_acq_rel) && row_ != nullptr) {
        shared_statistics::set_reason(row_, may_write);
    }
}

certificate_cache* libcrypto::set_up_first() noexcept {
    state ready = state::ready;
    if (state_.compare_exchange_strong(ready, state::begun)) {
        if (const char* const why = set_up()) {
            disable(why);
        }
    }
    return made_certificates();
}

// An OpenSSL that does not report its end ends after the process's exit handlers, and only if
// OPENSSL_cleanup() was called. That call is intercepted; this handler is for a program that ibid is linked
// into, and for a call that ibid does not see.
bool libcrypto::hears_of_end() const {
    constexpr auto shut_down = +[] { for_each([](libcrypto& l) { l.shutdown(); }); };
    if (f.OPENSSL_atexit == nullptr) {
        return std::atexit(shut_down) == 0;
    }
    const errors_as_before unsaid(f);
    return f.OPENSSL_atexit(shut_down) == 1;
}

// Null, or why nothing is shared.
const char* libcrypto::set_up() {
    if (environment().disabled) {
        return "IBID_DISABLE is set";
    }
    const uncancelled all_of_this;
    const openssl_version version = f.version();
    if (version.defect() != nullptr) {
        return version.defect();
    }
    // In memory that processes share, ibid's private pointers would be visible to other processes.
    CRYPTO_malloc_fn allocate = nullptr;
    CRYPTO_realloc_fn reallocate = nullptr;
    CRYPTO_free_fn release = nullptr;
    f.CRYPTO_get_mem_functions(&allocate, &reallocate, &release);
    if (allocate != f.CRYPTO_malloc || reallocate != f.CRYPTO_realloc || release != f.CRYPTO_free) {
        return "the program sets OpenSSL's memory functions (CRYPTO_set_mem_functions)";
    }
    // In another default context, ex_data indices would belong to that context. Also, ibid has not seen how
    // this thread got it.
    if (f.OSSL_LIB_CTX_set0_default(nullptr) != f.OSSL_LIB_CTX_get0_global_default()) {
        return "a thread has a default library context of its own";
    }
    // Before anything is shared: if ibid cannot learn of OpenSSL's end, it must not share.
    if (!hears_of_end()) {
        return "OpenSSL has no memory";
    }
    try {
        if (environment().verify_memo) {
            verify_hook_ = verify_hook(f);
        }
        auto* const cache = new certificate_cache(f, counters_, &sees_exposures_, &gives_own_objects_);
        made_[0] = cache;
        if (!cache->usable()) {
            return "the program has registered too much data for certificates (ex_data)";
        }
        if (const char* const broken = version.is_tested() ? nullptr : broken_law(f, *cache)) {
            return broken;
        }
        cache->retain(environment().retain);
        auto* const stores = new trust_store_cache(f, *cache, file_counters_);
        made_[1] = stores;
        stores->retain(environment().retain);
        // Published together or never: a thread that disables ibid finds everything that was shared, or
        // nothing will ever be shared.
        const unwaited_lock lock(changes_);
        if (lock && !gone_) {
            all_certificates_.store(cache, std::memory_order_release);
            all_trust_stores_.store(stores, std::memory_order_release);
            trust_stores_.store(stores, std::memory_order_release);
            certificates_.store(cache, std::memory_order_release);
            shared_statistics::set_anchor(row_, cache->anchor());
        }
    } catch (const std::bad_alloc&) {
        return "there was no memory";
    }
    return nullptr;
}

// A second thread that calls this meanwhile does the same again, so that the effect is complete when its call
// returns.
template <class Stop>
void libcrypto::leave(Stop stop) noexcept {
    if (left_.load(std::memory_order_acquire)) {
        return;
    }
    certificate_cache* cache = nullptr;
    trust_store_cache* stores = nullptr;
    {
        const unwaited_lock lock(changes_);
        if (!lock) {
            return; // a stranded child, in which nothing is found
        }
        gone_ = true;
        state_.store(state::begun, std::memory_order_release);
        trust_stores_.store(nullptr, std::memory_order_release);
        certificates_.store(nullptr, std::memory_order_release);
        cache = certificates_ever();
        stores = trust_stores_ever();
    }
    if (cache != nullptr) {
        stop(*cache, *stores); // threads that still use the cache find nothing in it
    }
    left_.store(true, std::memory_order_release);
}

void libcrypto::shutdown() noexcept {
    leave([](certificate_cache& cache, trust_store_cache&) { cache.stop_finding(); });
}

void libcrypto::stop_retaining() {
    if (!retains_.load(std::memory_order_relaxed) || !retains_.exchange(false, std::memory_order_relaxed)) {
        return;
    }
    if (trust_store_cache* const stores = trust_stores_ever()) {
        stores->retain({});
    }
    if (certificate_cache* const cache = certificates_ever()) {
        cache->retain({});
    }
}

void libcrypto::disable(const char* why) noexcept {
    const char* none = nullptr;
    if (why_.compare_exchange_strong(none, why, std::memory_order_acq_rel)) {
        shared_statistics::set_reason(row_, why);
    }
    leave([](certificate_cache& cache, trust_store_cache& stores) {
        cache.stop();
        stores.retain({}); // because files keep certificates
    });
}

void libcrypto::keep_indices_apart(const OSSL_LIB_CTX* context) noexcept {
    const certificate_cache* certificates = nullptr;
    const trust_store_cache* stores = nullptr;
    // Allocated before the lock is taken: at a fork, an allocator's own lock may be taken before it.
    auto noted = std::unique_ptr<apart>(new (std::nothrow) apart{context, nullptr});
    {
        const unwaited_lock lock(changes_);
        if (!lock) {
            return; // a stranded child
        }
        certificates = certificates_ever();
        stores = trust_stores_ever();
        if (certificates == nullptr) {
            return; // ibid has nothing here, and never will
        }
        for (const apart* a = apart_; a != nullptr; a = a->next) {
            if (a->context == context) {
                return;
            }
        }
    }
    const errors_as_before unsaid(f);
    const auto take = [&](int object_class, int index) {
        int given = 0;
        while (given >= 0 && given < index) {
            given = f.CRYPTO_get_ex_new_index(object_class, 0, nullptr, nullptr, &not_copied, nullptr);
        }
        return given >= 0;
    };
    // Each class separately: if one index could not be reserved, the others still are.
    const bool certificates_are_apart = take(CRYPTO_EX_INDEX_X509, certificates->index());
    const bool keys_are_apart = take(CRYPTO_EX_INDEX_EVP_PKEY, certificates->index_of_keys());
    const bool stores_are_apart = take(CRYPTO_EX_INDEX_X509_STORE, stores->index());
    const bool all_apart = certificates_are_apart && keys_are_apart && stores_are_apart;
    if (all_apart && noted != nullptr) { // otherwise out of memory: the next thread tries again
        const unwaited_lock lock(changes_);
        if (lock) {
            noted->next = apart_;
            apart_ = noted.release();
        }
    }
}

void libcrypto::forget_indices(const OSSL_LIB_CTX* context) noexcept {
    apart* gone = nullptr;
    {
        const unwaited_lock lock(changes_);
        for (apart** link = &apart_; lock && *link != nullptr;) {
            apart* const a = *link;
            if (a->context == context) {
                *link = a->next;
                a->next = std::exchange(gone, a);
            } else {
                link = &a->next;
            }
        }
    }
    while (gone != nullptr) {
        delete std::exchange(gone, gone->next);
    }
}

void libcrypto::lock_for_fork() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
    changes_.lock_for_fork();
}

void libcrypto::forget_all_in_child() noexcept {
    if (certificate_cache* const cache = certificates_ever()) {
        cache->forget_all_in_child();
    }
    if (trust_store_cache* const stores = trust_stores_ever()) {
        stores->forget_all_in_child();
    }
}

void libcrypto::unlock_after_fork() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
    changes_.unlock_after_fork();
}

} // namespace ibid::openssl
