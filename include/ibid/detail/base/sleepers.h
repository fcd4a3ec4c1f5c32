// SPDX-License-Identifier: Apache-2.0
//
// Where threads sleep that wait for a word of 64 bits to change: on one of 16 counters of the process, chosen
// by the word's address. Modules share them, so a thread is woken from any module.
//
//     for (sleepers& s = sleepers::at(&word);;) {
//         const std::uint32_t turn = s.turn();     // first: who changes the word later ends this turn
//         if (word.load() != old) { break; }
//         s.sleep(turn);
//     }
//     word.store(next); sleepers::at(&word).wake();
//
// Thread safety: any thread. A thread may be woken for another word's sake.
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
    // Acquire pairs with wake(): who sees the new turn sees the word as it was changed before.
    [[nodiscard]] std::uint32_t turn() const noexcept { return turn_.load(std::memory_order_acquire); }

    // Until this turn has ended. errno is preserved.
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

// Without memory for those of the process, this module's.
inline sleepers& sleepers::at(const void* word) noexcept {
    static constinit all_sleepers of_module{};
    all_sleepers* const of_process = process_wide<all_sleepers>::get();
    all_sleepers& all = of_process != nullptr ? *of_process : of_module;
    return all.lines[reinterpret_cast<std::uintptr_t>(word) / 64 % all_sleepers::number].here;
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
