// SPDX-License-Identifier: Apache-2.0
//
// A pool without its type: where idle objects lie, and who may touch them.
//
// Law: every object is in exactly one place: with a borrower, on one thread's shard, on the shared shelf, or on a list that
// is about to be destroyed. Destructors, factories and reset hooks run outside every lock. Idle objects never number more
// than the budget.
//
// Lifetime: the pool holds one reference to its core and every object holds one, idle or on loan; a loan that outlives
// its pool still finds the mutex, and the note that says `closed`. Objects come and go seldom, so the count is cold.
//
// The budget is kept by positions: a shard is granted the right to hold so many objects, out of half the budget at most,
// and the shared shelf holds what is not granted. So nothing shared is counted when an object is taken or returned, and
// the bound holds at every instant.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include <pthread.h>

#include "ibid/detail/fence.h"
#include "ibid/detail/pool_shard.h"
#include "ibid/detail/pool_shelf.h"
#include "ibid/detail/pool_thread.h"

namespace ibid::detail {

class pool_core {
public:
    // At most this many idle objects lie with one thread; half of them move when they have to.
    static constexpr std::size_t shard_positions = 32;
    static constexpr std::size_t batch = shard_positions / 2;

    pool_core(std::size_t budget, bool resets) noexcept : resets_(resets), budget_(budget) { enlist(*this); }
    pool_core(const pool_core&) = delete;
    pool_core& operator=(const pool_core&) = delete;

    // An idle object, or null.
    [[nodiscard]] pool_node* take() noexcept {
        pool_shard* const mine = this_pool_thread.find(*this, id_);
        if (mine != nullptr && mine->enter()) {
            pool_node* const n = mine->shelf.pop();
            mine->leave();
            if (n != nullptr) {
                return n;
            }
            if (shared_size_.load(std::memory_order_relaxed) ==
                0) { // a hint: an object on its way there may be missed
                return nullptr;
            }
        }
        return take_shared(mine);
    }

    // Takes `n` back; destroys it when the hook refuses it, when there is no room, and when the pool has ended.
    static void give_back(pool_node* n) noexcept {
        pool_core& core = *n->core; // alive at least until n lies somewhere that others can reach
        if (core.resets_ && (core.closed() || !core.reset(*n))) {
            core.destroy(n);
            return;
        }
        pool_shard* const mine = this_pool_thread.find(core, core.id_);
        if (mine != nullptr && mine->enter()) {
            const bool room = mine->shelf.size() < mine->positions;
            if (room) {
                mine->shelf.push(n);
            }
            mine->leave();
            if (room) {
                return;
            }
        }
        core.give_back_shared(n, mine);
    }

    // Destroys one object, idle no more or never, and gives up its reference.
    void destroy(pool_node* n) noexcept {
        ended_.fetch_add(1, std::memory_order_relaxed);
        dispose(n);
        release();
    }

    // For each object made: before it is made, and after, or instead when the making failed.
    void making() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void made() noexcept { made_.fetch_add(1, std::memory_order_relaxed); }
    void not_made() noexcept { release(); }

    // Drops the old generation and ages the fresh one. Returns how many objects it destroyed.
    std::size_t trim() noexcept {
        return drop([](pool_shelf& shelf) { return shelf.rotate(); });
    }
    std::size_t clear() noexcept {
        return drop([](pool_shelf& shelf) { return shelf.clear(); });
    }

