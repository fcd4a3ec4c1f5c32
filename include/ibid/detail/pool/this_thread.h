// SPDX-License-Identifier: Apache-2.0
//
// What a thread knows of pools: for each pool's number, the shard that the thread owns there.
//
// Law: finding one's shard takes the same few loads whatever the number of pools. When the thread ends, its idle
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
#include <cstdlib>
#include <new>
#include <utility>

#include "ibid/detail/base/at_thread_exit.h"
#include "ibid/detail/base/process_wide.h"
#include "ibid/detail/pool/thread_cache.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

class pool_thread {
public:
    // The one used last, whosever it is. Its address does not come out of the object that is being returned, so the processor
    // need not wait for one to have the other.
    [[nodiscard]] thread_cache& last() noexcept { return *last_; }

    // The one for `core`, which must be alive and whose number is `id`; null when there is none. It is the last one then.
    [[nodiscard]] thread_cache* find(const pool_core& core, std::uint32_t id) noexcept {
        thread_cache* const s = id < size_ ? shards_[id] : nullptr;
        if (s == nullptr || !s->is_of(core)) {
            return nullptr;
        }
        last_ = s;
        return s;
    }

    // A new shard for `core`, in the place for `id`. Null without memory, when this thread is ending, and where the kernel has no
    // membarrier: then all threads share the core's shelf, under its mutex.
    [[nodiscard]] thread_cache* add(pool_core& core, std::uint32_t id) noexcept;

    // Takes back what add() gave, when the pool did not want it.
    void remove(std::uint32_t id) noexcept { replace(id, nullptr); }

    void end() noexcept;

private:
    IBID_PROCESS_WIDE static inline constinit thread_cache nobodys{nullptr, nullptr};

    [[nodiscard]] bool reserve(std::size_t size) noexcept {
        if (size <= size_) {
            return true;
        }
        const std::size_t wider = std::max<std::size_t>(8, size * 2);
        // Neither this nor a shard comes from operator new (malloc_allocator.h): a finalizer that ends a loan in there would
        // come back to this place.
        auto** const table = static_cast<thread_cache**>(std::calloc(wider, sizeof(thread_cache*)));
        if (table == nullptr) {
            return false;
        }
        std::copy_n(shards_, size_, table);
        std::free(std::exchange(shards_, table));
        size_ = wider;
        return true;
    }

    void replace(std::uint32_t id, thread_cache* s) noexcept {
        if (thread_cache* const former = std::exchange(shards_[id], s)) {
            last_ = last_ == former ? &nobodys : last_;
            former->with_core([](pool_core*) {}); // until the drain that made it an orphan has left it
            delete former;
        }
    }

    // No destructor: usable until the last instruction of the thread. this_pool_thread_end calls end() in good time.
    thread_cache* last_ = &nobodys; // or one of shards_
    thread_cache** shards_ = nullptr;
    std::size_t size_ = 0;
    bool ended_ = false;
};

IBID_PROCESS_WIDE inline thread_local constinit pool_thread this_pool_thread;

inline void end_pool_thread() noexcept {
    this_pool_thread.end();
}
IBID_PROCESS_WIDE inline thread_local at_thread_exit this_pool_thread_end{&end_pool_thread};

inline thread_cache* pool_thread::add(pool_core& core, std::uint32_t id) noexcept {
    if (ended_ || !asymmetric_fence_available() || !reserve(std::size_t{id} + 1)) {
        return nullptr;
    }
    auto* const s = new (std::nothrow) thread_cache(&core, this);
    if (s == nullptr) {
        return nullptr;
    }
    this_pool_thread_end.arm();
    replace(id, s); // an orphan, or nothing
    return s;
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
