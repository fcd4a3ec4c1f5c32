// SPDX-License-Identifier: Apache-2.0
//
// One shard's hash table of weakly held entries: open addressing, linear probing, at most three quarters
// full.
//
// A slot is one word: the entry's address, and in the upper 16 bits a tag of hash bits (slot_bits), so that
// eight slots share a cache line and probing rarely touches an entry that does not match. Twelve of the tag
// bits are not in the entry's own word. The other four are the lowest bits of the hash, which tell how far an
// entry is from its home slot. Erasing moves the following run back (Knuth, vol. 3, 6.4, Algorithm R): there
// are no tombstones, so a table that millions of entries have passed through is as fast as a new one. Because
// of the four bits, erasing does not touch neighbouring entries, which are often out of cache.
//
// Slots that are read without a lock are whole pairs of cache lines: all threads read them, and a thread
// writes an entry at each hit. Else a processor that fetches slots would fetch a neighbouring entry as well,
// which is then missing at the core that writes it.
//
// Invariants:
//  - The table holds no reference. An entry in it may be ending: code that finds an entry must try to acquire
//    it, and unlinks it if that fails.
//  - A slot is written as a whole, an array is published after its slots, and a slot after its entry (release
//    and acquire).
//
// Thread safety: peek() is lock-free and may run concurrently with one writer. It may miss an entry that is
// being moved or was just inserted, so a miss proves nothing. Everything else is called under the shard's
// lock. The reclaimer keeps arrays and entries that peek() may be reading.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>

#include "ibid/detail/base/cache_lines.h"
#include "ibid/detail/base/entry_word.h"
#include "ibid/detail/base/exceptions.h"
#include "ibid/detail/base/few_includes.h"
#include "ibid/detail/base/slot_bits.h"
#include "ibid/detail/port/compiled.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

// `read_without_lock`: peek() is used, and what it reads is in another cache line than what writers write.
// Otherwise the members are packed.
template <class Entry, class Allocator, bool read_without_lock = true>
class weak_table {
    using slot = std::atomic<std::uint64_t>;
    static_assert(slot::is_always_lock_free);

    // A whole cache line or two, so that six low bits of its address are free. They hold the logarithm of the
    // number of slots.
    static constexpr std::size_t smallest = read_without_lock ? 16 : 8;
    struct alignas(smallest * sizeof(slot)) line {
        slot slots[smallest];
    };
    using memory = cache_lines<Allocator, sizeof(line)>;

public:
    // An array that was replaced, and that readers may still see.
    struct retired_array {
        typename memory::block* first = nullptr;
        std::size_t capacity = 0;
        [[nodiscard]] explicit operator bool() const noexcept { return first != nullptr; }
    };

    // A list of them. The link is in the spare bytes of each array's block, so waiting needs no memory.
    static void push(retired_array& list, retired_array a) noexcept {
        static_assert(sizeof(retired_array) <= 16, "what cache_lines has to spare");
        ::new (memory::spare(a.first, lines(a.capacity))) retired_array(list);
        list = a;
    }
    [[nodiscard]] static retired_array pop(retired_array& list) noexcept {
        const retired_array a = list;
        list = *std::launder(static_cast<retired_array*>(memory::spare(a.first, lines(a.capacity))));
        return a;
    }

    explicit weak_table(const Allocator& allocator) noexcept : allocator_(allocator) {}
    weak_table(const weak_table&) = delete;
    weak_table& operator=(const weak_table&) = delete;
    ~weak_table() { free(whole_array()); }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    // For a reader outside of the process: the word that leads to the slots.
    [[nodiscard]] const std::atomic<std::uintptr_t>* array_word() const noexcept { return &array_; }

    // Requires a read_guard. The first entry with this hash, or null. Acquire: pairs with the releases in
    // resize() and put().
    [[nodiscard, gnu::always_inline]] Entry* peek(std::uint64_t hash, std::uint64_t& word) const noexcept {
        const std::uintptr_t array = array_.load(std::memory_order_acquire);
        if (array == 0) {
            return nullptr;
        }
        const std::size_t mask = (std::size_t{1} << (array & 63)) - 1;
        const slot* const slots = reinterpret_cast<const slot*>(array & ~std::uintptr_t{63});
        const std::uint64_t tag = slot_bits::tag_among_others(hash);
        for (std::size_t i = hash & mask;; i = (i + 1) & mask) {
            const std::uint64_t s = slots[i].load(std::memory_order_acquire);
            if (slot_bits::has_tag(s, tag)) {
                if (Entry* const e = entry_in(s)) { // an empty slot has tag 0, too
                    // The key that is compared next often begins in the next cache line: fetch both at once.
                    __builtin_prefetch(reinterpret_cast<const unsigned char*>(e) + 32);
                    word = e->word();
                    if (entry_word::agree(word, hash)) {
                        return e;
                    }
                    continue;
                }
            }
            if (s == 0) {
                return nullptr;
            }
        }
    }