    // The pool ends; objects on loan, and with them the core, may go on.
    void close() noexcept {
        pool_list idle;
        {
            const std::lock_guard lock(mutex_);
            closed_.store(true, std::memory_order_release);
            idle = shared_.clear();
            shared_size_.store(0, std::memory_order_relaxed);
            claim_all();
            while (shards_ != nullptr) {
                pool_shard* const s = shards_;
                shards_ = s->next;
                idle.splice(s->shelf.clear());
                s->core.store(nullptr, std::memory_order_release); // the owner may free it from here on
            }
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
        const std::lock_guard lock(mutex_);
        claim_all();
        count c{0, 0, shared_.size(), shared_.old()};
        for (const pool_shard* s = shards_; s != nullptr; s = s->next) {
            c.idle += s->shelf.size();
            c.old += s->shelf.old();
        }
        // Ended first: an object that ends in between is then still counted as there.
        c.ended = ended_.load(std::memory_order_relaxed);
        c.made = made_.load(std::memory_order_relaxed);
        unclaim_all();
        return c;
    }

    // The owner of `s` ends. True when the shard is unlinked and its memory the owner's alone.
    static void retire(pool_shard& s) noexcept {
        while (!s.enter()) {
            // Claimed by a trim, which will be over soon, or for ever, by the end of the pool.
            if (s.core.load(std::memory_order_acquire) == nullptr) {
                return;
            }
            std::this_thread::yield();
        }
        pool_core& core =
            *s.core.load(std::memory_order_relaxed); // not closed: closing would have had to await us
        core.references_.fetch_add(1, std::memory_order_relaxed);
        s.leave();
        {
            const std::lock_guard lock(core.mutex_);
            if (!core.closed()) {
                core.take_in(s);
            }
        }
        core.release();
    }

protected:
    virtual ~pool_core() { delist(*this); }

private:
    virtual bool reset(pool_node&) noexcept = 0;   // false: do not keep this one
    virtual void dispose(pool_node*) noexcept = 0; // destroys the object and frees its memory

    [[nodiscard]] bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

    void release() noexcept {
        // Release: what this holder did with the core happens before its end; acquire on the last one: all others' too.
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            delete this;
        }
    }

    void destroy_all(pool_list& list) noexcept {
        while (pool_node* const n = list.pop()) {
            destroy(n);
        }
    }

    [[nodiscard]] pool_node* take_shared(pool_shard* mine) noexcept {
        pool_shard* const fresh = mine == nullptr ? this_pool_thread.add(*this, id_) : nullptr;
        const std::lock_guard lock(mutex_);
        if (fresh != nullptr) {
            link(*fresh);
            mine = fresh;
        }
        if (mine == nullptr) {
            return settle(shared_.pop());
        }
        // The owner holds the mutex, so nobody claims, and nobody but the owner enters: the shelf is ours.
        if (pool_node* const n = mine->shelf.pop()) { // a trim was in the way a moment ago
            return n;
        }
        pool_list some = shared_.cut_fresh(batch);
        grant(*mine); // some of the positions that have just become free
        if (some.size() > mine->positions) {
            shared_.put(some.cut_oldest(some.size() - mine->positions));
        }
        mine->shelf.put(some);
        pool_node* const n = mine->shelf.pop();
        return settle(n != nullptr ? n : shared_.pop());
    }

    void give_back_shared(pool_node* n, pool_shard* mine) noexcept {
        pool_shard* const fresh = mine == nullptr && !closed() ? this_pool_thread.add(*this, id_) : nullptr;
        {
            const std::lock_guard lock(mutex_);
            if (!closed()) {
                if (fresh != nullptr) {
                    link(*fresh);
                    mine = fresh;
                }
                if (put(n, mine)) {
                    return; // n is others' now, and with it, for all we know, the core
                }
            } else if (fresh != nullptr) {
                this_pool_thread.remove(id_);
            }
        }
        destroy(n); // may end the core
    }

    // Under the mutex, with this thread's shard, if it has one. False: there is no room.
    [[nodiscard]] bool put(pool_node* n, pool_shard* mine) noexcept {
        if (mine != nullptr) {
            grant(*mine);
        }
        if (mine == nullptr || mine->positions == 0) {
            if (room() == 0) {
                return false;
            }
            shared_.push(n);
        } else {
            if (mine->shelf.size() >= mine->positions) {
                if (room() == 0) {
                    return false;
                }
                shared_.put(mine->shelf.cut_oldest(std::min((mine->positions + 1) / 2, room())));
            }
            mine->shelf.push(n);
        }
        settle(nullptr);
        return true;
    }

    // Under the mutex: how many more objects the shared shelf may hold, or shards be granted.
    [[nodiscard]] std::size_t room() const noexcept { return budget_ - granted_ - shared_.size(); }

    // Under the mutex.
    void grant(pool_shard& s) noexcept {
        const std::size_t more = std::min({shard_positions - s.positions, budget_ / 2 - granted_, room()});
        s.positions += more;
        granted_ += more;
    }
    void link(pool_shard& s) noexcept {
        s.next = shards_;
        shards_ = &s;
    }

    pool_node* settle(pool_node* n) noexcept {
        shared_size_.store(shared_.size(), std::memory_order_relaxed);
        return n;
    }

