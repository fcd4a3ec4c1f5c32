// SPDX-License-Identifier: Apache-2.0
//
// What every entry of a table carries for the table's sake, whoever counts its value: one word.
//
// Law: the hash in it does not change once the entry is linked; the marks around it may be changed by anybody at any time,
// and are advice: one that is seen late costs a worse victim, or a count that bounces a little longer. (How
// often the entry has been hot, and its place then, are more than advice, and are changed under the lock of hot_values alone.)
#pragma once

#include <atomic>
#include <cstdint>

namespace ibid {
inline namespace layout_1 {
namespace detail {

class entry_word {
public:
    // For retention.
    static constexpr std::uint64_t visited = std::uint64_t{1} << 48;      // since its turn to go came last
    static constexpr std::uint64_t retained = std::uint64_t{1} << 49;     // by it; written under its lock
    static constexpr std::uint64_t in_protected = std::uint64_t{1} << 50; // may push out others of its class
    // For hot values (hot_values.h).
    static constexpr std::uint64_t hot = std::uint64_t{1} << 51; // new references are counted in stripes

    // The low 48 bits. Of the other 16, twelve stand in the table's slot, so that who has looked at both has compared 60.
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

    // How often the entry has been hot, the present time included; 0: never, and then it has no place.
    [[nodiscard]] static unsigned generation(std::uint64_t word) noexcept {
        return field(word, generation_shift, last_generation);
    }
    // How warm the entry is, and who touched it last: a number for the thread, or, once it was hot, for its place.
    [[nodiscard]] static unsigned samples(std::uint64_t word) noexcept {
        return field(word, samples_shift, samples_to_promote);
    }
    [[nodiscard]] static unsigned cell(std::uint64_t word) noexcept {
        return field(word, cell_shift, cells - 1);
    }
    static constexpr unsigned last_generation = 7;
    static constexpr unsigned samples_to_promote = 7;
    static constexpr unsigned cells = 64;

    // Changes all of these and leaves the rest. False when somebody has changed the word meanwhile.
    struct hot_state {
        bool hot;
        unsigned generation;
        unsigned samples;
        unsigned cell;
    };
    bool mark(std::uint64_t from, hot_state t) noexcept {
        const std::uint64_t to = (from & (hash_bits | visited | retained | in_protected)) |
                                 (t.hot ? hot : 0) | std::uint64_t{t.generation} << generation_shift |
                                 std::uint64_t{t.samples} << samples_shift |
                                 std::uint64_t{t.cell} << cell_shift;
        return word_.compare_exchange_strong(from, to, std::memory_order_release, std::memory_order_relaxed);
    }

private:
    static constexpr std::uint64_t hash_bits = (std::uint64_t{1} << 48) - 1;
    static constexpr unsigned generation_shift = 52;
    static constexpr unsigned samples_shift = 55;
    static constexpr unsigned cell_shift = 58;

    [[nodiscard]] static unsigned field(std::uint64_t word, unsigned shift, unsigned mask) noexcept {
        return static_cast<unsigned>(word >> shift) & mask;
    }

    std::atomic<std::uint64_t> word_{0};
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
