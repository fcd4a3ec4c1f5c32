// SPDX-License-Identifier: Apache-2.0
//
// Memory for the slots of a table's shards: slabs that hold the small arrays of all shards side by side,
// apart from the entries.
//
// Why: every thread reads slots, and each hit writes an entry. A processor that fetches a cache line also
// fetches the neighbouring line, and takes it from the core that writes it. Without slabs, the arrays of a
// small table would be allocated while its entries are, and would lie among them. (Two threads then get 1.7
// times the hits of one instead of twice as many: `./dev bench core --only hit`, 1,000 keys.)
//
// Invariant: a slab has room for one array of each shard, and is freed with the last of its arrays. An array
// gets memory of its own if it is large, or if its slab is full because replaced arrays in it still wait for
// readers.
//
// Thread safety: any thread.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "ibid/detail/base/cache_lines.h"
#include "ibid/detail/base/few_includes.h"
#include "ibid/detail/base/mutex.h"
#include "ibid/detail/base/spinning_mutex.h"
#include "ibid/detail/port/compiled.h"
#include "ibid/statistics.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

template <class Allocator>
class slot_memory {
    using block = typename cache_lines<Allocator>::block;
    using block_allocator = typename std::allocator_traits<Allocator>::template rebind_alloc<block>;
    using block_traits = std::allocator_traits<block_allocator>;

public:
    // `has_slabs`: false for tables without lock-free readers; then each array gets memory of its own.
    explicit slot_memory(const Allocator& allocator, bool has_slabs = true) noexcept
        : has_slabs_(has_slabs), allocator_(allocator) {}
    slot_memory(const slot_memory&) = delete;
    slot_memory& operator=(const slot_memory&) = delete;
    ~slot_memory() = default; // all arrays have been returned

    // Throws what the allocator throws.
    [[nodiscard, gnu::noinline]] block* allocate(std::size_t blocks) {
        const std::size_t number = slab_of(blocks);
        if (has_slabs_ && number < sizes) {
            const lock_guard lock(mutex_);
            slab& b = slabs_[number];
            if (b.used != full) {
                if (b.first == nullptr) {
                    b.first = block_traits::allocate(allocator_, places * stride(blocks));
                }
                const auto place = static_cast<std::size_t>(std::countr_one(b.used));
                b.used |= std::uint32_t{1} << place;
                return b.first + place * stride(blocks);
            }
        }
        return block_traits::allocate(allocator_, blocks);
    }
    [[IBID_SELDOM]] void deallocate(block* array, std::size_t blocks) noexcept {
        const std::size_t number = slab_of(blocks);
        if (has_slabs_ && number < sizes) {
            const lock_guard lock(mutex_);
            slab& b = slabs_[number];
            const auto away =
                reinterpret_cast<std::uintptr_t>(array) - reinterpret_cast<std::uintptr_t>(b.first);
            if (b.first != nullptr && away < places * stride(blocks) * sizeof(block)) {
                b.used &= ~(std::uint32_t{1} << away / (stride(blocks) * sizeof(block)));
                if (b.used == 0) {
                    block_traits::deallocate(allocator_, b.first, places * stride(blocks));
                    b.first = nullptr;
                }
                return;
            }
        }
        block_traits::deallocate(allocator_, array, blocks);
    }

    // Around fork(), after the shards' locks.
    void lock() noexcept IBID_ACQUIRE(mutex_) { mutex_.lock(); }
    void unlock() noexcept IBID_RELEASE(mutex_) { mutex_.unlock(); }

private:
    static constexpr std::size_t places = counter_stripes; // as many as there are shards
    static constexpr std::size_t sizes = 6;                // of arrays, up to half a page
    static constexpr std::uint32_t full = (std::uint32_t{1} << places) - 1;

    struct slab {
        block* first = nullptr;
        std::uint32_t used = 0; // a bit for each place
    };

    // Arrays have 1, 2, 4, … lines, and cache_lines needs a little less than one line more.
    [[nodiscard]] static constexpr std::size_t stride(std::size_t blocks) noexcept { return blocks + 1; }
    [[nodiscard]] static constexpr std::size_t slab_of(std::size_t blocks) noexcept {
        return static_cast<std::size_t>(std::bit_width(stride(blocks) * sizeof(block) / 64 - 1)) - 1;
    }

    spinning_mutex mutex_;
    const bool has_slabs_;
    std::array<slab, sizes> slabs_ IBID_GUARDED_BY(mutex_){};
    [[no_unique_address]] block_allocator allocator_;
};

// The allocator of a shard's weak_table.
template <class T, class Allocator>
class slot_allocator {
public:
    using value_type = T;

    explicit slot_allocator(slot_memory<Allocator>& from) noexcept : from_(&from) {}
    template <class U>
    slot_allocator(const slot_allocator<U, Allocator>& other) noexcept // NOLINT(google-explicit-constructor)
        : from_(other.from_) {}

    [[nodiscard]] T* allocate(std::size_t n) {
        static_assert(sizeof(T) == alignof(std::max_align_t), "blocks of cache_lines");
        return reinterpret_cast<T*>(from_->allocate(n));
    }
    void deallocate(T* array, std::size_t n) noexcept {
        from_->deallocate(reinterpret_cast<typename cache_lines<Allocator>::block*>(array), n);
    }
    template <class U>
    [[nodiscard]] bool operator==(const slot_allocator<U, Allocator>& other) const noexcept {
        return from_ == other.from_;
    }

private:
    template <class, class>
    friend class slot_allocator;

    slot_memory<Allocator>* from_;
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
