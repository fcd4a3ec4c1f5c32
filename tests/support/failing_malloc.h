// SPDX-License-Identifier: Apache-2.0
//
// Makes the n-th malloc of this thread fail, whether the program, OpenSSL or ibid's operator new calls it. A
// program that uses it compiles failing_malloc.cpp, which replaces glibc's malloc.
#pragma once

#include <cstddef>

namespace ibid::testing {

// Lets `n` allocations of this thread succeed and the next one fail, once, while in scope. `code`: only
// allocations by code in the shared object of this address count.
class fail_malloc {
public:
    explicit fail_malloc(std::size_t n, const void* code = nullptr) noexcept;
    fail_malloc(const fail_malloc&) = delete;
    fail_malloc& operator=(const fail_malloc&) = delete;
    ~fail_malloc();

    [[nodiscard]] bool failed() const noexcept; // the n-th allocation was reached
};

// Allocated blocks that are not freed.
[[nodiscard]] std::size_t malloc_blocks_out() noexcept;

} // namespace ibid::testing
