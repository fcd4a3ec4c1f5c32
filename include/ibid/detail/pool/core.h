// SPDX-License-Identifier: Apache-2.0
//
// The part of a pool that does not depend on the object type: it holds the idle objects. The structure is
// that of tcmalloc: a cache for each thread, and central free lists behind them.
//
// Invariants:
//  - Every object is in exactly one place: with a borrower, in one thread's cache, in the central free lists,
//    or in a list that is about to be destroyed.
//  - Idle objects never outnumber the budget. Each thread cache has a quota, out of half the budget at most;
//    the central lists hold at most what is not granted. So taking and returning an object counts nothing
//    shared, and the bound holds at every instant.
//  - Destructors, factories and reset hooks run outside all locks.
//
// Lifetime: the pool holds one reference to its core, and so does every object, idle or on loan. A loan that
// outlives its pool still finds the mutex, and that the pool is closed. Objects are made and destroyed
// rarely, so this count is cold.
//
// Thread safety: any thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

#include "ibid/detail/base/asymmetric_fence.h"
#include "ibid/detail/base/exceptions.h"
#include "ibid/detail/base/mutex.h"
#include "ibid/detail/base/process_wide.h"
#include "ibid/detail/pool/free_lists.h"
#include "ibid/detail/pool/this_thread.h"
#include "ibid/detail/pool/thread_cache.h"
#include "ibid/detail/port/at_fork.h"
#include "ibid/detail/port/module.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

// Where this thread runs a reset hook or a destructor of a core's objects. Other objects of the same core
// whose loans end in there are kept, and dealt with when it has returned. So a chain of objects that hold
// each other's loans ends in a loop. Objects of other cores end at once: what their hooks use may go when the
// outer code returns. Only if `most_nested` of these are on the stack already, an object is kept by the
// innermost one of its core, if there is one.
struct ending_loans {
    static constexpr unsigned most_nested = 8;

    const pool_core* core;
    ending_loans* outer;
    unsigned nested;
    pool_node* returned = nullptr;
    pool_node* discarded = nullptr;

    // This thread's innermost. Each module has its own, as in ending_values.h.
    IBID_MODULE_LOCAL static inline thread_local constinit ending_loans* innermost = nullptr;

    explicit ending_loans(const pool_core& c) noexcept
        : core(&c), outer(innermost), nested(outer != nullptr ? outer->nested + 1 : 1) {
        innermost = this;
    }
    ending_loans(const ending_loans&) = delete;
    ending_loans& operator=(const ending_loans&) = delete;
    ~ending_loans() { innermost = outer; }

    [[nodiscard]] static bool keep(pool_node* n, pool_node* ending_loans::*as) noexcept {
        return innermost != nullptr && keep_in_one_of(*innermost, n, as);
    }

private:
    [[nodiscard, gnu::noinline]] static bool keep_in_one_of(ending_loans& first, pool_node* n,
                                                            pool_node* ending_loans::*as) noexcept {
        const bool any = first.nested >= most_nested;
        for (ending_loans* e = &first; e != nullptr; e = any ? e->outer : nullptr) {
            if (e->core == n->core) {
                n->next = e->*as;
                e->*as = n;
                return true;
            }
        }
        return false;
    }
};

class pool_core {
public:
    // `resets`: there is a reset hook. `nests`: an object may hold loans. Throws bad_alloc.
    pool_core(std::size_t budget, bool resets, bool nests) : resets_(resets), nests_(nests), budget_(budget) {
        enlist(*this);
    }
    pool_core(const pool_core&) = delete;
    pool_core& operator=(const pool_core&) = delete;

    // An idle object, or null.
    [[nodiscard]] IBID_MODULE_LOCAL pool_node* take() noexcept {
        if (thread_cache& mine = this_pool_thread::here().last(); mine.is_of(*this)) {
            if (pool_node* const n = mine.take()) {
                return n;
            }
        }
        return take_slowly();
    }

    // Takes `n` back. Destroys it if the hook refuses it, if there is no room, or if the pool has ended.
    IBID_MODULE_LOCAL static void give_back(pool_node* n) noexcept {
        pool_core& core = *n->core; // alive at least until another thread can reach n
        if (!core.resets_) {
            core.keep_idle(n);
        } else if (!core.nests_) {
            core.reset_and_keep_idle(n);
        } else if (!ending_loans::keep(n, &ending_loans::returned)) {
            ending_loans mine(core);
            core.reset_and_keep_idle(n);
            finish(mine);
        }
    }

