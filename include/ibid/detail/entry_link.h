// SPDX-License-Identifier: Apache-2.0
//
// What every entry of a table carries for the table's sake, whoever counts its value: one word.
//
// Law: the hash in it does not change once the entry is linked; the marks around it may be changed by anybody at any time,
// and are advice: one that is seen late costs a worse victim, or a count that bounces a little longer. (`has_place`, and the
// place's number, are more than advice, and are changed under the lock of hot_values alone.)
#pragma once

#include <atomic>
#include <cstdint>

namespace ibid::detail {

class entry_link {
public:
    // For the afterlife.
    static constexpr std::uint64_t visited = std::uint64_t{1} << 48; // since the hand was here last
    static constexpr std::uint64_t kept = std::uint64_t{1} << 49; // in a ring; written under the afterlife's lock
    static constexpr std::uint64_t earned = std::uint64_t{1} << 50; // may push out others of its class
    // For hot values (hot_values.h).
    static constexpr std::uint64_t hot = std::uint64_t{1} << 51; // new references are counted in stripes
    static constexpr std::uint64_t has_place =
        std::uint64_t{1} << 52; // is, or was, hot; `tag` is its place's number

    // The low 48 bits. The other 16 stand in the table's slot, so that a reader who has looked at both has compared all 64.
    [[nodiscard]] std::uint64_t hash() const noexcept { return word() & hash_bits; }
    [[nodiscard]] static bool agree(std::uint64_t word, std::uint64_t hash) noexcept {
        return ((word ^ hash) & hash_bits) == 0;
    }
    // Before the entry is linked: nobody else knows it.
    void set_hash(std::uint64_t hash) noexcept {
        word_.store((word() & ~hash_bits) | (hash & hash_bits), std::memory_order_relaxed);
    }

    // Acquire: who sees `hot` sees the hot count open (pairs with the release in mark()).
    [[nodiscard]] std::uint64_t word() const noexcept { return word_.load(std::memory_order_acquire); }

    [[nodiscard]] bool has(std::uint64_t m) const noexcept {
        return (word_.load(std::memory_order_relaxed) & m) != 0;
    }
    void set(std::uint64_t m) noexcept { word_.fetch_or(m, std::memory_order_release); }
    void clear(std::uint64_t m) noexcept { word_.fetch_and(~m, std::memory_order_relaxed); }

    // How warm the entry is, and who touched it last: a number for the thread.
    [[nodiscard]] static unsigned heat(std::uint64_t word) noexcept { return static_cast<unsigned>(word >> heat_shift) & heat_limit; }
    [[nodiscard]] static unsigned tag(std::uint64_t word) noexcept { return static_cast<unsigned>(word >> tag_shift); }
    static constexpr unsigned heat_limit = 7;

    // True unless somebody changed the word meanwhile.
    bool mark(std::uint64_t from, unsigned heat, unsigned tag, std::uint64_t also) noexcept {
        const std::uint64_t to = (from & ~(heat_bits | tag_bits | has_place | hot)) | also |
                                 std::uint64_t{heat} << heat_shift | std::uint64_t{tag} << tag_shift;
        return word_.compare_exchange_strong(from, to, std::memory_order_release, std::memory_order_relaxed);
    }

private:
    static constexpr std::uint64_t hash_bits = (std::uint64_t{1} << 48) - 1;
    static constexpr unsigned heat_shift = 53;
    static constexpr unsigned tag_shift = 56;
    static constexpr std::uint64_t heat_bits = std::uint64_t{heat_limit} << heat_shift;
    static constexpr std::uint64_t tag_bits = std::uint64_t{0xff} << tag_shift;

    std::atomic<std::uint64_t> word_{0};
};

} // namespace ibid::detail
