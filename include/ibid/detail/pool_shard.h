// SPDX-License-Identifier: Apache-2.0
//
// One thread's part of one pool: a shelf that its owner uses without a lock and without a locked instruction.
//
// Law: at most one side is at the shelf, the owner between enter() and leave(), or a claimant between await() and
// unclaim(). Only the owner enters; only a holder of the core's mutex claims. The owner never waits: while the shard is
// claimed, enter() says no, and the owner goes to the core's mutex instead. A claimant waits for a handful of
// instructions of the owner; no code of the user's ever runs in between.
//
// The shape is Dekker's: each side writes its own flag, then reads the other's, with a fence in between that pool_fence.h
// makes free for the owner. Sanitizers and the language's memory model see the rest: leave() releases what await()
// acquires, unclaim() releases what enter() acquires.
//
// The memory belongs to the owner, because the owner may look here at any time; a pool that ends leaves its shards
// claimed and `core` null (orphans), and each owner frees them at its leisure.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <thread>

#include "ibid/detail/fence.h"
#include "ibid/detail/pool_shelf.h"

namespace ibid::detail {

class pool_thread;

class alignas(64) pool_shard {
public:
    pool_shard(pool_core& of, const pool_thread& by) noexcept
        : core(&of), owner(&by), asymmetric_(asymmetric_fences()) {}

    [[nodiscard]] bool enter() noexcept {
        inside_.store(true, std::memory_order_relaxed);
        light_fence(asymmetric_);
        if (claimed_.load(std::memory_order_acquire)) {
            leave();
            return false;
        }
        return true;
    }
    void leave() noexcept { inside_.store(false, std::memory_order_release); }

    // To claim several shards at once: claim() each, one heavy_fence() for all, await() each.
    void claim() noexcept { claimed_.store(true, std::memory_order_relaxed); }
    void await() const noexcept {
        for (unsigned turns = 0; inside_.load(std::memory_order_acquire); ++turns) {
            // The owner was interrupted in between, or runs right now. Yielding does not help where the claimant has the
            // higher real-time priority; sleeping does.
            if (turns < 64) {
                std::this_thread::yield();
            } else {
                std::this_thread::sleep_for(std::chrono::microseconds(50));
            }
        }
    }
    void unclaim() noexcept { claimed_.store(false, std::memory_order_release); }

    // At the shelf only.
    pool_shelf shelf;
    std::size_t positions = 0; // how many objects may lie here: this shard's part of the pool's budget

    // Null once the pool has ended; the last thing that the ending pool writes here.
    std::atomic<pool_core*> core;

    // Under the core's mutex.
    const pool_thread* const owner;
    pool_shard* next = nullptr;

private:
    std::atomic<bool> inside_{false};
    std::atomic<bool> claimed_{false};
    const bool asymmetric_;
};

} // namespace ibid::detail
