// SPDX-License-Identifier: Apache-2.0
//
// One thread's cache of one pool: a stack of idle objects that its owner uses without a lock, an atomic
// read-modify-write or a fence, and that others may drain at any instant. A drain never waits for the owner.
// The owner waits only if a drain is in progress.
//
// Invariant: each object that is put here is taken out once, by the owner or by a drain.
//
// Why it holds. The owner takes or gives with one store to a slot, and then loads `drained_`. A drain (under
// the core's mutex and the cache's) stores `drained_`, runs a heavy fence, and takes what it finds in the
// slots. By the asymmetric fence, one of two things holds:
//  - The drain sees the owner's store.
//  - The owner sees `drained_`. It then waits at the cache's mutex until the drain ends. The drain has
//    recorded which slots it emptied, so the owner learns who has the object.
// In the second case the owner's store may come after the drain has read the slot. That is harmless: a late
// null changes nothing, and a late object is found by the owner, who stored it, or by the next drain.
//
// Only the owner stores objects into slots. Only drains store null into a slot that another thread may be
// using. Between a drain and the owner's recovery, nothing is stored except that one late store.
//
// Lifetime: the memory belongs to the owner, which may read it at any time. A pool that ends leaves its
// caches empty, with a null `core`; each owner frees them later.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bitset>
#include <cstddef>
#include <cstdint>

#include "ibid/detail/base/asymmetric_fence.h"
#include "ibid/detail/base/malloc_allocator.h"
#include "ibid/detail/base/mutex.h"
#include "ibid/detail/pool/free_lists.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

class pool_thread;

class alignas(64) thread_cache : public made_by_malloc {
public:
    // The largest number of objects in one cache.
    static constexpr std::uint32_t most = 32;

    constexpr thread_cache(pool_core* of, const pool_thread* by) noexcept : core(of), owner(by) {}

    [[nodiscard]] bool is_of(const pool_core& c) const noexcept {
        // Relaxed: a cache whose pool is just ending may still seem to belong to that pool. It is empty then,
        // and accepts nothing.
        return core.load(std::memory_order_relaxed) == &c;
    }

    // --- the owner -----------------------------------------------------------------------------------------

    // Slot 0 is tried first, with a constant address. A store whose address comes from a load delays the next
    // load, which would cost more than everything else here.

    // Null: the cache is empty, or a drain has taken the object.
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

    // False: no room, or there was a drain; `n` still belongs to the caller. True: it may belong to any
    // thread by now, and the caller may touch nothing but this cache.
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

    // --- the owner, under the core's mutex, so that no drain is running
    // --------------------------------------

    // The owner's first call here: after a drain, the cache is empty and has no quota.
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

    // Requires a full cache. Removes the `n` objects that were returned first.
    [[nodiscard]] free_list remove_oldest(std::uint32_t n) noexcept {
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

    // --- a drain, under the core's mutex: begin_drain() of each cache, a heavy fence, drain(), end_drain()

    void begin_drain() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
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
    void end_drain() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS { mutex_.unlock(); }

    // --- pool and owner ------------------------------------------------------------------------------------

    // Null after the pool has ended. Written in the drain that ends it.
    std::atomic<pool_core*> core;

    // Calls f(core). The core is null, or alive during the call: the drain that ends a pool waits.
    template <class Function>
    void with_core(Function f) noexcept {
        const lock_guard lock(mutex_);
        f(core.load(std::memory_order_relaxed));
    }

    // Under the core's mutex.
    const pool_thread* const owner;
    thread_cache* next = nullptr;

private:
    // After a drain: finds out who has the object.
    [[nodiscard, gnu::noinline]] pool_node* recover_taken(std::uint32_t at, pool_node* n) noexcept {
        const lock_guard lock(mutex_);
        const bool lost = drain_took_[at];
        recover();
        return lost ? nullptr : n;
    }
    [[nodiscard, gnu::noinline]] bool recover_given(std::uint32_t at, pool_node* n) noexcept {
        const lock_guard lock(mutex_);
        const bool lost = slots_[at].load(std::memory_order_relaxed) != n;
        slots_[at].store(nullptr, std::memory_order_relaxed);
        recover();
        return lost;
    }

    std::uint32_t top_ = 0;               // for the owner: slots 1 to top_ are full, unless drained
    std::atomic<std::uint32_t> quota_{0}; // how many objects may be here: part of the pool's budget
    std::atomic<bool> drained_{false};
    std::array<std::atomic<pool_node*>, most> slots_{};

    detail::mutex mutex_;          // protects a drain from the owner's recovery. Lock order: after the core's
    std::bitset<most> drain_took_; // these slots were emptied since the last recovery; under the mutex
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
