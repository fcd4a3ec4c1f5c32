// SPDX-License-Identifier: Apache-2.0
//
// The objects that are taken and returned: buffers like those of a network program.
//
// A use of a buffer writes a message of 64 bytes into it and reads it back. A `raw` buffer does not
// initialize its bytes, as in a careful C++ program, so its constructor costs almost nothing: the best case
// for every rival. A `zeroed` buffer starts with zeroes, as with std::vector, calloc, Go and Java: a rival
// that constructs it each time pays for that.
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
    asm volatile("" : : "r"(b.bytes.data()) : "memory"); // it is read
}

} // namespace bench_pool
