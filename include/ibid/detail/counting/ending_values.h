// SPDX-License-Identifier: Apache-2.0
//
// Values whose last handle was dropped by another value's destructor. With a list of them, a chain of any
// length is destroyed in a loop instead of a recursion.
//
// Laws:
//  - A value ends before the drop of its last handle returns, unless the destructor that drops it is that of
//    another value of the same table. Then it leaves the table at once, and is destroyed after that other
//    value, in the order of the drops, before the other one's drop returns.
//  - Values of other tables do not wait: what they use may go when the destructor that drops them returns.
//    Only if `most_nested` destructors are on the stack already, such a value waits for the innermost one of
//    its table, if there is one. So chains through several tables end on a small stack, too.
//  - Nothing is allocated: an entry that has left its table does not need its hash, so the list's link is
//    stored there.
//
// Each module has its own lists. If a chain alternates between modules, each of them adds to the depth.
#pragma once

#include <cstdint>
#include <utility>

#include "ibid/detail/base/slot_bits.h"
#include "ibid/detail/counting/value_header.h"
#include "ibid/detail/port/module.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

// The values of one table that end on this thread; it lives while the first of them does.
class ending_values {
public:
    IBID_MODULE_LOCAL explicit ending_values(const value_owner& of) noexcept
        : owner_(&of), outer_(std::exchange(innermost_, this)),
          nested_(outer_ != nullptr ? outer_->nested_ + 1 : 1) {}
    ending_values(const ending_values&) = delete;
    ending_values& operator=(const ending_values&) = delete;
    IBID_MODULE_LOCAL ~ending_values() { innermost_ = outer_; }

    // Those for which a value of this table, dropped now, must wait. Null: it ends at once.
    [[nodiscard]] IBID_MODULE_LOCAL static ending_values* of(const value_owner& owner) noexcept {
        ending_values* e = innermost_;
        const bool any = e != nullptr && e->nested_ >= most_nested;
        while (e != nullptr && e->owner_ != &owner) {
            e = any ? e->outer_ : nullptr;
        }
        return e;
    }
    // A destructor has ended the table of its value: another table may get this address.
    IBID_MODULE_LOCAL static void forget(const value_owner& owner) noexcept {
        for (ending_values* e = innermost_; e != nullptr; e = e->outer_) {
            e->owner_ = e->owner_ == &owner ? nullptr : e->owner_;
        }
    }

    // Adds `h`. Requires: `h` is in no table, and its owner keeps the entry for it.
    void push(value_header& h) noexcept {
        set_next(h, nullptr);
        if (last_ != nullptr) {
            set_next(*last_, &h);
        } else {
            first_ = &h;
        }
        last_ = &h;
    }

    // The next one in the list, taken out. Null: there is none.
    [[nodiscard]] value_header* take() noexcept {
        value_header* const h = first_;
        if (h != nullptr) {
            first_ = take_next(*h);
            last_ = first_ == nullptr ? nullptr : last_;
        }
        return h;
    }

private:
    static constexpr unsigned most_nested = 8;

    // No destructor: usable until the thread's last instruction.
    IBID_MODULE_LOCAL static inline thread_local constinit ending_values* innermost_ = nullptr;

    // Overloads, because only one of the two bodies compiles.
    static void put(ending_link<false>& link, entry_word&, std::uint64_t address) noexcept {
        link.next_ending = address;
    }
    static void put(ending_link<true>&, entry_word& word, std::uint64_t address) noexcept {
        word.keep_address(address);
    }
    [[nodiscard]] static std::uint64_t stored(ending_link<false>& link, entry_word&) noexcept {
        return link.next_ending;
    }
    [[nodiscard]] static std::uint64_t stored(ending_link<true>&, entry_word& word) noexcept {
        return word.take_address();
    }

    // A second call, for a value that gets a successor, restores the word before it stores the link.
    static void set_next(value_header& h, value_header* next) noexcept {
        if (next != nullptr) {
            (void)stored(h, h);
        }
        put(h, h, reinterpret_cast<std::uintptr_t>(next));
    }
    [[nodiscard]] static value_header* take_next(value_header& h) noexcept {
        return reinterpret_cast<value_header*>(static_cast<std::uintptr_t>(stored(h, h)));
    }

    const value_owner* owner_;
    ending_values* const outer_;
    const unsigned nested_;
    value_header* first_ = nullptr;
    value_header* last_ = nullptr;
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
