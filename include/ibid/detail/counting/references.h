// SPDX-License-Identifier: Apache-2.0
//
// The record that stands immediately before every value that ibid owns: its hash and marks, whose it is, and its counts.
//
// Law: the value is alive while there are references; once there were none, there never will be one again; the memory is
// there while `weak` is not zero. All references together hold one weak one.
//
// A reference is counted in one of two places, and whoever holds it knows where (some bits in the handle):
//  - centrally, in `count`;
//  - in a stripe of a hot count (sharded_count.h), while the value is hot: used by several threads so often that a single
//    count would travel from core to core all the time.
//
// How the end is exact although nobody sees the sum of the stripes: while they are open, `count` says so (`spread`), and holds
// more references (`bias`), which stand for all of those in stripes. So striped references come and go without a look at `count`.
// Whoever drops the last *central* reference asks to close the stripes and to add their sum to `count` (hot_values.h); from then on
// all references are central. It asks when its own reference has gone, yet the value stays till then: whoever finds no central
// reference and takes one tells that one more will ask, and only the last who is expected closes. A value is made hot only
// while somebody else holds a central reference, which is what a value
// that many threads use has anyway: the connections, sessions or configurations that live on meanwhile.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "ibid/detail/base/entry_word.h"
#include "ibid/detail/reclamation/qsbr_domain.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

struct value_header;
void check_for_end(value_header& h) noexcept;
void add_pending_check(value_header& h) noexcept;

class value_owner;

// What only the table that made a value can do. One static object for each type of table.
struct value_operations {
    void (*end_value)(value_owner&,
                      value_header&) noexcept; // there are no references: leave the table, destroy the value
    void (*retire_memory)(value_owner&,
                          value_header&) noexcept; // there are no weak ones either: give the memory back
};

// What a table is to those who hold its values, whatever their type. Outlives their memory.
class value_owner {
public:
    void end_value(value_header& h) noexcept { operations_.end_value(*this, h); }
    void retire_memory(value_header& h) noexcept { operations_.retire_memory(*this, h); }

protected:
    explicit value_owner(const value_operations& operations) noexcept : operations_(operations) {}
    value_owner(const value_owner&) = delete;
    value_owner& operator=(const value_owner&) = delete;
    ~value_owner() = default;

    qsbr_domain domain_;

private:
    const value_operations& operations_;
};

// Where a reference is counted: centrally, or in stripes, namely in those that were open when the value was hot for the n-th
// time. (When these are closed by now, it has been moved to the center with all the others.)
enum class counted_in : std::uintptr_t { central = 0 };
inline constexpr std::uintptr_t counted_in_bits =
    entry_word::last_generation; // a value's address leaves them free

struct value_header : entry_word {
    static constexpr std::uint32_t promoted = std::uint32_t{1}
                                              << 31; // stripes are open; written by hot_values
    static constexpr std::uint32_t references = promoted - 1;
    static constexpr std::uint32_t bias = std::uint32_t{1} << 30; // in `count` while it is spread
    static constexpr std::uint32_t only_bias = promoted | bias;

    // While the memory waits until nobody looks at it any more, the next that waits. (No reader looks at `owner`.)
    union {
        value_owner* owner;
        value_header* next_retired;
    };
    std::atomic<std::uint32_t> count{1};
    std::atomic<std::uint32_t> weak{1};

    explicit value_header(value_owner& in) noexcept : owner(&in) {}

    // The caller holds a reference, so the count cannot reach zero meanwhile, and no order is needed: whoever gave the
    // caller that reference has published the value already.
    void acquire() noexcept {
        if (count.fetch_add(1, std::memory_order_relaxed) == only_bias) [[unlikely]] {
            add_pending_check(*this);
        }
    }

    // The same, counted where it disturbs least.
    [[nodiscard]] counted_in acquire_near() noexcept;

    // Takes a reference unless the value has ended. Acquire pairs with the release in release(): who wins sees the value as
    // its maker and former holders left it.
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

    // Drops a central reference. Release: this holder's reads of the value happen before its end. Acquire on the last
    // one: all other holders' too. After the subtraction the value may be gone, and nothing of it is touched but by who
    // ended it, or is to ask whether it has ended.
    void release() noexcept {
        const std::uint32_t before = count.fetch_sub(1, std::memory_order_acq_rel);
        if (before == 1) {
            owner->end_value(*this);
        } else if (before == only_bias + 1) {
            check_for_end(*this); // it is waited for
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
static_assert(sizeof(value_header) == 24);

// A handle is one pointer, to the value; the header is found from there. The node that holds both keeps them adjacent.
template <class T>
[[nodiscard]] value_header& header_of(const T* value) noexcept {
    auto* end = reinterpret_cast<unsigned char*>(const_cast<std::remove_cv_t<T>*>(value));
    return *reinterpret_cast<value_header*>(end - sizeof(value_header));
}

} // namespace detail
} // namespace layout_1
} // namespace ibid

#include "ibid/detail/counting/hot_values.h"