    // Destroys one object that is not idle, and drops its reference.
    void destroy(pool_node* n) noexcept {
        if (!nests_) {
            destroy_now(n);
        } else if (!ending_loans::keep(n, &ending_loans::discarded)) {
            ending_loans mine(*this);
            destroy_now(n);
            finish(mine);
        }
    }

    // Called for each object: before it is made, and after it was made or could not be made.
    void making() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void made() noexcept { made_.fetch_add(1, std::memory_order_relaxed); }
    void not_made() noexcept { release(); }

    // trim() destroys the old generation and makes the fresh one old. Both functions return how many objects
    // they destroyed.
    std::size_t trim() noexcept { return drop(&central_free_lists::rotate); }
    std::size_t clear() noexcept { return drop(&central_free_lists::clear); }

    // The pool ends. Objects on loan keep the core.
    void close() noexcept {
        free_list idle;
        {
            const lock_guard lock(mutex_);
            closed_.store(true, std::memory_order_release);
            begin_drain();
            while (thread_cache* const s = caches_) {
                caches_ = s->next;
                s->core.store(nullptr, std::memory_order_relaxed);
                s->end_drain(); // the owner may free it from here on
            }
            idle = central_.clear();
            settle();
        }
        destroy_all(idle);
        release();
    }

    struct count {
        std::uint64_t made;
        std::uint64_t ended;
        std::size_t idle;
        std::size_t old;
    };
    [[nodiscard]] count counts() noexcept {
        const lock_guard lock(mutex_);
        begin_drain(); // so that each object is in one place while they are counted
        end_drain();
        count c{0, 0, central_.size(), central_.old()};
        // `ended` is read first: an object that ends in between still counts as existing.
        c.ended = ended_.load(std::memory_order_relaxed);
        c.made = made_.load(std::memory_order_relaxed);
        return c;
    }

    // The thread that owns `s` exits. Empties and unlinks the cache; the caller frees it.
    static void thread_exits(thread_cache& s) noexcept {
        pool_core* alive = nullptr;
        s.with_core([&](pool_core* core) {
            alive = core;
            if (core != nullptr) {
                core->references_.fetch_add(1, std::memory_order_relaxed);
            }
        });
        if (alive == nullptr) {
            return;
        }
        {
            const lock_guard lock(alive->mutex_);
            if (!alive->closed()) {
                alive->unlink(s);
                alive->granted_quota_ -= s.quota();
                alive->central_.push(s.drain()); // only this thread uses it
                alive->settle();
            }
        }
        alive->release();
    }

protected:
    virtual ~pool_core() { delist(*this); }

private:
    virtual bool reset(pool_node&) noexcept = 0;   // false: do not keep this one
    virtual void dispose(pool_node*) noexcept = 0; // destroys the object and frees its memory

    [[nodiscard]] bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

    IBID_MODULE_LOCAL void keep_idle(pool_node* n) noexcept {
        thread_cache& mine = this_pool_thread::here().last();
        if (!mine.is_of(*this) || !mine.give(n)) {
            give_back_slowly(n);
        }
    }
    IBID_MODULE_LOCAL void reset_and_keep_idle(pool_node* n) noexcept {
        if (closed() || !reset(*n)) {
            destroy_now(n);
        } else {
            keep_idle(n);
        }
    }
    void destroy_now(pool_node* n) noexcept {
        ended_.fetch_add(1, std::memory_order_relaxed);
        dispose(n);
        release();
    }
    // Each kept object keeps the core.
    IBID_MODULE_LOCAL static void finish(ending_loans& mine) noexcept {
        if (mine.returned != nullptr || mine.discarded != nullptr) {
            finish_kept(mine);
        }
    }
    [[gnu::noinline]] IBID_MODULE_LOCAL static void finish_kept(ending_loans& mine) noexcept {
        for (;;) {
            if (pool_node* const n = mine.returned) {
                mine.returned = n->next;
                n->core->reset_and_keep_idle(n);
            } else if (pool_node* const gone = mine.discarded) {
                mine.discarded = gone->next;
                gone->core->destroy_now(gone);
            } else {
                return;
            }
        }
    }

