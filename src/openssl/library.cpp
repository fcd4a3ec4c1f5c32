// SPDX-License-Identifier: Apache-2.0
#include "library.h"

#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

#include <pthread.h>

#include "ex_data.h"
#include "ibid/hash.h"
#include "linkage.h"
#include "statistics/shared_statistics.h"
#include "uncancelled.h"

namespace ibid::openssl {

namespace {

// Protects additions to the list. No foreign code runs under it.
constinit std::mutex additions;

// Written once, by the thread that sets up the first library, and in the child of a fork.
constinit std::atomic<shared_statistics::slot*> published{nullptr};

[[nodiscard]] functions functions_of(void* handle) noexcept {
    functions f;
    f.resolve(handle);
    return f;
}

void before_fork() noexcept {
    // No thread may be making these just now: in the child nobody would end that.
    (void)environment();
    (void)detail::process_secret();
    additions.lock();
    library::for_each([](library& l) { l.lock_for_fork(); });
    detail::wait_graph.lock();
}

void after_fork() noexcept {
    detail::wait_graph.unlock();
    library::for_each([](library& l) { l.unlock_after_fork(); });
    additions.unlock();
}

void in_child() noexcept {
    const uncancelled all_of_this;
    library::for_each([](library& l) { l.forget_other_threads(); });
    published = shared_statistics::claim_after_fork(published.load());
    after_fork();
}

// Before the program's own handlers are registered: so ibid takes its locks after the last of them has prepared, and has
// given them back before the first of them runs again. They may use OpenSSL, or wait for a thread that does. But after those of
// an allocator (jemalloc, tcmalloc), which it registers when it is first asked: a thread that allocates under a lock of ibid's must
// come through to give that back.
[[gnu::constructor(101)]] void attend_forks() noexcept {
    void* volatile const first = std::malloc(1); // volatile, or the compiler leaves the pair out
    std::free(first);
    pthread_atfork(&before_fork, &after_fork, &in_child);
}

} // namespace

library::library(const void* identity, const functions& found, extent where) noexcept
    : f(found), identity_(identity), where_(where),
      symbolic_(binds_to_itself(reinterpret_cast<const void*>(found.d2i_X509))) {}

bool library::known() const noexcept {
    return f.complete() && f.OpenSSL_version_num() >> 28 == 3;
}

// The statistics say that this process is helped as soon as it meets OpenSSL.
void library::claim_counters() noexcept {
    const uncancelled all_of_this;
    if (shared_statistics::slot* const slot = shared_statistics::claim(std::getenv("IBID_STATISTICS"))) {
        shared_statistics::set_helped(slot);
        counters_.certificates = &(*slot)[shared_statistics::kind::certificates];
        file_counters_ = &(*slot)[shared_statistics::kind::trust_stores];
        counters_.signatures = &(*slot)[shared_statistics::kind::signatures];
        published = slot;
    }
}

certificate_cache* library::set_up_first() noexcept {
    state ready = state::ready;
    if (state_.compare_exchange_strong(ready, state::begun)) {
        set_up();
    }
    return made_certificates();
}

void library::set_up() noexcept {
    if (environment().disabled || !known()) {
        return;
    }
    const uncancelled all_of_this;
    // In another context, indices of ex_data would be that context's; and how has this thread come there unseen?
    if (f.OSSL_LIB_CTX_set0_default(nullptr) != f.OSSL_LIB_CTX_get0_global_default()) {
        return;
    }
    // Before anything is shared: what cannot hear of OpenSSL's end must not share.
    f.ERR_set_mark();
    const bool hears = f.OPENSSL_atexit(+[] { library::for_each([](library& l) { l.end(); }); }) == 1;
    f.ERR_pop_to_mark();
    if (!hears) {
        return;
    }
    try {
        if (symbolic_ && environment().verify_memo) {
            links_ = chain_links(f);
        }
        auto* const cache = new certificate_cache(f, counters_);
        made_[0] = cache;
        if (!cache->usable()) {
            return;
        }
        cache->retain(environment().retain);
        auto* const stores = new trust_store_cache(f, *cache, file_counters_);
        made_[1] = stores;
        stores->retain(environment().retain);
        // All at once, or never: who makes ibid stand aside finds all that has been shared, or nothing ever will be.
        const std::lock_guard lock(changes_);
        if (!gone_) {
            all_certificates_.store(cache, std::memory_order_release);
            all_trust_stores_.store(stores, std::memory_order_release);
            trust_stores_.store(stores, std::memory_order_release);
            certificates_.store(cache, std::memory_order_release);
        }
    } catch (const std::bad_alloc&) { // NOLINT(bugprone-empty-catch): ibid stands aside
    }
}

// Whoever comes second, while the first is still at it, does the same again: when this returns, it is so.
template <class Stop>
void library::leave(Stop stop) noexcept {
    if (left_.load(std::memory_order_acquire)) {
        return;
    }
    certificate_cache* cache = nullptr;
    trust_store_cache* stores = nullptr;
    {
        const std::lock_guard lock(changes_);
        gone_ = true;
        state_.store(state::begun, std::memory_order_release);
        trust_stores_.store(nullptr, std::memory_order_release);
        certificates_.store(nullptr, std::memory_order_release);
        cache = certificates_ever();
        stores = trust_stores_ever();
    }
    if (cache != nullptr) {
        stop(*cache, *stores); // whoever has the cache still in hand finds nothing there
    }
    left_.store(true, std::memory_order_release);
}

void library::end() noexcept {
    leave([](certificate_cache& cache, trust_store_cache&) { cache.stop_finding(); });
}

void library::stand_aside() noexcept {
    leave([](certificate_cache& cache, trust_store_cache& stores) {
        cache.stop();
        stores.retain({}); // files keep certificates
    });
}

void library::keep_indices_apart(const OSSL_LIB_CTX* context) noexcept {
    const certificate_cache* certificates = nullptr;
    const trust_store_cache* stores = nullptr;
    // Made before the lock: an allocator's own lock may be taken before it when the program forks.
    auto noted = std::unique_ptr<apart>(new (std::nothrow) apart{context, nullptr});
    {
        const std::lock_guard lock(changes_);
        certificates = certificates_ever();
        stores = trust_stores_ever();
        if (certificates == nullptr) {
            return; // there is nothing of ibid's, and never will be: it has stood aside
        }
        for (const apart* a = apart_; a != nullptr; a = a->next) {
            if (a->context == context) {
                return;
            }
        }
    }
    f.ERR_set_mark();
    const auto take = [&](int object_class, int index) {
        int given = 0;
        while (given >= 0 && given < index) {
            given = f.CRYPTO_get_ex_new_index(object_class, 0, nullptr, nullptr, &not_copied, nullptr);
        }
        return given >= 0;
    };
    // Each for itself: that one class could not be kept apart is no reason to leave the others.
    const bool certificates_are_apart = take(CRYPTO_EX_INDEX_X509, certificates->index());
    const bool keys_are_apart = take(CRYPTO_EX_INDEX_EVP_PKEY, certificates->index_of_keys());
    const bool stores_are_apart = take(CRYPTO_EX_INDEX_X509_STORE, stores->index());
    f.ERR_pop_to_mark();
    const bool all = certificates_are_apart && keys_are_apart && stores_are_apart;
    if (all && noted != nullptr) { // else there was no memory, and the next thread takes some more
        const std::lock_guard lock(changes_);
        noted->next = apart_;
        apart_ = noted.release();
    }
}

void library::forget_indices(const OSSL_LIB_CTX* context) noexcept {
    apart* gone = nullptr;
    {
        const std::lock_guard lock(changes_);
        for (apart** link = &apart_; *link != nullptr;) {
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

void library::lock_for_fork() noexcept {
    changes_.lock();
    if (certificates_ever() != nullptr) {
        certificates_ever()->lock_for_fork();
    }
}

void library::forget_other_threads() noexcept {
    if (certificates_ever() != nullptr) {
        certificates_ever()->forget_other_threads();
    }
    if (trust_stores_ever() != nullptr) {
        trust_stores_ever()->forget_all_in_child();
    }
}

void library::unlock_after_fork() noexcept {
    if (certificates_ever() != nullptr) {
        certificates_ever()->unlock_after_fork();
    }
    changes_.unlock();
}

library* library::any() noexcept {
    library* l = first();
    while (l != nullptr && l->next_ != nullptr) {
        l = l->next_;
    }
    return l;
}

library* library::get(const void* identity, void* handle, extent where) noexcept {
    return get(identity, functions_of(handle), where);
}

library* library::get(const void* identity, const functions& found, extent where) noexcept {
    library* made = nullptr;
    {
        const std::lock_guard lock(additions);
        for (library* l = first(); l != nullptr; l = l->next_) {
            if (l->identity_ == identity) {
                return l;
            }
        }
        made = new (std::nothrow) library(identity, found, where);
        if (made == nullptr) {
            return nullptr;
        }
        made->next_ = first();
        libraries.store(made, std::memory_order_release);
    }
    if (made->next_ == nullptr && !environment().disabled &&
        made->known()) { // the first; a second libcrypto counts for itself
        made->claim_counters();
    }
    state missing = state::counters_missing; // unless somebody has made it stand aside meanwhile
    made->state_.compare_exchange_strong(missing, state::ready);
    return made;
}

} // namespace ibid::openssl