    // The first entry with this hash for which `accept` returns true, or null. Requires: `accept` does not
    // change the table.
    template <class Accept>
    [[nodiscard]] Entry* find(std::uint64_t hash, Accept accept) const {
        if (size_ == 0) {
            return nullptr;
        }
        const std::uint64_t tag = slot_bits::tag_among_others(hash);
        const slot_array in = slots();
        for (std::size_t i = in.home(hash);; i = in.next(i)) {
            const std::uint64_t s = in.at(i);
            if (s == 0) {
                return nullptr;
            }
            if (slot_bits::has_tag(s, tag)) {
                Entry* const e = entry_in(s);
                if (entry_word::agree(e->word(), hash) && accept(*e)) {
                    return e;
                }
            }
        }
    }

    // Any entry for which `accept` returns true, or null.
    template <class Accept>
    [[nodiscard]] Entry* find_if(Accept accept) const {
        const slot_array in = slots();
        for (std::size_t i = 0; i < in.capacity; ++i) {
            if (Entry* const e = entry_in(in.at(i)); e != nullptr && accept(*e)) {
                return e;
            }
        }
        return nullptr;
    }

    [[nodiscard]] bool has_room_for(std::size_t more) const noexcept {
        return size_ + more <= limit(capacity());
    }

    // Makes room, so that `more` inserts cannot fail. Returns the replaced array for the caller to free.
    // Throws bad_alloc; then nothing has changed.
    [[nodiscard]] retired_array reserve(std::size_t more) {
        if (has_room_for(more)) {
            return {};
        }
        std::size_t wider = greatest(capacity(), smallest);
        while (size_ + more > limit(wider)) {
            wider *= 2;
        }
        return resize(wider);
    }

    // Requires reserve(), and that the entry's hash is this one.
    void insert(Entry& e, std::uint64_t hash) noexcept {
        slots().place(slot_bits::tag_of(hash) | reinterpret_cast<std::uintptr_t>(static_cast<void*>(&e)),
                      hash);
        ++size_;
    }

    // False if it is not there.
    bool erase(Entry& e) noexcept {
        if (size_ == 0) {
            return false;
        }
        const slot_array in = slots();
        std::size_t hole = in.home(e.hash());
        while (entry_in(in.at(hole)) != &e) {
            if (in.at(hole) == 0) {
                return false;
            }
            hole = in.next(hole);
        }
        for (std::size_t i = in.next(hole); in.at(i) != 0; i = in.next(i)) {
            // Slot i may fill the hole unless its home is between the hole and i.
            if (in.distance(i) >= in.from_to(hole, i)) {
                in.put(hole, in.at(i));
                hole = i;
            }
        }
        in.put(hole, 0);
        --size_;
        return true;
    }

    // Whether most slots are empty. `reserved`: inserts for which room is reserved.
    [[nodiscard]] bool could_shrink(std::size_t reserved) const noexcept {
        return capacity() > smallest && (size_ + reserved) * 8 < capacity();
    }
    // Halves the array. Best effort: without memory for the smaller array, the larger one stays.
    [[nodiscard, IBID_SELDOM]] retired_array shrink() noexcept {
        IBID_TRY {
            return resize(capacity() / 2);
        }
        IBID_CATCH(...) { // NOLINT(bugprone-empty-catch): an allocator may throw anything
            return {};
        }
    }

    template <class Function>
    void for_each(Function f) const {
        (void)find_if([&f](Entry& e) {
            f(e);
            return false;
        });
    }

    // Empties the table. Touches no entry.
    void clear() noexcept {
        const slot_array in = slots();
        for (std::size_t i = 0; i < in.capacity; ++i) {
            in.put(i, 0);
        }
        size_ = 0;
    }

    // Needs no lock.
    void free(retired_array a) const noexcept {
        if (a) {
            memory::free(allocator_, a.first, lines(a.capacity));
        }
    }

private:
    // The slots as writers see them. Relaxed loads: the lock orders writers. Release: a reader that sees the
    // slot sees the entry (pairs with peek()).
    struct slot_array {
        slot* slots;
        std::size_t capacity; // a power of two; 0: there are none

