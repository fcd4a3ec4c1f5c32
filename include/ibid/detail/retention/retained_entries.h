// SPDX-License-Identifier: Apache-2.0
//
// The entries that a retention budget keeps. Which of them goes first is the eviction order's to say (s3_fifo.h).
//
// Law: the budget is never exceeded; what has not earned its place never pushes out what has, and is not kept at all before it
// is met a second time; a hit costs at most one relaxed store, and never a wait. Every kept entry is held by one ordinary
// reference, so that keeping is not a special state of an entry: it has one holder more. What was met once, and what has
// gone, is remembered by 8 bytes a key, for at most as many keys each as the budget has entries, until the next trim or change
// of the budget.
//
// Why not at first sight: who sends ever other keys would have each kept for a while and freed when its memory has grown
// cold, which costs more than to free it at once. So a stranger leaves a ghost, and costs what it costs without a budget.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <utility>

#include "ibid/detail/base/entry_word.h"
#include "ibid/detail/retention/ghost_table.h"
#include "ibid/detail/retention/s3_fifo.h"
#include "ibid/retention.h"
#include "ibid/statistics.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

// Traits: acquire(entry), release(entry), weight(entry); entries derive from entry_word. Where release() may be left by an exception,
// or by a thread that ends inside it, so may whatever drops references here; no lock is held then, and the references that it still
// had to drop are lost.
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
        const std::lock_guard lock(mutex_);
        return budget_;
    }

    void set_budget(retention budget) noexcept(drops_quietly) {
        {
            const std::lock_guard lock(mutex_);
            budget_ = budget;
            off_.store(budget.none(), std::memory_order_relaxed);
        }
        fit_budget();
    }

    // A hit on `e`, of which the caller holds a reference. Called only while not off().
    void touch(entry& e) noexcept(drops_quietly) {
        if (!e.has(entry_word::visited)) {
            e.set(entry_word::visited);
        }
        // A stranger that is hit is none any more, and an entry that handles kept alive after the budget had let it go comes
        // back. Somebody else at the order just now is reason enough to leave it for the next hit.
        if (!e.has(entry_word::retained)) {
            victims gone;
            const std::unique_lock lock(mutex_, std::try_to_lock);
            if (lock.owns_lock()) {
                enter(e, gone);
            }
        }
    }

    // `e` was made, or has earned its place; the caller holds a reference.
    void admit(entry& e) noexcept(drops_quietly) {
        admit(e, [](entry&) noexcept {});
    }
    // `weigh` is called first when `e` may be kept: under the lock, so it is short, and calls nobody.
    template <class Weigh>
    void admit(entry& e, Weigh weigh) noexcept(drops_quietly) {
        for (bool done = false; !done;) {
            victims gone;
            const std::lock_guard lock(mutex_);
            if (is_first_timer(e)) {
                return;
            }
            weigh(e);
            done = enter(e, gone);
        }
    }

    // From now on `e` may push out others that have earned their place. The caller holds a reference.
    void protect(entry& e) noexcept(drops_quietly) {
        if (e.has(entry_word::in_protected)) {
            return;
        }
        e.set(entry_word::in_protected);
        if (!off() && !e.has(entry_word::retained)) {
            admit(e);
        }
        // An entry that is kept moves up when its turn to go comes, and stays.
    }

    // Lets go of all that is kept now, and remembers nobody. Drops run outside the lock, and what they keep anew stays.
    void drop_all() noexcept(drops_quietly) {
        s3_fifo<entry> all;
        ghost_table met;
        {
            const std::lock_guard lock(mutex_);
            std::swap(all, order_);
            std::swap(met, first_timers_);
            all.for_each([](entry& e) { e.clear(entry_word::retained); });
            publish();
        }
        all.for_each([](entry& e) { Traits::release(e); });
    }

    // Lets go of every kept entry that `which` chooses. References are dropped outside the lock.
    template <class Predicate>
    void drop_if(Predicate which) noexcept(drops_quietly) {
        for (bool more = true; more;) {
            victims gone;
            const std::lock_guard lock(mutex_);
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
    void lock() noexcept { mutex_.lock(); }
    void unlock() noexcept { mutex_.unlock(); }

private:
    // A handful of references, dropped at the end of its scope: outside the lock, since a drop may run a destructor.
    class victims {
    public:
        victims() noexcept = default;
        victims(const victims&) = delete;
        victims& operator=(const victims&) = delete;
        ~victims() noexcept(drops_quietly) {
            for (std::size_t i = 0; i < count_; ++i) {
                Traits::release(*entries_[i]);
            }
        }
        [[nodiscard]] bool full() const noexcept { return count_ == entries_.size(); }
        void add(entry* e) noexcept { entries_[count_++] = e; }

    private:
        std::array<entry*, 16> entries_;
        std::size_t count_ = 0;
    };

    // Under the lock. Whether `e` has not earned its place and comes for the first time, as far as is known; then it is known
    // from now on.
    [[nodiscard]] bool is_first_timer(const entry& e) noexcept {
        const std::size_t known = budget_.entries - budget_.entries / 10; // as of those that have gone
        if (budget_.none() || e.has(entry_word::in_protected) || first_timers_.contains(e.hash(), known)) {
            return false;
        }
        first_timers_.remember(e.hash(), known);
        return true;
    }

    // Under the lock. Makes room for `e`, and takes it in if it is wanted; false when `gone` is full and room is still short.
    bool enter(entry& e, victims& gone) noexcept {
        const std::size_t weight = Traits::weight(e);
        if (budget_.none() || weight > budget_.bytes || e.has(entry_word::retained)) {
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
        if (order_.add(e, weight)) { // else there is no retention for this one
            Traits::acquire(e);
            e.set(entry_word::retained);
            publish();
        }
        return true;
    }

    // True when letting go of newcomers alone can make the room. While there are none that is plain arithmetic, and the
    // earned stay untouched.
    [[nodiscard]] bool room_in_probationary(std::size_t weight) const noexcept {
        return order_.protected_size() < budget_.entries &&
               order_.protected_bytes() <= budget_.bytes - weight;
    }

    [[nodiscard]] bool over() const noexcept {
        return order_.bytes() > budget_.bytes || order_.size() > budget_.entries;
    }

    // The budget has changed.
    void fit_budget() noexcept(drops_quietly) {
        for (bool more = true; more;) {
            victims gone;
            const std::lock_guard lock(mutex_);
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

    void evict(victims& gone) noexcept {
        if (entry* const e = order_.next_victim()) {
            e->clear(entry_word::retained);
            gone.add(e);
            publish();
        }
    }

    void publish() noexcept {
        counters_.retained.store(order_.size(), std::memory_order_relaxed);
        counters_.retained_bytes.store(order_.bytes(), std::memory_order_relaxed);
    }

    mutable std::mutex mutex_; // protects all below; never held while a reference is dropped
    retention budget_;
    s3_fifo<entry> order_;
    ghost_table first_timers_; // those that had not earned their place when they were made
    counter_stripe& counters_;
    std::atomic<bool> off_{true}; // budget_.none(), for those who do not hold the lock
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
