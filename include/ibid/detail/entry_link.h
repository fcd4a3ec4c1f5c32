// SPDX-License-Identifier: Apache-2.0
//
// What every entry of a table carries for the table's sake, whoever counts its value.
#pragma once

#include <atomic>
#include <cstdint>

namespace ibid::detail {

// What an entry remembers for its cache's afterlife. Relaxed everywhere: a mark that is seen late costs a worse victim.
class afterlife_marks {
public:
    static constexpr std::uint8_t visited = 1; // since the hand was here last
    static constexpr std::uint8_t kept = 2;    // stands in a ring; written under the afterlife's lock
    static constexpr std::uint8_t earned = 4;  // may push out others of its class

    [[nodiscard]] bool has(std::uint8_t m) const noexcept {
        return (bits_.load(std::memory_order_relaxed) & m) != 0;
    }
    void set(std::uint8_t m) noexcept { bits_.fetch_or(m, std::memory_order_relaxed); }
    void clear(std::uint8_t m) noexcept {
        bits_.fetch_and(static_cast<std::uint8_t>(~m), std::memory_order_relaxed);
    }

private:
    std::atomic<std::uint8_t> bits_{0};
};

struct entry_link {
    std::uint64_t hash = 0;
    bool linked = false; // stands in its shard's table; protected by the shard's lock
    afterlife_marks marks;
};

} // namespace ibid::detail
