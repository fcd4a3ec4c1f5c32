// SPDX-License-Identifier: Apache-2.0
//
// A thread's list of values whose last handle was dropped by another value's destructor. With it, a chain of
// any length is destroyed in a loop instead of a recursion.
//
// Laws:
//  - The first value ends as usual. A value that is dropped by its destructor, or by a destructor in the
//    list, leaves its table at once. It is destroyed after the first one, in the order of the drops, before
//    the first drop returns.
//  - Nothing is allocated: an entry that has left its table does not need its hash, so the list's link is
//    stored there.
//
// Each module has its own list. If a chain alternates between modules, the recursion is at most as deep as
// there are modules.
#pragma once

#include <cstdint>

#include "ibid/detail/base/slot_bits.h"
#include "ibid/detail/counting/value_header.h"
#include "ibid/detail/port/module.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

class ending_values {
public:
    // Whether a value's destructor is running on this thread.
    [[nodiscard]] bool running() const noexcept { return running_; }
    void begin() noexcept { running_ = true; }

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

    // Ends all values in the list, including those that are added meanwhile.
    void finish() noexcept {
        while (value_header* const h = first_) {
            first_ = take_next(*h);
            last_ = first_ == nullptr ? nullptr : last_;
            h->owner->finish_end(*h);
        }
        running_ = false;
    }

private:
    // Overloads, because only one of the two bodies compiles.
    static void put(ending_link<false>& link, entry_word&, std::uint64_t address) noexcept {
        link.next_ending = address;
    }
    static void put(ending_link<true>&, entry_word& word, std::uint64_t address) noexcept {
        word.keep_address(address);
    }
    [[nodiscard]] static std::uint64_t take(ending_link<false>& link, entry_word&) noexcept {
        return link.next_ending;
    }
    [[nodiscard]] static std::uint64_t take(ending_link<true>&, entry_word& word) noexcept {
        return word.take_address();
    }

    // A second call, for a value that gets a successor, restores the word before it stores the link.
    static void set_next(value_header& h, value_header* next) noexcept {
        if (next != nullptr) {
            (void)take(h, h);
        }
        put(h, h, reinterpret_cast<std::uintptr_t>(next));
    }
    [[nodiscard]] static value_header* take_next(value_header& h) noexcept {
        return reinterpret_cast<value_header*>(static_cast<std::uintptr_t>(take(h, h)));
    }

    value_header* first_ = nullptr;
    value_header* last_ = nullptr;
    bool running_ = false;
};

// No destructor: usable until the thread's last instruction.
IBID_MODULE_LOCAL inline thread_local constinit ending_values this_thread_ending;

} // namespace detail
} // namespace layout_1
} // namespace ibid
