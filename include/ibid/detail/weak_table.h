// SPDX-License-Identifier: Apache-2.0
//
// One shard's part of the table: from a hash to entries that are held weakly, open addressing with linear probing.
//
// Law: the table holds no reference. It may name an entry that is already ending; so whoever finds one must *try* it,
// and an entry whose try failed is taken out at once (see interner). Used under its shard's lock only.
//
// Entries derive from `entry_link`. A slot repeats the entry's hash, so that probing touches no entry until the whole
// 64 bits agree. Erasing moves the run behind the hole back (Knuth, vol. 3, 6.4, Algorithm R): no tombstones, so a table
// through which millions of entries have passed probes like a fresh one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace ibid::detail {

template <class Entry, class Allocator>
class weak_table {
public:
    explicit weak_table(const Allocator& allocator) noexcept : allocator_(allocator) {}
    weak_table(const weak_table&) = delete;
    weak_table& operator=(const weak_table&) = delete;
    ~weak_table() { free_slots(slots_, capacity_); }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    // The first entry with this hash that `accept` takes, or null. `accept` may not change the table.
    template <class Accept>
    [[nodiscard]] Entry* find(std::uint64_t hash, Accept accept) const {
        if (size_ == 0) {
            return nullptr;
        }
        for (std::size_t i = home(hash); slots_[i].entry != nullptr; i = next(i)) {
            if (slots_[i].hash == hash && accept(*slots_[i].entry)) {
                return slots_[i].entry;
            }
        }
        return nullptr;
    }

    // Any entry that `accept` takes, or null.
    template <class Accept>
    [[nodiscard]] Entry* find_if(Accept accept) const {
        for (std::size_t i = 0; i < capacity_; ++i) {
            if (slots_[i].entry != nullptr && accept(*slots_[i].entry)) {
                return slots_[i].entry;
            }
        }
        return nullptr;
    }

    // Makes room for `more` entries, so that as many inserts cannot fail. Throws bad_alloc and changes nothing.
    void reserve(std::size_t more) {
        if (size_ + more > limit(capacity_)) {
            std::size_t wider = capacity_ == 0 ? smallest : capacity_;
            while (size_ + more > limit(wider)) {
                wider *= 2;
            }
            resize(wider);
        }
    }

    // After reserve().
    void insert(Entry& e) noexcept {
        place(e.hash, &e);
        ++size_;
        e.linked = true;
    }

    void erase(Entry& e) noexcept {
        std::size_t hole = home(e.hash);
        while (slots_[hole].entry != &e) {
            hole = next(hole);
        }
        for (std::size_t i = next(hole); slots_[i].entry != nullptr; i = next(i)) {
            // Slot i may fill the hole unless its home lies behind the hole, on the way from there to i.
            const std::size_t mask = capacity_ - 1;
            if (((i - home(slots_[i].hash)) & mask) >= ((i - hole) & mask)) {
                slots_[hole] = slots_[i];
                hole = i;
            }
        }
        slots_[hole] = {};
        --size_;
        e.linked = false;
    }

    // Gives memory back once three quarters of it stand empty. Best effort: without memory for the smaller array, the
    // larger one stays. `reserved`: inserts that were promised room.
    void shrink(std::size_t reserved) noexcept {
        if (capacity_ > smallest && (size_ + reserved) * 8 < capacity_) {
            try {
                resize(capacity_ / 2);
            } catch (...) { // NOLINT(bugprone-empty-catch): an allocator may throw what it likes
            }
        }
    }

    template <class Function>
    void for_each(Function f) const {
        for (std::size_t i = 0; i < capacity_; ++i) {
            if (slots_[i].entry != nullptr) {
                f(*slots_[i].entry);
            }
        }
    }

private:
    struct slot {
        std::uint64_t hash = 0;
        Entry* entry = nullptr;
    };
    using slot_allocator = typename std::allocator_traits<Allocator>::template rebind_alloc<slot>;
    using slot_traits = std::allocator_traits<slot_allocator>;

    static constexpr std::size_t smallest = 8;

    // The top bits of the hash chose the shard; the low bits choose the slot.
    [[nodiscard]] std::size_t home(std::uint64_t hash) const noexcept { return hash & (capacity_ - 1); }
    [[nodiscard]] std::size_t next(std::size_t i) const noexcept { return (i + 1) & (capacity_ - 1); }
    [[nodiscard]] static constexpr std::size_t limit(std::size_t capacity) noexcept {
        return capacity - capacity / 4;
    }

    void place(std::uint64_t hash, Entry* e) noexcept {
        std::size_t i = home(hash);
        while (slots_[i].entry != nullptr) {
            i = next(i);
        }
        slots_[i] = {hash, e};
    }

    void resize(std::size_t capacity) {
        slot_allocator allocator(allocator_);
        slot* const fresh = slot_traits::allocate(allocator, capacity);
        for (std::size_t i = 0; i < capacity; ++i) {
            std::construct_at(fresh + i);
        }
        slot* const old = slots_;
        const std::size_t old_capacity = capacity_;
        slots_ = fresh;
        capacity_ = capacity;
        for (std::size_t i = 0; i < old_capacity; ++i) {
            if (old[i].entry != nullptr) {
                place(old[i].hash, old[i].entry);
            }
        }
        free_slots(old, old_capacity);
    }

    void free_slots(slot* slots, std::size_t capacity) noexcept {
        if (slots != nullptr) {
            slot_allocator allocator(allocator_);
            slot_traits::deallocate(allocator, slots, capacity);
        }
    }

    slot* slots_ = nullptr;
    std::size_t capacity_ = 0; // 0 or a power of two
    std::size_t size_ = 0;
    [[no_unique_address]] Allocator allocator_;
};

} // namespace ibid::detail
