// SPDX-License-Identifier: Apache-2.0
//
// The entries that a retention budget holds, so that they outlive their last handle. s3_fifo.h decides which
// of them goes first.
//
// Invariants:
//  - The budget is never exceeded.
//  - A retained entry is held by one ordinary reference. Retention is no special state of an entry.
//  - An entry in the protected segment is never evicted for a probationary one.
//  - A first-timer (an entry that is not in_protected and whose key was not seen lately) is not retained; it
//    leaves a ghost. Why: a peer may send new keys all the time. If each were retained, each would be freed
//    when its memory is out of cache, which costs more than freeing it at once. (TinyLFU calls this a
//    doorkeeper.)
//  - A hit costs at most one relaxed store, and never waits.
//  - Keys seen once, and keys evicted, are remembered with 8 bytes each, at most as many of each as the
//    budget has entries, until the next trim or change of the budget.
//
// Thread safety: any thread. References are dropped outside the lock.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <utility>

#include "ibid/detail/base/entry_word.h"
#include "ibid/detail/base/mechanisms.h"
#include "ibid/detail/base/mutex.h"
#include "ibid/detail/retention/ghost_table.h"
#include "ibid/detail/retention/s3_fifo.h"
#include "ibid/retention.h"
#include "ibid/statistics.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

// The weight of what is not retained, whatever the budget.
inline constexpr std::size_t never = static_cast<std::size_t>(-1);

// Traits: acquire(entry), release(entry), weight(entry). If release() may throw or may be cancelled, the same
// is true of every function here that drops references. No lock is held then; the references that were not
// dropped yet are leaked.
template <class Traits>
class retained_entries {
public:
    using entry = typename Traits::entry;
    static constexpr bool drops_quietly = noexcept(Traits::release(std::declval<entry&>()));

    explicit retained_entries(counter_stripe& counters) noexcept : counters_(counters) {}
    retained_entries(const retained_entries&) = delete;
    retained_entries& operator=(const retained_entries&) = delete;

    [[nodiscard]] bool off() const noexcept { return off_.load(std::memory_order_relaxed); }
    [[nodiscard]] retention budget() const noexcept {
        const lock_guard lock(mutex_);
        return budget_;
    }

    [[gnu::noinline]] void set_budget(retention budget) noexcept(drops_quietly);

    // A hit on `e`. Requires a reference, and not off().
    void touch(entry& e) noexcept(drops_quietly) {
        if (!e.has(entry_word::visited)) {
            e.set(entry_word::visited);
        }
        if (!e.has(entry_word::retained)) {
            retain_after_hit(e);
        }
    }

    // `e` was made, or has become protected. Requires a reference.
    void admit(entry& e) noexcept(drops_quietly) {
        admit(e, [](entry&) noexcept {});
    }
    // `weigh` is called before Traits::weight(), under the lock: it must be short and must not call user
    // code.
    template <class Weigh>
    [[gnu::noinline]] void admit(entry& e, Weigh weigh) noexcept(drops_quietly) {
        for (bool done = false; !done;) {
            victims gone;
            const lock_guard lock(mutex_);
            if (is_first_timer(e)) {
                return;
            }
            weigh(e);
            done = enter(e, gone);
        }
    }

    // Moves `e` to the protected segment. Requires a reference.
    void protect(entry& e) noexcept(drops_quietly) {
        if (e.has(entry_word::in_protected)) {
            return;
        }
        e.set(entry_word::in_protected);
        if (!off() && !e.has(entry_word::retained)) {
            admit(e);
        }
        // A retained entry moves when s3_fifo::next_victim() reaches it.
    }

    // Drops all retained entries and all ghosts. An entry that becomes retained during these drops stays.
    [[gnu::noinline]] void drop_all() noexcept(drops_quietly);

    // Drops every retained entry that `which` chooses.
    template <class Predicate>
    void drop_if(Predicate which) noexcept(drops_quietly) {
        for (bool more = true; more;) {
            victims gone;
            const lock_guard lock(mutex_);
            order_.take_if(which, [&](entry& e) {
                e.clear(entry_word::retained);
                gone.add(&e);
                return !gone.full();
            });
            publish();
            more = gone.full();
        }
    }

    // Around fork(): see interner.
    void lock() noexcept IBID_ACQUIRE(mutex_) { mutex_.lock(); }
    void unlock() noexcept IBID_RELEASE(mutex_) { mutex_.unlock(); }

private:
    // A first-timer that is hit is retained now, and so is an entry that was evicted while handles kept it
    // alive. If the lock is taken, leave it to the next hit.
    [[gnu::noinline]] void retain_after_hit(entry& e) noexcept(drops_quietly);