    void release() noexcept {
        // Release: this holder's use of the core happens before the core's end. Acquire: so does every other
        // holder's use.
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            delete this;
        }
    }

    void destroy_all(free_list& list) noexcept {
        while (pool_node* const n = list.pop()) {
            destroy(n);
        }
    }

    [[nodiscard]] IBID_MODULE_LOCAL thread_cache* cache_of_this_thread() noexcept {
        pool_thread* const me = this_pool_thread::known();
        return me != nullptr ? me->find(*this, id_) : nullptr;
    }
    // Null if pool_thread::add() returns null, and on a thread that is exiting.
    [[nodiscard]] IBID_MODULE_LOCAL thread_cache* add_cache() noexcept {
        pool_thread* const me = this_pool_thread::attach();
        return me != nullptr ? me->add(*this, id_) : nullptr;
    }

    // Not inline: the fast path would pay for the registers that they need.
    [[nodiscard, gnu::noinline]] IBID_MODULE_LOCAL pool_node* take_slowly() noexcept {
        thread_cache* mine = cache_of_this_thread();
        if (mine != nullptr) {
            (void)this_pool_thread::attach(); // so that this module's next call is fast
        }
        if (mine != nullptr) {
            if (pool_node* const n = mine->take()) {
                return n;
            }
            if (central_size_.load(std::memory_order_relaxed) ==
                0) { // a hint: it may miss an object that is on its way
                return nullptr;
            }
        }
        thread_cache* const fresh = mine == nullptr ? add_cache() : nullptr;
        const lock_guard lock(mutex_);
        mine = link(mine, fresh);
        if (mine != nullptr) {
            refill(*mine);
        }
        pool_node* n = mine != nullptr ? mine->take() : nullptr;
        n = n != nullptr ? n : central_.pop();
        settle();
        return n;
    }

    [[gnu::noinline]] IBID_MODULE_LOCAL void give_back_slowly(pool_node* n) noexcept {
        thread_cache* const mine = cache_of_this_thread();
        if (mine != nullptr && mine->give(n)) {
            return;
        }
        thread_cache* const fresh = mine == nullptr && !closed() ? add_cache() : nullptr;
        {
            const lock_guard lock(mutex_);
            if (!closed()) {
                const bool kept = put(n, link(mine, fresh));
                settle();
                if (kept) {
                    return; // n belongs to other threads now, and the core may be gone
                }
            } else if (fresh != nullptr) {
                this_pool_thread::attach()->remove(id_);
            }
        }
        destroy(n); // may end the core
    }

    // --- under the mutex -----------------------------------------------------------------------------------

    // This thread's cache, linked if it is new; null if it has none.
    [[nodiscard]] thread_cache* link(thread_cache* mine, thread_cache* fresh) noexcept IBID_REQUIRES(mutex_) {
        if (fresh != nullptr) {
            fresh->next = caches_;
            caches_ = fresh;
            return fresh;
        }
        if (mine != nullptr) {
            mine->recover();
        }
        return mine;
    }
    void unlink(thread_cache& s) noexcept IBID_REQUIRES(mutex_) {
        thread_cache** at = &caches_;
        while (*at != &s) {
            at = &(*at)->next;
        }
        *at = s.next;
    }

    // Moves a batch of fresh objects to `mine`, which is empty, and grants quota for them.
    void refill(thread_cache& mine) noexcept IBID_REQUIRES(mutex_) {
        free_list some;
        while (some.size() < thread_cache::most / 2) {
            pool_node* const n = central_.pop_fresh();
            if (n == nullptr) {
                break;
            }
            some.push(n);
        }
        grant(mine);
        while (pool_node* const n = some.pop()) {
            if (!mine.give(n)) {
                central_.push(n);
            }
        }
    }

    // False: there is no room.
    [[nodiscard]] bool put(pool_node* n, thread_cache* mine) noexcept IBID_REQUIRES(mutex_) {
        if (mine != nullptr) {
            grant(*mine);
            if (mine->full()) {
                const std::size_t half = (mine->quota() + 1) / 2;
                central_.push(mine->remove_oldest(static_cast<std::uint32_t>(std::min(half, room()))));
            }
            if (mine->give(n)) {
                return true;
            }
        }
        if (room() == 0) {
            return false;
        }
        central_.push(n);
        return true;
    }

    // How many more objects the central lists may hold, or how much quota may be granted.
    [[nodiscard]] std::size_t room() const noexcept IBID_REQUIRES(mutex_) {
        return budget_ - granted_quota_ - central_.size();
    }

    void grant(thread_cache& s) noexcept IBID_REQUIRES(mutex_) {
        const std::size_t more =
            std::min({thread_cache::most - std::size_t{s.quota()}, budget_ / 2 - granted_quota_, room()});
        s.grant(static_cast<std::uint32_t>(more));
        granted_quota_ += more;
    }

    // After every change of the central lists.
    void settle() noexcept IBID_REQUIRES(mutex_) {
        central_size_.store(central_.size(), std::memory_order_relaxed);
    }

    // Moves everything idle to the central lists, where it stays until end_drain(). Takes all quota back:
    // active threads ask again, and so idle threads give theirs up.
    void begin_drain() noexcept IBID_REQUIRES(mutex_) {
        for (thread_cache* s = caches_; s != nullptr; s = s->next) {
            s->begin_drain();
        }
        if (caches_ != nullptr) {
            (void)asymmetric_fence_heavy(); // a sandbox must still allow it: decision 15
        }
        for (thread_cache* s = caches_; s != nullptr; s = s->next) {
            central_.push(s->drain());
        }
        granted_quota_ = 0;
        settle();
    }
    void end_drain() noexcept IBID_REQUIRES(mutex_) {
        for (thread_cache* s = caches_; s != nullptr; s = s->next) {
            s->end_drain();
        }
    }

    [[nodiscard]] std::size_t drop(free_list (central_free_lists::*choose)() noexcept) noexcept {
        free_list dropped;
        {
            const lock_guard lock(mutex_);
            begin_drain();
            dropped = (central_.*choose)();
            settle();
            end_drain();
        }
        const std::size_t size = dropped.size();
        destroy_all(dropped);
        return size;
    }

    // Requires: a pool was made.
    [[nodiscard]] static core_registry& all() noexcept { return *process_wide<core_registry>::get(); }

    // Gives `core` the smallest number that no other core has.
    static void enlist(pool_core& core) {
        core_registry* const shared = process_wide<core_registry>::get();
        if (shared == nullptr) {
            throw_bad_alloc();
        }
        core_registry& cores = *shared;
        const lock_guard lock(cores.mutex);
        if (!cores.handlers) {
            this_module_stays(); // the process keeps its handlers
            cores.handlers = at_fork(before_fork, after_fork_in_parent, after_fork_in_child);
        }
        std::uint32_t id = 0;
        pool_core** at = &cores.first;
        for (; *at != nullptr && (*at)->id_ == id; at = &(*at)->next_) {
            ++id;
        }
        core.id_ = id;
        core.next_ = *at;
        *at = &core;
    }
    static void delist(pool_core& core) noexcept {
        core_registry& cores = all();
        const lock_guard lock(cores.mutex);
        pool_core** at = &cores.first;
        while (*at != &core) {
            at = &(*at)->next_;
        }
        *at = core.next_;
    }

    static void before_fork() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
        all().mutex.lock();
        for (pool_core* c = all().first; c != nullptr; c = c->next_) {
            c->mutex_.lock();
            c->begin_drain();
        }
    }
    static void after_fork_in_parent() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
        for (pool_core* c = all().first; c != nullptr; c = c->next_) {
            c->end_drain();
            c->mutex_.unlock();
        }
        all().mutex.unlock();
    }
    static void after_fork_in_child() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
        for (pool_core* c = all().first; c != nullptr; c = c->next_) {
            for (thread_cache* s = c->caches_; s != nullptr;) {
                thread_cache* const next = s->next;
                if (s->owner != this_pool_thread::known()) {
                    c->unlink(*s);
                    s->end_drain();
                    delete s;
                }
                s = next;
            }
        }
        after_fork_in_parent();
    }

    // Read at every take and return, written once.
    const bool resets_;
    const bool nests_;
    std::atomic<bool> closed_{false}; // written under the mutex
    std::uint32_t id_ = 0;
    const std::size_t budget_;
    pool_core* next_ = nullptr; // under the registry's mutex

    alignas(64) detail::mutex mutex_; // never held while user code runs
    central_free_lists central_ IBID_GUARDED_BY(mutex_);
    std::size_t granted_quota_ IBID_GUARDED_BY(mutex_) = 0; // the sum of the caches' quotas
    thread_cache* caches_ IBID_GUARDED_BY(mutex_) = nullptr;
    std::atomic<std::size_t> central_size_{0}; // of central_, without the mutex

    alignas(64) std::atomic<std::size_t> references_{1};
    std::atomic<std::uint64_t> made_{0};
    std::atomic<std::uint64_t> ended_{0};
};

inline void pool_thread::end() noexcept {
    last_ = nobodys_cache();
    thread_cache** const shards = std::exchange(caches_, nullptr);
    for (std::size_t i = 0, n = std::exchange(size_, 0); i < n; ++i) {
        if (shards[i] != nullptr) {
            pool_core::thread_exits(*shards[i]);
            delete shards[i];
        }
    }
    std::free(shards);
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
