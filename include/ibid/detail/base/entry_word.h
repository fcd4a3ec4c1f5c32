// SPDX-License-Identifier: Apache-2.0
//
// The word that every entry of a table carries: its hash, and marks for retention and for hot values.
//
// Invariants:
//  - The hash does not change once the entry is linked.
//  - `visited`, `retained` and the samples are hints: a stale value affects eviction quality, or how soon a
//    value is promoted, not correctness. Anybody may change them at any time.
//  - Generation and cell change only under the lock of hot_values.
//  - After the entry has left its table, its thread may keep an address in place of the hash (keep_address):
//    the bits that choose a shard, and generation and cell, stay.
#pragma once

#include <atomic>
#include <cstdint>

namespace ibid {
inline namespace layout_1 {
namespace detail {

class entry_word {
public:
    // For retained_entries.
    static constexpr std::uint64_t visited = std::uint64_t{1}
                                             << 48; // hit since the eviction queue last looked at it
    static constexpr std::uint64_t retained = std::uint64_t{1}
                                              << 49; // held by the budget; written under its lock
    static constexpr std::uint64_t in_protected = std::uint64_t{1} << 50; // belongs to the protected segment
    // For hot values (hot_values.h).
    static constexpr std::uint64_t hot = std::uint64_t{1} << 51; // new references are counted in stripes

    // The low 48 bits. Twelve of the other 16 are in the table's slot, so slot and word together compare 60
    // bits.
    [[nodiscard]] std::uint64_t hash() const noexcept { return word() & hash_bits; }
    [[nodiscard]] static bool agree(std::uint64_t word, std::uint64_t hash) noexcept {
        return ((word ^ hash) & hash_bits) == 0;
    }
    // Requires: the entry is not linked yet.
    void set_hash(std::uint64_t hash) noexcept {
        word_.store((word() & ~hash_bits) | (hash & hash_bits), std::memory_order_relaxed);
    }

    // Keeps an address in the word. Requires an entry that is in no table any more and has no holder. A
    // lock-free reader that still sees the entry finds a count of zero, whatever the word contains.
    void keep_address(std::uint64_t address) noexcept {
        const std::uint64_t now = word();
        word_.store((now & ~(hash_bits | shard_copy)) | (now & shard_bits) << shard_copy_shift | address,
                    std::memory_order_relaxed);
    }
    // Returns that address. hash() chooses the same shard as before.
    [[nodiscard]] std::uint64_t take_address() noexcept {
        const std::uint64_t now = word();
        word_.store((now & ~(hash_bits | shard_copy)) | (now & shard_copy) >> shard_copy_shift,
                    std::memory_order_relaxed);
        return now & hash_bits;
    }
    [[nodiscard]] static constexpr bool keeps(std::uint64_t address) noexcept {
        return (address & ~hash_bits) == 0;
    }

    // Acquire: a thread that sees `hot` sees the stripes open (pairs with the release in mark()).
    [[nodiscard]] std::uint64_t word() const noexcept { return word_.load(std::memory_order_acquire); }

    [[nodiscard]] bool has(std::uint64_t m) const noexcept {
        return (word_.load(std::memory_order_relaxed) & m) != 0;
    }
    void set(std::uint64_t m) noexcept { word_.fetch_or(m, std::memory_order_release); }
    void clear(std::uint64_t m) noexcept { word_.fetch_and(~m, std::memory_order_relaxed); }

    // How often the value has been promoted, the present promotion included. 0: never; then it has no cell.
    [[nodiscard]] static unsigned generation(std::uint64_t word) noexcept {
        return field(word, generation_shift, last_generation);
    }
    // How many samples there were, and the number of the last sampling thread; once promoted, the number of
    // the cell instead.
    [[nodiscard]] static unsigned samples(std::uint64_t word) noexcept {
        return field(word, samples_shift, samples_to_promote);
    }
    [[nodiscard]] static unsigned cell(std::uint64_t word) noexcept {
        return field(word, cell_shift, cells - 1);
    }
    static constexpr unsigned last_generation = 7;
    static constexpr unsigned samples_to_promote = 7;
    static constexpr unsigned cells = 64;

    // Changes all of these and nothing else. False if the word has changed meanwhile.
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
    static constexpr std::uint64_t shard_bits = std::uint64_t{15} << 44; // interner::shard_number()
    static constexpr unsigned shard_copy_shift = 4;                      // to where visited … hot are
    static constexpr std::uint64_t shard_copy = shard_bits << shard_copy_shift;
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
