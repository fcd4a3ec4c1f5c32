// SPDX-License-Identifier: Apache-2.0
//
// What a thread knows of pools: for each pool's number, the shard that the thread owns there.
//
// Law: finding one's shard is two loads and two comparisons, whatever the number of pools. When the thread ends, its idle
// objects go to their pools' shared shelves; a thread that takes or gives back after that, from a later thread_local
// destructor, uses the shared shelves too.
//
// Numbers are small and used again, so the table stays as long as the greatest number of pools that lived at once. An entry
// left over from an earlier pool of the same number is an orphan (its `core` is null), never mistaken for the new one's.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "ibid/detail/pool_shard.h"

namespace ibid::detail {

class pool_thread {
public:
    // `core` must be alive, and `id` its number.
    //
    // The one used last is tried first, and not only because that is likely: its address does not come out of the object
    // that is being returned, so the processor need not wait for one to have the other. That halves the cost.
    [[nodiscard]] pool_shard* find(const pool_core& core, const std::uint32_t& id) noexcept {
        if (last_ != nullptr && belongs(*last_, core)) {
            return last_;
        }
        pool_shard* const s = id < size_ ? shards_[id] : nullptr;
        if (s == nullptr || !belongs(*s, core)) {
            return nullptr;
        }
        last_ = s;
        return s;
    }

    // A new shard for `core`, in the place for `id`. Null without memory, and when this thread is ending.
    [[nodiscard]] pool_shard* add(pool_core& core, std::uint32_t id) noexcept;

    // Takes back what add() gave, when the pool did not want it.
    void remove(std::uint32_t id) noexcept { replace(id, nullptr); }

    void end() noexcept;

private:
    [[nodiscard]] bool reserve(std::size_t size) noexcept {
        if (size <= size_) {
            return true;
        }
        const std::size_t wider = std::max<std::size_t>(8, size * 2);
        auto** const table = new (std::nothrow) pool_shard* [wider] {};
        if (table == nullptr) {
            return false;
        }
        std::copy_n(shards_, size_, table);
        delete[] std::exchange(shards_, table);
        size_ = wider;
        return true;
    }

    // Relaxed: a shard whose pool ends right now still passes for alive here; enter() then refuses.
    [[nodiscard]] static bool belongs(const pool_shard& s, const pool_core& core) noexcept {
        return s.core.load(std::memory_order_relaxed) == &core;
    }

    void replace(std::uint32_t id, pool_shard* s) noexcept {
        pool_shard* const former = std::exchange(shards_[id], s);
        last_ = last_ == former ? nullptr : last_;
        delete former;
    }

    // No destructor: usable until the last instruction of the thread. pool_thread_end calls end() in good time.
    pool_shard* last_ = nullptr; // one of shards_
    pool_shard** shards_ = nullptr;
    std::size_t size_ = 0;
    bool ended_ = false;
};

inline thread_local constinit pool_thread this_pool_thread;

struct pool_thread_end {
    ~pool_thread_end() { this_pool_thread.end(); }
    void arm() const noexcept {} // naming the object is what registers its destructor
};
inline thread_local pool_thread_end this_pool_thread_end;

inline pool_shard* pool_thread::add(pool_core& core, std::uint32_t id) noexcept {
    if (ended_ || !reserve(std::size_t{id} + 1)) {
        return nullptr;
    }
    auto* const s = new (std::nothrow) pool_shard(core, *this);
    if (s == nullptr) {
        return nullptr;
    }
    this_pool_thread_end.arm();
    replace(id, s); // an orphan, or nothing
    return s;
}

} // namespace ibid::detail
