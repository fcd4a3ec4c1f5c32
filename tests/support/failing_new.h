// SPDX-License-Identifier: Apache-2.0
//
// Makes the n-th call of operator new fail on this thread, and counts what the whole program has allocated. A
// program that uses it compiles failing_new.cpp, which replaces the global operators.
#pragma once

#include <cstddef>

namespace ibid::testing {

// Lets `n` allocations of this thread succeed and the next one fail, once, while in scope.
class fail_allocation {
public:
    explicit fail_allocation(std::size_t n) noexcept;
    fail_allocation(const fail_allocation&) = delete;
    fail_allocation& operator=(const fail_allocation&) = delete;
    ~fail_allocation();

    [[nodiscard]] bool failed() const noexcept; // the n-th allocation was reached
};

// Blocks from operator new that are not freed.
[[nodiscard]] std::size_t blocks_out() noexcept;
// Allocations of this thread so far.
[[nodiscard]] std::size_t allocations_here() noexcept;

} // namespace ibid::testing
