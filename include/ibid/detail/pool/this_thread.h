// SPDX-License-Identifier: Apache-2.0
//
// The pool caches of a thread (per_thread.h): an array that maps a pool's number to the thread's cache of
// that pool.
//
// Law: finding a cache takes the same few loads, no matter how many pools there are. When the thread exits,
// its idle objects go to the central lists of their pools. A thread that takes or returns after that, in a
// later thread_local destructor, uses the central lists, too.
//
// Numbers are small and reused, so the array is as long as the greatest number of pools that lived at once. A
// cache left over from an earlier pool with the same number has a null `core`, and is never mistaken for the
// new pool's.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>

#include "ibid/detail/base/asymmetric_fence.h"
#include "ibid/detail/base/mutex.h"
#include "ibid/detail/base/per_thread.h"
#include "ibid/detail/base/process_wide.h"
#include "ibid/detail/pool/thread_cache.h"
#include "ibid/detail/port/module.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

// All cores of the process, ordered by number: for choosing numbers and for fork().
//
// A child has one thread. Around fork() the forking thread holds every mutex, inside a drain, so that
// everything idle is in the central lists. The child loses an object that another thread was returning at
// that instant, and everything that such a thread had on loan.
struct core_registry {
    detail::mutex mutex; // protects every core's `next_`, too; taken before any core's mutex, never after
    pool_core* first IBID_GUARDED_BY(mutex) = nullptr;
    bool handlers IBID_GUARDED_BY(mutex) = false;
    thread_key key; // of pool_thread
    thread_cache no_cache{nullptr, nullptr};

    [[nodiscard]] static const char* process_name() noexcept { return IBID_PROCESS_NAME("pools"); }
};

class pool_thread {
public:
    constexpr pool_thread() noexcept = default;
    pool_thread(const pool_thread&) = delete;
    pool_thread& operator=(const pool_thread&) = delete;

    [[nodiscard]] static const thread_key* key_of_process() noexcept {
        core_registry* const cores = process_wide<core_registry>::get();
        return cores != nullptr && cores->key.valid() ? &cores->key : nullptr;
    }

    // The cache that was used last, of any pool. Its address does not come from the object that is being
    // returned, so the processor need not wait for that object.
    [[nodiscard]] thread_cache& last() noexcept { return *last_; }

    // The cache for `core`, or null. Requires: `core` is alive, and `id` is its number.
    [[nodiscard]] thread_cache* find(const pool_core& core, std::uint32_t id) noexcept {
        thread_cache* const s = id < size_ ? caches_[id] : nullptr;
        if (s == nullptr || !s->is_of(core)) {
            return nullptr;
        }
        last_ = s;
        return s;
    }

    // A new cache for `core`. Null if memory runs out or the kernel has no membarrier: then the thread uses
    // the central lists, under the core's mutex.
    [[nodiscard]] thread_cache* add(pool_core& core, std::uint32_t id) noexcept;

    // Undoes add().
    void remove(std::uint32_t id) noexcept { replace(id, nullptr); }

    void begin() noexcept { last_ = nobodys_cache(); }
    void end() noexcept;

private:
    // Empty, without quota or core. Before this thread has a record it is this module's; after that it is the
    // process-wide one, which is never destroyed.
    IBID_MODULE_LOCAL static inline constinit thread_cache no_cache{nullptr, nullptr};
    [[nodiscard]] static thread_cache* nobodys_cache() noexcept {
        return &process_wide<core_registry>::get()->no_cache;
    }

    [[nodiscard]] bool reserve(std::size_t size) noexcept {
        if (size <= size_) {
            return true;
        }
        const std::size_t wider = std::max<std::size_t>(8, size * 2);
        // Neither this nor a cache comes from operator new (malloc_allocator.h): a finalizer that runs in
        // there and ends a loan would re-enter this function.
        auto** const table = static_cast<thread_cache**>(std::calloc(wider, sizeof(thread_cache*)));
        if (table == nullptr) {
            return false;
        }
        std::copy_n(caches_, size_, table);
        std::free(std::exchange(caches_, table));
        size_ = wider;
        return true;
    }

    void replace(std::uint32_t id, thread_cache* s) noexcept {
        if (thread_cache* const former = std::exchange(caches_[id], s)) {
            last_ = last_ == former ? nobodys_cache() : last_;
            former->with_core([](pool_core*) {}); // wait for the drain that ended its pool
            delete former;
        }
    }

    thread_cache* last_ = &no_cache; // or one of caches_
    thread_cache** caches_ = nullptr;
    std::size_t size_ = 0;
};

using this_pool_thread = per_thread<pool_thread>;

inline thread_cache* pool_thread::add(pool_core& core, std::uint32_t id) noexcept {
    if (!asymmetric_fence_available() || !reserve(std::size_t{id} + 1)) {
        return nullptr;
    }
    auto* const s = new (std::nothrow) thread_cache(&core, this);
    if (s == nullptr) {
        return nullptr;
    }
    replace(id, s); // frees one of an ended pool
    return s;
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
