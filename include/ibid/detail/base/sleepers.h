// SPDX-License-Identifier: Apache-2.0
//
// Lets threads sleep until a 64-bit word changes. They sleep on one of 16 counters of the process, chosen by
// the word's address. All modules share the counters, so a thread can be woken from any module.
//
//     for (sleepers& s = sleepers::at(&word);;) {
//         const std::uint32_t turn = s.turn();     // first: a later change of the word ends this turn if
//         (word.load() != old) { break; }
//         s.sleep(turn);
//     }
//     word.store(next); sleepers::at(&word).wake();
//
// Thread safety: any thread. A thread may wake although its word has not changed.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "ibid/detail/base/process_wide.h"
#include "ibid/detail/port/module.h"
#include "ibid/detail/port/waiting.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

class sleepers {
public:
    // Acquire pairs with wake(): a thread that sees the new turn sees the change of the word.
    [[nodiscard]] std::uint32_t turn() const noexcept { return turn_.load(std::memory_order_acquire); }

    // Sleeps until this turn has ended. errno is preserved.
    void sleep(std::uint32_t turn) noexcept { sleep_while(turn_, turn); }
    void wake() noexcept {
        turn_.fetch_add(1, std::memory_order_release);
        wake_all(turn_);
    }

    [[nodiscard]] IBID_MODULE_LOCAL static sleepers& at(const void* word) noexcept;

private:
    std::atomic<std::uint32_t> turn_{0};
};

struct all_sleepers {
    static constexpr std::size_t number = 16;
    [[nodiscard]] static const char* process_name() noexcept { return IBID_PROCESS_NAME("sleepers"); }

    struct alignas(64) line {
        sleepers here;
    };
    line lines[number];
};

// If there is no memory for the process-wide counters, this module's own.
inline sleepers& sleepers::at(const void* word) noexcept {
    static constinit all_sleepers of_module{};
    all_sleepers* const of_process = process_wide<all_sleepers>::get();
    all_sleepers& all = of_process != nullptr ? *of_process : of_module;
    return all.lines[reinterpret_cast<std::uintptr_t>(word) / 64 % all_sleepers::number].here;
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
