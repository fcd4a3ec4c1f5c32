// SPDX-License-Identifier: Apache-2.0
//
// The record that stands immediately before every value that ibid owns: its count, and what to do when it ends.
//
// Law: the value is alive while `strong` is not zero; once it was zero it never rises again; the memory is there while
// `weak` is not zero. All strong references together hold one weak reference.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace ibid::detail {

struct value_header;

// What only the cache that made a value knows about it. One static object per type of cache entry.
struct value_operations {
    void (*retire)(value_header&) noexcept;     // strong became 0: leave the table, destroy the value
    void (*deallocate)(value_header&) noexcept; // weak became 0: give the memory back
};

struct value_header {
    std::atomic<std::uint32_t> strong{1};
    std::atomic<std::uint32_t> weak{1};
    const value_operations* operations;

    explicit value_header(const value_operations& ops) noexcept : operations(&ops) {}

    // The caller holds a reference, so the count cannot reach zero meanwhile, and no order is needed: whoever gave the
    // caller that reference has published the value already.
    void acquire() noexcept { strong.fetch_add(1, std::memory_order_relaxed); }

    // Takes a reference unless the value is already ending. Acquire pairs with the release in `release`: a reader that
    // wins sees the value as its maker and former holders left it.
    [[nodiscard]] bool try_acquire() noexcept {
        std::uint32_t count = strong.load(std::memory_order_relaxed);
        while (count != 0) {
            if (strong.compare_exchange_weak(count, count + 1, std::memory_order_acquire,
                                             std::memory_order_relaxed)) {
                return true;
            }
        }
        return false;
    }

    // Release: this holder's reads of the value happen before its end. Acquire on the last one: all other holders' too.
    void release() noexcept {
        if (strong.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            operations->retire(*this);
            release_weak();
        }
    }

    void acquire_weak() noexcept { weak.fetch_add(1, std::memory_order_relaxed); }

    void release_weak() noexcept {
        if (weak.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            operations->deallocate(*this);
        }
    }
};

// A handle is one pointer, to the value; the header is found from there. The node that holds both keeps them adjacent.
template <class T>
[[nodiscard]] value_header& header_of(const T* value) noexcept {
    static_assert(sizeof(value_header) % alignof(value_header) == 0);
    auto* end = reinterpret_cast<unsigned char*>(const_cast<std::remove_cv_t<T>*>(value));
    return *reinterpret_cast<value_header*>(end - sizeof(value_header));
}

} // namespace ibid::detail
