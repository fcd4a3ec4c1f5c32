// SPDX-License-Identifier: Apache-2.0
//
// The header in front of every value that ibid owns: hash and marks, the owning table, and the reference
// counts.
//
// Invariants:
//  - The value is alive while `count` is not zero. A count that has reached zero never rises again.
//  - The memory is valid while `weak` is not zero. All strong references together hold one weak reference.
//
// A hot value counts references like a percpu_ref in the Linux kernel: each thread adds to a stripe
// (sharded_count.h), and the central `count` holds a bias for the sum of all stripes. While the stripes are
// open, `count` has the flag `promoted`. A handle remembers where its reference was counted (counted_in).
// hot_values.h promotes values, collapses their stripes and finds the end; references.h combines both;
// include references.h.
//
// Thread safety: every member may be called by any thread that holds a reference; try_acquire() by any thread
// for which the memory is valid.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "ibid/detail/base/entry_word.h"
#include "ibid/detail/base/slot_bits.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

struct value_header;

// After the last central reference of a promoted value is gone: collapse its stripes, and end it if no
// reference is left.
void check_for_end(value_header& h) noexcept;
// A promoted value got its first central reference: dropping that reference causes one more check.
void add_pending_check(value_header& h) noexcept;

class hot_values;
struct value_operations;

// The interface of a table to the holders of its values. It outlives the memory of its values. A handle
// reaches everything through it, because handles are copied and dropped in modules that know nothing else of
// the table.
class value_owner {
public:
    hot_values& hot;                // promotes values of this table
    const value_operations& values; // what their type needs

    // No strong reference is left: take the entry out of the table and destroy the value.
    virtual void end_value(value_header& h) noexcept = 0;
    // No weak reference is left either: free the memory once no reader can see it.
    virtual void retire_memory(value_header& h) noexcept = 0;

protected:
    value_owner(hot_values& in, const value_operations& of) noexcept : hot(in), values(of) {}
    value_owner(const value_owner&) = delete;
    value_owner& operator=(const value_owner&) = delete;
    ~value_owner() = default;
};

// Where a reference is counted: in `count`, or in the stripes of the value's n-th promotion (its generation).
// If those stripes have been collapsed since, the reference moved to `count` with all others.
enum class counted_in : std::uintptr_t { central = 0 };
inline constexpr std::uintptr_t counted_in_bits = entry_word::last_generation; // zero in a value's address

// The header has room for an address if it may not fit in the word of an ended value.
template <bool fits>
struct ending_link {};
template <>
struct ending_link<false> {
    std::uint64_t next_ending = 0;
};

struct value_header : ending_link<slot_bits::tag_bits == 16>, entry_word {
    static constexpr std::uint32_t promoted = std::uint32_t{1}
                                              << 31; // stripes are open; written by hot_values
    static constexpr std::uint32_t references = promoted - 1;
    static constexpr std::uint32_t bias = std::uint32_t{1} << 30; // in `count` while the value is promoted
    static constexpr std::uint32_t only_bias = promoted | bias;   // promoted, and no central reference

    union {
        value_owner* owner;
        value_header* next_retired; // in a limbo list; readers never look at `owner`
    };
    std::atomic<std::uint32_t> count{1};
    std::atomic<std::uint32_t> weak{1};

    explicit value_header(value_owner& in) noexcept : owner(&in) {}

    // Requires a reference. Relaxed: the count cannot reach zero meanwhile, and the value was published to
    // the caller before.
    void acquire(std::uint32_t n = 1) noexcept {
        if (count.fetch_add(n, std::memory_order_relaxed) == only_bias) [[unlikely]] {
            add_pending_check(*this);
        }
    }

    // Takes a reference in a stripe if the value is hot, else centrally.
    [[nodiscard]] counted_in acquire_near() noexcept;

    // Takes a reference unless the value has ended. Acquire pairs with the release in release(): the new
    // holder sees the value as its maker and former holders left it.
    [[nodiscard]] bool try_acquire() noexcept {
        std::uint32_t now = count.load(std::memory_order_relaxed);
        while (now != 0) {
            if (count.compare_exchange_weak(now, now + 1, std::memory_order_acquire,
                                            std::memory_order_relaxed)) {
                if (now == only_bias) [[unlikely]] {
                    add_pending_check(*this);
                }
                return true;
            }
        }
        return false;
    }

    // Drops central references. Release: this holder's reads of the value happen before its end. Acquire:
    // the last holder sees that all others have finished. After the subtraction only the thread that ends the
    // value, or the one that has a pending check, may touch it.
    void release(std::uint32_t n = 1) noexcept {
        const std::uint32_t before = count.fetch_sub(n, std::memory_order_acq_rel);
        if (before == n) {
            owner->end_value(*this);
        } else if (before == only_bias + n) {
            check_for_end(*this);
        }
    }
    void release(counted_in where) noexcept;

    [[nodiscard]] bool has_ended() const noexcept { return count.load(std::memory_order_relaxed) == 0; }

    void acquire_weak() noexcept { weak.fetch_add(1, std::memory_order_relaxed); }
    void release_weak() noexcept {
        if (weak.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            owner->retire_memory(*this);
        }
    }
};
static_assert(sizeof(value_header) == (slot_bits::tag_bits == 16 ? 24 : 32) || !has_64_bits);

// A handle is one pointer, to the value. The header ends where the value begins.
template <class T>
[[nodiscard]] value_header& header_of(const T* value) noexcept {
    auto* end = reinterpret_cast<unsigned char*>(const_cast<std::remove_cv_t<T>*>(value));
    return *reinterpret_cast<value_header*>(end - sizeof(value_header));
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
