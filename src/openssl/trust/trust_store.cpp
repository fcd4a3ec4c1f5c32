// SPDX-License-Identifier: Apache-2.0
#include "trust_store.h"

#include <cerrno>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "files_of_stores.h"
#include "known_files.h"
#include "listed_stores.h"
#include "openssl/binding/store_locks.h"
#include "openssl/certificates/duplicates.h"
#include "regular_file.h"
#include "replaced_objects.h"
#include "statistics/shared_statistics.h"

namespace ibid::openssl {

// The contents that a forked child abandons. Never destroyed after they are published.
struct trust_store_cache::contents {
    retired_objects retired; // first: the files retire their objects there
    file_cache files;
    known_files<trust_file, file_mode> known;
    files_of_stores<trust_file> stores;

    explicit contents(counter_block* counters) : files({.counters = counters}) {}
};

// A file that is to be loaded. On the heap, because OpenSSL parses on the same, perhaps small stack.
struct trust_store_cache::source {
    file_mode mode;
    regular_file file;
    std::unique_ptr<const file_content> content; // while it is to be parsed
    std::unique_ptr<trust_file> parsed;
    // The input of the parse.
    std::optional<trust_file::surroundings> in;
    std::optional<file_view> view;
};

// A file in use by an OpenSSL call. If that call forks, the child does not release what it inherited.
class trust_store_cache::held_here {
public:
    held_here(const trust_store_cache& cache, const contents& in) noexcept : cache_(cache), in_(in) {}
    held_here(const held_here&) = delete;
    held_here& operator=(const held_here&) = delete;
    ~held_here() {
        if (!still_here()) {
            alignas(handle<trust_file>) unsigned char memory[sizeof file];
            ::new (static_cast<void*>(memory)) handle<trust_file>(std::move(file));
        }
    }
    [[nodiscard]] bool still_here() const noexcept {
        return cache_.contents_.load(std::memory_order_relaxed) == &in_;
    }

    handle<trust_file> file;

private:
    const trust_store_cache& cache_;
    const contents& in_;
};

// Frees objects that other destructors of a call have retired, also if the thread is cancelled.
class trust_store_cache::frees_at_end {
public:
    frees_at_end(const trust_store_cache& cache, contents& in) noexcept : cache_(cache), in_(in) {}
    frees_at_end(const frees_at_end&) = delete;
    frees_at_end& operator=(const frees_at_end&) = delete;
    ~frees_at_end() noexcept(false) { cache_.free_retired(in_); }

private:
    const trust_store_cache& cache_;
    contents& in_;
};

trust_store_cache::trust_store_cache(const functions& f, certificate_cache& certificates,
                                     counter_block* counters)
    : f_(f), certificates_(certificates), counters_(counters), contents_(new contents(counters)),
      index_(
          f.CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_X509_STORE, 0, this, nullptr, nullptr, &on_store_free)) {}

// Runs inside the X509_STORE_free that drops the last reference: after a list of objects is freed, before a
// hash table is freed.
void trust_store_cache::on_store_free(void* store, void*, CRYPTO_EX_DATA*, int, long, void* cache) {
    auto* const self = static_cast<trust_store_cache*>(cache);
    self->let_go(static_cast<const X509_STORE*>(store));
    self->ended_.fetch_add(1, std::memory_order_relaxed);
    listed_stores::forget(static_cast<const X509_STORE*>(store));
    store_locks::forget(static_cast<const X509_STORE*>(store));
    if ((duplicates::pairs() != 0 || replaced_objects::any()) && self->in_default_context()) {
        replaced_objects::forget(self->f_, static_cast<const X509_STORE*>(store));
        duplicates::forget(self->f_, duplicates::owner_of(static_cast<const X509_STORE*>(store)));
    }
    shared_statistics::publish_all();
}

bool trust_store_cache::has_filled(const X509_STORE* store) {
    contents* const here = reached();
    return here != nullptr && here->stores.has(store);
}

void trust_store_cache::let_go(const X509_STORE* store) {
    if (contents* const here = reached()) {
        const frees_at_end later(*this, *here);
        here->stores.let_go(store);
    }
}

// With null, this OpenSSL function changes nothing and returns the current default.
bool trust_store_cache::in_default_context() const {
    return f_.OSSL_LIB_CTX_set0_default(nullptr) == f_.OSSL_LIB_CTX_get0_global_default();
}

// Not on a thread with another default context: there OpenSSL would not report the end of a certificate to
// certificate_cache.
void trust_store_cache::free_retired(contents& in) const {
    if (in.retired.is_empty() || contents_.load(std::memory_order_relaxed) != &in || !in_default_context()) {
        return;
    }
    in.retired.free_all(f_);
}

