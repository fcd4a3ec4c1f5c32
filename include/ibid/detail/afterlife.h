// SPDX-License-Identifier: Apache-2.0
//
// The entries that a retention budget keeps, and which of them goes first: CLOCK in two classes.
//
// Law: the budget is never exceeded; what has not earned its place never pushes out what has; a hit costs at most one
// relaxed store, and never a wait. Every kept entry is held by one ordinary reference, so that keeping is not a special
// state of an entry: it has one holder more.
//
// CLOCK: entries stand in a ring; a hit marks an entry; a hand that looks for a victim takes marks away until it finds
// an entry without one. Each step of the hand is paid for by the hit that set the mark: amortized constant.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <vector>

#include "ibid/detail/entry_link.h"
#include "ibid/retention.h"
#include "ibid/statistics.h"

namespace ibid::detail {

// Traits: acquire(entry), release(entry), weight(entry); entries derive from entry_link.
template <class Traits>
class afterlife {
public:
    using entry = typename Traits::entry;

    explicit afterlife(counter_stripe& counters) noexcept : counters_(counters) {}
    afterlife(const afterlife&) = delete;
    afterlife& operator=(const afterlife&) = delete;

    [[nodiscard]] bool off() const noexcept { return off_.load(std::memory_order_relaxed); }
    [[nodiscard]] retention budget() const noexcept {
        const std::lock_guard lock(mutex_);
        return budget_;
    }

    void set_budget(retention budget) noexcept {
        {
            const std::lock_guard lock(mutex_);
            budget_ = budget;
            off_.store(budget.none(), std::memory_order_relaxed);
        }
        settle();
    }

    // A hit on `e`, of which the caller holds a reference. Called only while not off().
    void touch(entry& e) noexcept {
        if (!e.has(entry_link::visited)) {
            e.set(entry_link::visited);
        }
        // An entry that handles kept alive after the ring had let it go comes back. Somebody else in the ring just now is
        // reason enough to leave it for the next hit.
        if (!e.has(entry_link::kept)) {
            victims gone;
            const std::unique_lock lock(mutex_, std::try_to_lock);
            if (lock.owns_lock()) {
                enter(e, gone);
            }
        }
    }

    // First sight of `e`, of which the caller holds a reference.
    void admit(entry& e) noexcept {
        for (bool done = false; !done;) {
            victims gone;
            const std::lock_guard lock(mutex_);
            done = enter(e, gone);
        }
    }

    // From now on `e` may push out others that have earned their place. The caller holds a reference.
    void earn(entry& e) noexcept {
        if (e.has(entry_link::earned)) {
            return;
        }
        e.set(entry_link::earned);
        if (!off() && !e.has(entry_link::kept)) {
            admit(e);
        }
        // An entry in the lower ring is moved when the hand comes by, and is not evicted there.
    }

    // Lets go of all that is kept now. Drops run outside the lock, and what they keep anew stays.
    void drop_all() noexcept {
        std::vector<kept> newcomers;
        std::vector<kept> earned;
        {
            const std::lock_guard lock(mutex_);
            newcomers.swap(newcomers_);
            earned.swap(earned_);
            for (const std::vector<kept>* const ring : {&newcomers, &earned}) {
                for (const kept& k : *ring) {
                    k.value->clear(entry_link::kept);
                }
            }
            bytes_ = earned_bytes_ = 0;
            publish();
        }
        for (const std::vector<kept>* const ring : {&newcomers, &earned}) {
            for (const kept& k : *ring) {
                Traits::release(*k.value);
            }
        }
    }

    // Lets go of every kept entry that `which` chooses. References are dropped outside the lock.
    template <class Predicate>
    void drop_if(Predicate which) noexcept {
        for (bool more = true; more;) {
            victims gone;
            {
                const std::lock_guard lock(mutex_);
                for (std::vector<kept>* const ring : {&newcomers_, &earned_}) {
                    for (std::size_t i = 0; i < ring->size() && !gone.full();) {
                        if (which(*(*ring)[i].value)) {
                            gone.add(take(*ring, i));
                        } else {
                            ++i;
                        }
                    }
                }
                more = gone.full();
            }
        }
    }

    // Around fork(): see interner.
    void lock() noexcept { mutex_.lock(); }
    void unlock() noexcept { mutex_.unlock(); }

private:
    struct kept {
        entry* value;
        std::size_t weight;
    };

