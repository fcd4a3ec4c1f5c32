// SPDX-License-Identifier: Apache-2.0
//
// One thread's part of one pool: a stack of idle objects that its owner uses without a lock, a locked instruction or a fence,
// and that others may empty at any instant. The owner never waits for them, unless it meets them; they never wait for it.
//
// Law: each object that is put here is taken out once, by the owner or by a drain.
//
// The owner takes or gives by one store to one slot, and then asks whether there is a drain. A drain (under the mutexes of core
// and shard) raises `drained_`, makes everybody fence, and then takes what it sees in the slots. So one of two things is true of
// an owner in the middle: it had asked before the fence, and then the drain sees its store; or it asks after, and learns of
// the drain. Then it waits for the end of the drain at the shard's mutex, and looks there who has the object: a drain writes down
// which slots it emptied. Its store may have come late, when the drain had seen the slot as it was. That does no harm: a late null
// says nothing new, and a late object is found there by the owner, who wrote it, or by the next drain.
//
// Only the owner stores objects into slots, only drains store null into a slot that another may be using, and nothing is
// stored between a drain and the owner's recovery from it but that one late store.
//
// The memory belongs to the owner, because the owner may look here at any time; a pool that ends leaves its shards
// empty and `core` null (orphans), and each owner frees them at its leisure.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "ibid/detail/base/asymmetric_fence.h"
#include "ibid/detail/base/malloc_allocator.h"
#include "ibid/detail/pool/free_lists.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

class pool_thread;

class alignas(64) thread_cache : public made_by_malloc {
public:
    // At most this many objects lie with one thread.
    static constexpr std::uint32_t most = 32;

    constexpr thread_cache(pool_core* of, const pool_thread* by) noexcept : core(of), owner(by) {}

    [[nodiscard]] bool is_of(const pool_core& c) const noexcept {
        // Relaxed: a shard whose pool ends right now may pass for that pool's; it then has nothing to give and takes nothing.
        return core.load(std::memory_order_relaxed) == &c;
    }

    // --- the owner ----------------------------------------------------------------------------------------------------

    // The first slot comes first, and by its own address: where the address of a store comes out of a load, the next load must
    // wait for both, which costs more than all the rest.

    // Null: nothing is here, or a drain has taken it.
    [[nodiscard]] pool_node* take() noexcept {
        if (pool_node* const n = slots_[0].load(std::memory_order_relaxed)) {
            slots_[0].store(nullptr, std::memory_order_relaxed);
            asymmetric_fence_light();
            return drained_.load(std::memory_order_relaxed) ? recover_taken(0, n) : n;
        }
        if (top_ == 0) {
            return nullptr;
        }
        const std::uint32_t at = top_--;
        pool_node* const n = slots_[at].load(std::memory_order_relaxed); // null after a drain
        slots_[at].store(nullptr, std::memory_order_relaxed);
        asymmetric_fence_light();
        return drained_.load(std::memory_order_relaxed) ? recover_taken(at, n) : n;
    }

    // False: there is no room, or there was a drain; `n` is still the caller's. Otherwise it may be anybody's by now, and
    // nothing but this shard may be touched.
    [[nodiscard]] bool give(pool_node* n) noexcept {
        std::uint32_t at = 0;
        if (slots_[0].load(std::memory_order_relaxed) == nullptr) {
            if (quota() == 0) {
                return false;
            }
            slots_[0].store(n, std::memory_order_release); // with what its borrower did; a drain acquires
        } else {
            if (top_ + 1 >= quota()) {
                return false;
            }
            at = ++top_;
            slots_[at].store(n, std::memory_order_release); // the same
        }
        asymmetric_fence_light();
        return !drained_.load(std::memory_order_relaxed) || recover_given(at, n);
    }

    // --- the owner, under the core's mutex, so that no drain is there ----------------------------------------------------

    // After a drain, the shard is empty and has no positions. Before anything else.
    void recover() noexcept {
        if (drained_.load(std::memory_order_relaxed)) {
            top_ = 0;
            drain_took_.reset();
            drained_.store(false, std::memory_order_relaxed);
        }
    }

    [[nodiscard]] bool full() const noexcept {
        return top_ + (slots_[0].load(std::memory_order_relaxed) != nullptr ? 1 : 0) >= quota();
    }

    // Of a full shard, `n` objects that will be missed least: those that lie deepest.
    [[nodiscard]] free_list cut_oldest(std::uint32_t n) noexcept {
        free_list cut;
        if (top_ == 0 && n != 0) {
            cut.push(slots_[0].exchange(nullptr, std::memory_order_relaxed));
            return cut;
        }
        for (std::uint32_t i = 1; i <= top_; ++i) {
            pool_node* const here = slots_[i].exchange(nullptr, std::memory_order_relaxed);
            if (i <= n) {
                cut.push(here);
            } else {
                slots_[i - n].store(here, std::memory_order_relaxed);
            }
        }
        top_ -= std::min(top_, n);
        return cut;
    }

    [[nodiscard]] std::uint32_t quota() const noexcept { return quota_.load(std::memory_order_relaxed); }
    void grant(std::uint32_t more) noexcept { quota_.store(quota() + more, std::memory_order_relaxed); }

    // --- a drain, under the core's mutex: begin_drain() for each shard, asymmetric_fence_heavy(), drain() and end_drain() for each ----

    void begin_drain() noexcept {
        mutex_.lock();
        drained_.store(true, std::memory_order_relaxed);
    }
    [[nodiscard]] free_list drain() noexcept {
        free_list taken;
        for (std::size_t at = 0; at < most; ++at) {
            if (pool_node* const n = slots_[at].load(std::memory_order_acquire)) {
                slots_[at].store(nullptr, std::memory_order_relaxed);
                drain_took_[at] = true;
                taken.push(n);
            }
        }
        quota_.store(0, std::memory_order_relaxed);
        return taken;
    }
    void end_drain() noexcept { mutex_.unlock(); }

    // --- who belongs to whom ------------------------------------------------------------------------------------------

    // Null once the pool has ended; written in the drain that ends it.
    std::atomic<pool_core*> core;

    // Calls f(core), null or alive meanwhile: the drain that ends a pool waits.
    template <class Function>
    void with_core(Function f) noexcept {
        const std::lock_guard lock(mutex_);
        f(core.load(std::memory_order_relaxed));
    }

    // Under the core's mutex.
    const pool_thread* const owner;
    thread_cache* next = nullptr;

private:
    // At the end of a drain: whose is it?
    [[nodiscard, gnu::noinline]] pool_node* recover_taken(std::uint32_t at, pool_node* n) noexcept {
        const std::lock_guard lock(mutex_);
        const bool lost = drain_took_[at];
        recover();
        return lost ? nullptr : n;
    }
    [[nodiscard, gnu::noinline]] bool recover_given(std::uint32_t at, pool_node* n) noexcept {
        const std::lock_guard lock(mutex_);
        const bool lost = slots_[at].load(std::memory_order_relaxed) != n;
        slots_[at].store(nullptr, std::memory_order_relaxed);
        recover();
        return lost;
    }

    std::uint32_t top_ = 0;               // the owner's: slots 1 to top_ are full, unless drained
    std::atomic<std::uint32_t> quota_{0}; // how many objects may lie here: part of the pool's budget
    std::atomic<bool> drained_{false};
    std::array<std::atomic<pool_node*>, most> slots_{};

    std::mutex mutex_; // protects a drain from the owner's recovery; taken after the core's, never before it
    std::bitset<most> drain_took_; // from these slots, since the last recovery; under the mutex
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