    // Collects references and drops them at the end of the scope, outside the lock, because a drop may run a
    // destructor.
    class victims {
    public:
        victims() noexcept = default;
        victims(const victims&) = delete;
        victims& operator=(const victims&) = delete;
        ~victims() noexcept(drops_quietly) {
            if (count_ > 0) {
                drop();
            }
        }
        [[nodiscard]] bool full() const noexcept { return count_ == entries_.size(); }
        void add(entry* e) noexcept { entries_[count_++] = e; }

    private:
        [[gnu::noinline]] void drop() noexcept(drops_quietly) {
            for (std::size_t i = 0; i < count_; ++i) {
                Traits::release(*entries_[i]);
            }
        }

        std::array<entry*, 16> entries_;
        std::size_t count_ = 0;
    };

    // Whether `e` is a first-timer; then its key is remembered.
    [[nodiscard]] bool is_first_timer(const entry& e) noexcept IBID_REQUIRES(mutex_) {
        const std::size_t known =
            budget_.entries - budget_.entries / 10; // as many as s3_fifo's ghosts of evicted keys
        if (!has(mechanism::first_timers) || budget_.none() || e.has(entry_word::in_protected) ||
            first_timers_.contains(e.hash(), known)) {
            return false;
        }
        first_timers_.remember(e.hash(), known);
        return true;
    }

    // Retains `e` if the budget allows it, and evicts others for it. False: `gone` is full;
    // call again.
    [[gnu::noinline]] bool enter(entry& e, victims& gone) noexcept IBID_REQUIRES(mutex_) {
        const std::size_t weight = Traits::weight(e);
        if (budget_.none() || weight > budget_.bytes || weight == never || e.has(entry_word::retained)) {
            return true;
        }
        const bool in_protected = e.has(entry_word::in_protected);
        while (order_.bytes() > budget_.bytes - weight || order_.size() >= budget_.entries) {
            if (!in_protected && !room_in_probationary(weight)) {
                return true;
            }
            if (gone.full()) {
                return false;
            }
            evict(gone);
        }
        if (order_.add(e, weight)) { // else out of memory: not retained
            Traits::acquire(e);
            e.set(entry_word::retained);
            publish();
        }
        return true;
    }

    // Whether evicting only probationary entries can make the room. If there are none, this touches no entry.
    [[nodiscard]] bool room_in_probationary(std::size_t weight) const noexcept IBID_REQUIRES(mutex_) {
        return order_.protected_size() < budget_.entries &&
               order_.protected_bytes() <= budget_.bytes - weight;
    }

    [[nodiscard]] bool over() const noexcept IBID_REQUIRES(mutex_) {
        return order_.bytes() > budget_.bytes || order_.size() > budget_.entries;
    }

    // The budget has changed.
    [[gnu::noinline]] void fit_budget() noexcept(drops_quietly) {
        for (bool more = true; more;) {
            victims gone;
            const lock_guard lock(mutex_);
            while (over() && !gone.full()) {
                evict(gone);
            }
            more = over();
            if (!more) {
                order_.forget_ghosts();
                first_timers_ = {};
            }
        }
    }

    void evict(victims& gone) noexcept IBID_REQUIRES(mutex_) {
        if (entry* const e = order_.next_victim()) {
            e->clear(entry_word::retained);
            gone.add(e);
            publish();
        }
    }

    void publish() noexcept IBID_REQUIRES(mutex_) {
        counters_.retained.store(order_.size(), std::memory_order_relaxed);
        counters_.retained_bytes.store(order_.bytes(), std::memory_order_relaxed);
    }

    mutable detail::mutex mutex_; // never held while a reference is dropped
    retention budget_ IBID_GUARDED_BY(mutex_);
    s3_fifo<entry> order_ IBID_GUARDED_BY(mutex_);
    ghost_table first_timers_ IBID_GUARDED_BY(mutex_); // keys that were made once
    counter_stripe& counters_;
    std::atomic<bool> off_{true}; // budget_.none(), without the lock
};

template <class Traits>
void retained_entries<Traits>::set_budget(retention budget) noexcept(drops_quietly) {
    {
        const lock_guard lock(mutex_);
        budget_ = budget;
        off_.store(budget.none(), std::memory_order_relaxed);
    }
    fit_budget();
}

template <class Traits>
void retained_entries<Traits>::drop_all() noexcept(drops_quietly) {
    s3_fifo<entry> all;
    ghost_table first_timers;
    {
        const lock_guard lock(mutex_);
        std::swap(all, order_);
        std::swap(first_timers, first_timers_);
        all.for_each([](entry& e) { e.clear(entry_word::retained); });
        publish();
    }
    all.for_each([](entry& e) { Traits::release(e); });
}

template <class Traits>
void retained_entries<Traits>::retain_after_hit(entry& e) noexcept(drops_quietly) {
    victims gone;
    if (mutex_.try_lock()) {
        enter(e, gone);
        mutex_.unlock();
    }
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
