// SPDX-License-Identifier: Apache-2.0
//
// What is taken and returned: buffers as a network program has them.
//
// A buffer that is used writes a message of 64 bytes into itself and reads it back. A `raw` one leaves its
// bytes as they come, as a careful C++ program does, so that its constructor is next to nothing and every
// rival is at its best; a `zeroed` one starts as zeroes, as std::vector, calloc, Go and Java give them:
// whoever constructs it each time pays for that.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>

namespace bench_pool {

inline constexpr std::array<char, 64> message{
    "a message as long as a cache line, which every buffer can hold"};

template <std::size_t Size>
struct raw {
    std::array<char, Size> bytes;

    raw() noexcept {} // NOLINT(modernize-use-equals-default): = default would zero them in T()
};

template <std::size_t Size>
struct zeroed {
    std::array<char, Size> bytes{};
};

template <class Buffer>
void use(Buffer& b) noexcept {
    std::memcpy(b.bytes.data(), message.data(), message.size());
    asm volatile("" : : "r"(b.bytes.data()) : "memory"); // somebody reads it
}

} // namespace bench_pool