    // A handful of references, dropped at the end of its scope: outside the lock, since a drop may run a destructor.
    class victims {
    public:
        victims() noexcept = default;
        victims(const victims&) = delete;
        victims& operator=(const victims&) = delete;
        ~victims() {
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

    // Under the lock. Makes room for `e`, and takes it in if it is wanted; false when `gone` is full and room is still short.
    bool enter(entry& e, victims& gone) noexcept {
        const std::size_t weight = Traits::weight(e);
        if (budget_.none() || weight > budget_.bytes || e.has(entry_link::kept)) {
            return true;
        }
        const bool earned = e.has(entry_link::earned);
        while (bytes_ > budget_.bytes - weight || newcomers_.size() + earned_.size() >= budget_.entries) {
            if (!earned && !room_for_newcomer(weight)) {
                return true;
            }
            if (gone.full()) {
                return false;
            }
            evict(gone);
        }
        try {
            (earned ? earned_ : newcomers_).push_back({&e, weight});
        } catch (const std::bad_alloc&) {
            return true; // no afterlife for this one
        }
        Traits::acquire(e);
        e.set(entry_link::kept);
        bytes_ += weight;
        earned_bytes_ += earned ? weight : 0;
        publish();
        return true;
    }

    // True when letting go of newcomers alone can make the room. While the newcomers' ring is empty that is plain
    // arithmetic, and the earned stay untouched.
    [[nodiscard]] bool room_for_newcomer(std::size_t weight) const noexcept {
        return earned_.size() < budget_.entries && earned_bytes_ + weight <= budget_.bytes;
    }

    [[nodiscard]] bool over() const noexcept {
        return bytes_ > budget_.bytes || newcomers_.size() + earned_.size() > budget_.entries;
    }

    void settle() noexcept {
        for (bool more = true; more;) {
            victims gone;
            const std::lock_guard lock(mutex_);
            while (over() && !gone.full()) {
                evict(gone);
            }
            more = over();
        }
    }

    void evict(victims& gone) noexcept {
        entry* const e =
            newcomers_.empty() ? sweep(earned_, earned_hand_) : sweep(newcomers_, newcomer_hand_);
        if (e != nullptr) {
            gone.add(e);
        }
    }

    // Moves the hand to the next victim and takes it out; null when the ring ran empty because its entries had earned
    // their place and moved up.
    [[nodiscard]] entry* sweep(std::vector<kept>& ring, std::size_t& hand) noexcept {
        while (!ring.empty()) {
            hand = hand < ring.size() ? hand : 0;
            entry& at_hand = *ring[hand].value;
            if (&ring == &newcomers_ && at_hand.has(entry_link::earned) && move_up(hand)) {
                continue;
            }
            if (!at_hand.has(entry_link::visited)) {
                return take(ring,
                            hand++); // the newest moves into the gap: it is behind the hand, looked at last
            }
            at_hand.clear(entry_link::visited);
            ++hand;
        }
        return nullptr;
    }

    [[nodiscard]] bool move_up(std::size_t i) noexcept {
        try {
            earned_.push_back(newcomers_[i]);
        } catch (const std::bad_alloc&) {
            return false;
        }
        earned_bytes_ += newcomers_[i].weight;
        newcomers_[i] = newcomers_.back();
        newcomers_.pop_back();
        return true;
    }

    [[nodiscard]] entry* take(std::vector<kept>& ring, std::size_t i) noexcept {
        const kept gone = ring[i];
        ring[i] = ring.back();
        ring.pop_back();
        bytes_ -= gone.weight;
        earned_bytes_ -= &ring == &earned_ ? gone.weight : 0;
        gone.value->clear(entry_link::kept);
        publish();
        return gone.value;
    }

    void publish() noexcept {
        counters_.retained.store(newcomers_.size() + earned_.size(), std::memory_order_relaxed);
        counters_.retained_bytes.store(bytes_, std::memory_order_relaxed);
    }

    mutable std::mutex mutex_; // protects all below; never held while a reference is dropped
    retention budget_;
    std::vector<kept> newcomers_;
    std::vector<kept> earned_;
    std::size_t newcomer_hand_ = 0;
    std::size_t earned_hand_ = 0;
    std::size_t bytes_ = 0;        // of both rings
    std::size_t earned_bytes_ = 0; // of earned_
    counter_stripe& counters_;
    std::atomic<bool> off_{true}; // budget_.none(), for those who do not hold the lock
};

} // namespace ibid::detail