        [[nodiscard]] std::uint64_t at(std::size_t i) const noexcept {
            return slots[i].load(std::memory_order_relaxed);
        }
        void put(std::size_t i, std::uint64_t s) const noexcept {
            slots[i].store(s, std::memory_order_release);
        }
        [[nodiscard]] std::size_t home(std::uint64_t hash) const noexcept { return hash & (capacity - 1); }
        [[nodiscard]] std::size_t next(std::size_t i) const noexcept { return (i + 1) & (capacity - 1); }
        [[nodiscard]] std::size_t from_to(std::size_t a, std::size_t b) const noexcept {
            return (b - a) & (capacity - 1);
        }

        // The distance from the home of the entry in slot i. No slot between the two is empty, so unless the
        // run is long, the tag is enough to know it.
        [[nodiscard]] std::size_t distance(std::size_t i) const noexcept {
            if constexpr (slot_bits::home_bits != 0) {
                constexpr std::size_t told = std::size_t{1} << slot_bits::home_bits;
                for (std::size_t back = 1; back <= told; ++back) {
                    if (at(from_to(back, i)) == 0) {
                        return from_to(at(i) >> (64 - slot_bits::home_bits), i) & (told - 1);
                    }
                }
            }
            return from_to(home(entry_in(at(i))->hash()), i);
        }
        void place(std::uint64_t s, std::uint64_t hash) const noexcept {
            std::size_t i = home(hash);
            while (at(i) != 0) {
                i = next(i);
            }
            put(i, s);
        }
    };
    [[nodiscard]] slot_array slots() const noexcept {
        const std::uintptr_t a = array_.load(std::memory_order_relaxed);
        return {reinterpret_cast<slot*>(a & ~std::uintptr_t{63}), a == 0 ? 0 : std::size_t{1} << (a & 63)};
    }

    [[nodiscard]] static std::size_t lines(std::size_t capacity) noexcept { return capacity / smallest; }
    [[nodiscard]] std::size_t capacity() const noexcept { return slots().capacity; }
    [[nodiscard]] retired_array whole_array() const noexcept { return {memory_, capacity()}; }
    [[nodiscard]] static constexpr std::size_t limit(std::size_t capacity) noexcept {
        return capacity - capacity / 4;
    }
    [[nodiscard]] static Entry* entry_in(std::uint64_t s) noexcept {
        return static_cast<Entry*>(
            reinterpret_cast<void*>(static_cast<std::uintptr_t>(s & slot_bits::address_mask)));
    }

    [[gnu::noinline]] retired_array resize(std::size_t wanted) {
        typename memory::block* const block = memory::allocate(allocator_, lines(wanted));
        line* const fresh = static_cast<line*>(memory::first_line(block));
        for (std::size_t i = 0; i < lines(wanted); ++i) {
            ::new (static_cast<void*>(fresh + i)) line();
        }
        const retired_array left = whole_array();
        const slot_array old = slots();
        const slot_array wide{fresh->slots, wanted};
        memory_ = block;
        // Entries are scattered in memory: prefetch some slots ahead, so that the cache misses overlap.
        constexpr std::size_t ahead = 24;
        const auto ask_for = [&](std::size_t i) {
            if (i < old.capacity) {
                __builtin_prefetch(entry_in(old.at(i)));
            }
        };
        for (std::size_t i = 0; i < ahead; ++i) {
            ask_for(i);
        }
        for (std::size_t i = 0; i < old.capacity; ++i) {
            ask_for(i + ahead);
            if (const std::uint64_t s = old.at(i); s != 0) {
                wide.place(s, entry_in(s)->hash());
            }
        }
        array_.store(reinterpret_cast<std::uintptr_t>(fresh) |
                         static_cast<unsigned>(std::countr_zero(wanted)),
                     std::memory_order_release);
        return left;
    }

    // Readers load only what changes with the array. Members that change with each entry are in the next
    // cache line, together with the first members of a class that has a table with [[no_unique_address]].
    static constexpr std::size_t apart = read_without_lock ? 64 : alignof(std::size_t);
    alignas(apart) std::atomic<std::uintptr_t> array_{
        0};                                    // the slots, and in the low bits the logarithm of how many
    typename memory::block* memory_ = nullptr; // of these slots
    [[no_unique_address]] Allocator allocator_;
    alignas(apart) std::size_t size_ = 0;
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