trust_store_cache::contents* trust_store_cache::ready() {
    contents* here = contents_.load(std::memory_order_acquire);
    if (here != nullptr) {
        return here;
    }
    auto fresh = std::make_unique<contents>(counters_);
    if (has_old_counts_.exchange(false, std::memory_order_relaxed) && counters_ != nullptr) {
        shared_statistics::count_from_here(*counters_);
    }
    if (!contents_.compare_exchange_strong(here, fresh.get())) {
        return here;
    }
    here = fresh.release();
    // Read now: another thread that changes the budget sees this table, or its change is seen here.
    here->files.retain({retained_bytes_.load(), retained_entries_.load()});
    return here;
}

int trust_store_cache::load(X509_STORE* store, const char* path, file_kind kind, int type) {
    constexpr int left_to_openssl = -1;
    const file_mode mode{kind, type};
    const bool is_read_here =
        type == X509_FILETYPE_PEM || mode == file_mode{file_kind::crls, X509_FILETYPE_ASN1};
    if (index_ < 0 || store == nullptr || is_stranded() || path == nullptr || !is_read_here ||
        !in_default_context() || !can_settle_errors(f_, mode) || listed_stores::has(store)) {
        return left_to_openssl;
    }
    const struct errno_as_before {
        int value = errno;
        ~errno_as_before() { errno = value; }
    } keep;
    try {
        contents& here = *ready();
        const frees_at_end later(*this, here);
        held_here found(*this, here);
        const std::unique_ptr<source> from(new source{mode, regular_file(path), {}, {}, {}, {}});
        found.file = find(here, *from);
        if (from->content != nullptr) {
            parse(here, *from);
            found.file = keep_parsed(here, *from);
        }
        if (found.file == nullptr || !found.still_here() || !may_be_given(*found.file) ||
            !found.file->usable(certificates_)) {
            return left_to_openssl;
        }
        here.stores.hold(store, found.file);
        const int count = found.file->add_to(store);
        settle_errors(f_, mode, count);
        return count;
    } catch (const std::exception&) { // no memory
        return left_to_openssl;
    }
}

// These are separate functions, so that their stack frames are gone when OpenSSL parses.
[[gnu::noinline]] handle<trust_file> trust_store_cache::look_up(contents& in, const file_view& file) {
    return in.files.find(file);
}
[[gnu::noinline]] handle<trust_file> trust_store_cache::intern(contents& in, trust_file& parsed) {
    return in.files.intern(std::move(parsed));
}

// The parsed file, if it is known. Otherwise `from` then has the content, unless OpenSSL should load the
// file.
[[gnu::noinline]] handle<trust_file> trust_store_cache::find(contents& in, source& from) {
    if (!from.file.is_open() || in.known.is_refused(from.file, from.mode)) {
        return nullptr;
    }
    if (const handle<trust_file> guess = in.known.guess(from.file, from.mode)) {
        if (from.file.holds(guess->content())) {
            return look_up(in, guess->key()); // itself, and counted
        }
        from.file.open_from_start();
        if (!from.file.is_open()) {
            return nullptr;
        }
    }
    from.content = from.file.read(from.mode.type == X509_FILETYPE_PEM);
    if (from.content == nullptr) {
        return nullptr;
    }
    handle<trust_file> found = look_up(in, file_view(*from.content, from.mode));
    if (found != nullptr) {
        in.known.remember(from.file, from.mode, found);
        from.content = nullptr;
    }
    return found;
}

// OpenSSL parses on the caller's stack, so this frame is small.
[[gnu::noinline]] void trust_store_cache::parse(contents& in, source& from) {
    if (f_.ERR_peek_error() != 0) {
        from.content = nullptr; // existing errors could not be distinguished from new ones
        return;
    }
    from.in.emplace(trust_file::surroundings{f_, certificates_, in.retired,
                                             leaves_crls_.load(std::memory_order_relaxed)});
    from.view.emplace(*from.content, from.mode);
    from.parsed = trust_file::parse(*from.in, *from.view, std::move(from.content));
}

// The result of parse(). Null: OpenSSL should load the file.
[[gnu::noinline]] handle<trust_file> trust_store_cache::keep_parsed(contents& in, source& from) {
    if (!from.view || contents_.load(std::memory_order_relaxed) != &in) {
        return nullptr;
    }
    if (from.parsed == nullptr) {
        in.known.refuse(from.file, from.mode);
        return nullptr;
    }
    handle<trust_file> made = intern(in, *from.parsed);
    from.parsed = nullptr;
    in.known.remember(from.file, from.mode, made);
    return made;
}

void trust_store_cache::retain(retention budget) {
    retained_bytes_.store(budget.bytes);
    retained_entries_.store(budget.entries);
    if (contents* const here = reached()) {
        const frees_at_end later(*this, *here);
        here->files.retain(budget);
    }
}

void trust_store_cache::trim() {
    if (contents* const here = reached()) {
        const frees_at_end later(*this, *here);
        here->files.trim();
    }
}

ibid::statistics trust_store_cache::statistics() const noexcept {
    const contents* const here = reached();
    return here != nullptr ? here->files.statistics() : ibid::statistics();
}

} // namespace ibid::openssl