    // Under the mutex. From here to unclaim_all() no owner is at its shelf.
    void claim_all() noexcept {
        if (shards_ == nullptr) {
            return;
        }
        for (pool_shard* s = shards_; s != nullptr; s = s->next) {
            s->claim();
        }
        heavy_fence(asymmetric_fences());
        for (pool_shard* s = shards_; s != nullptr; s = s->next) {
            s->await();
        }
    }
    void unclaim_all() noexcept {
        for (pool_shard* s = shards_; s != nullptr; s = s->next) {
            s->unclaim();
        }
    }

    template <class Choose>
    std::size_t drop(Choose choose) noexcept {
        pool_list dropped;
        {
            const std::lock_guard lock(mutex_);
            dropped = choose(shared_);
            claim_all();
            granted_ = 0;
            for (pool_shard* s = shards_; s != nullptr; s = s->next) {
                dropped.splice(choose(s->shelf));
                s->positions =
                    s->shelf.size(); // a thread that is idle gives its positions up; the others ask again
                granted_ += s->positions;
            }
            settle(nullptr);
            unclaim_all();
        }
        const std::size_t size = dropped.size();
        destroy_all(dropped);
        return size;
    }

    // Under the mutex. Moves the content of `s` to the shared shelf and forgets `s`. Its positions become free, so there
    // is room.
    void take_in(pool_shard& s) noexcept {
        pool_shard** at = &shards_;
        while (*at != &s) {
            at = &(*at)->next;
        }
        *at = s.next;
        granted_ -= s.positions;
        shared_.put(std::exchange(s.shelf, {}));
        settle(nullptr);
    }

    // All cores of the process, by number, for the numbers themselves and for fork().
    //
    // A child has one thread. Around fork() the forking thread holds every mutex and claims every shard, so that the
    // child finds them whole; there, what lay with threads that are gone goes to the shared shelves.
    struct roll {
        std::mutex
            mutex; // protects `first` and every core's `next_`; taken before any core's mutex, never after
        pool_core* first = nullptr;
        bool handlers = false;
    };
    static roll& all() noexcept {
        static constinit roll cores;
        return cores;
    }

    // Gives `core` the smallest number that no other core has.
    static void enlist(pool_core& core) noexcept {
        roll& cores = all();
        const std::lock_guard lock(cores.mutex);
        if (!cores.handlers) {
            cores.handlers = ::pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0;
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
        roll& cores = all();
        const std::lock_guard lock(cores.mutex);
        pool_core** at = &cores.first;
        while (*at != &core) {
            at = &(*at)->next_;
        }
        *at = core.next_;
    }

    static void before_fork() noexcept {
        all().mutex.lock();
        for (pool_core* c = all().first; c != nullptr; c = c->next_) {
            c->mutex_.lock();
            c->claim_all();
        }
    }
    static void after_fork_in_parent() noexcept {
        for (pool_core* c = all().first; c != nullptr; c = c->next_) {
            c->unclaim_all();
            c->mutex_.unlock();
        }
        all().mutex.unlock();
    }
    static void after_fork_in_child() noexcept {
        for (pool_core* c = all().first; c != nullptr; c = c->next_) {
            for (pool_shard* s = c->shards_; s != nullptr;) {
                pool_shard* const next = s->next;
                if (s->owner != &this_pool_thread) {
                    c->take_in(*s); // within the budget: its positions come along
                    delete s;
                }
                s = next;
            }
        }
        after_fork_in_parent();
    }

    // Read by every take and return, written once.
    const bool resets_;               // there is a reset hook
    std::atomic<bool> closed_{false}; // written under the mutex
    std::uint32_t id_ = 0;
    const std::size_t budget_;
    pool_core* next_ = nullptr; // under the roll's mutex

    alignas(64)
        std::mutex mutex_; // protects shared_, granted_ and shards_; never held while code of the user's runs
    pool_shelf shared_;
    std::size_t granted_ = 0; // the sum of the shards' positions
    pool_shard* shards_ = nullptr;
    std::atomic<std::size_t> shared_size_{0}; // of shared_, for those who do not hold the mutex

    alignas(64) std::atomic<std::size_t> references_{1};
    std::atomic<std::uint64_t> made_{0};
    std::atomic<std::uint64_t> ended_{0};
};

inline void pool_thread::end() noexcept {
    ended_ = true;
    last_ = nullptr;
    pool_shard** const shards = std::exchange(shards_, nullptr);
    for (std::size_t i = 0, n = std::exchange(size_, 0); i < n; ++i) {
        if (shards[i] != nullptr) {
            pool_core::retire(*shards[i]);
            delete shards[i];
        }
    }
    delete[] shards;
}

} // namespace ibid::detail
