// SPDX-License-Identifier: Apache-2.0
//
// The floor: a lower bound for the cost of interning. Hash, probe, compare, one atomic increment and, in the
// drop, one atomic decrement; there is no support for two threads that change the table at once.
//
// Law: several threads may look up at once as long as no entry is added or removed. All else needs a single
// thread.
//
// Open addressing with linear probing, at most half full. A slot is one word: the entry's address with 16
// bits of its hash on top (user addresses have 47 bits on x86-64 and 48 on arm64), so that eight slots share
// a cache line.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace bench {

template <class Key, class Hash>
class floor_interner {
    struct entry {
        std::atomic<std::uint64_t> count;
        std::uint64_t hash;
        typename Key::owned value;
    };

public:
    using key_type = Key;
    static constexpr bool thread_safe = false;

    class handle {
    public:
        explicit handle(entry* adopted) noexcept : entry_(adopted) {}
        handle(const handle& other) noexcept : entry_(other.entry_) {
            entry_->count.fetch_add(1, std::memory_order_relaxed);
        }
        handle(handle&& other) noexcept : entry_(std::exchange(other.entry_, nullptr)) {}
        handle& operator=(handle other) noexcept {
            std::swap(entry_, other.entry_);
            return *this;
        }
        ~handle() {
            if (entry_ != nullptr && entry_->count.fetch_sub(1, std::memory_order_acq_rel) == 1) {
                the_one->erase(entry_);
            }
        }

    private:
        friend floor_interner;
        entry* entry_;
    };

    floor_interner() { the_one = this; }

    [[nodiscard]] handle intern(const typename Key::view& key) {
        const std::uint64_t hash = Hash{}(key);
        for (std::size_t i = hash & mask();; i = (i + 1) & mask()) {
            if (slots_[i] == 0) {
                return insert(key, hash);
            }
            if (tag(slots_[i]) == tag(hash)) {
                entry* const found = at(i);
                if (found->value == key) {
                    found->count.fetch_add(1, std::memory_order_relaxed);
                    return handle(found);
                }
            }
        }
    }

    [[nodiscard]] static const typename Key::owned& value(const handle& h) noexcept {
        return h.entry_->value;
    }
    [[nodiscard]] std::size_t entries() const noexcept { return size_; }

private:
    static constexpr std::uint64_t address_bits = (std::uint64_t{1} << 48) - 1;

    [[nodiscard]] static std::uint64_t tag(std::uint64_t word) noexcept { return word >> 48; }
    [[nodiscard]] entry* at(std::size_t i) const noexcept {
        return reinterpret_cast<entry*>(slots_[i] & address_bits);
    }
    [[nodiscard]] std::size_t mask() const noexcept { return slots_.size() - 1; }

    [[gnu::noinline]] handle insert(const typename Key::view& key, std::uint64_t hash) {
        if (2 * (size_ + 1) > slots_.size()) {
            grow();
        }
        entry* const made = new entry{{1}, hash, typename Key::owned(key)};
        place(made);
        ++size_;
        return handle(made);
    }

    void place(entry* e) noexcept {
        std::size_t i = e->hash & mask();
        while (slots_[i] != 0) {
            i = (i + 1) & mask();
        }
        slots_[i] = (e->hash & ~address_bits) | reinterpret_cast<std::uintptr_t>(e);
    }

    void grow() {
        std::vector<std::uint64_t> old(2 * slots_.size());
        old.swap(slots_);
        for (const std::uint64_t word : old) {
            if (word != 0) {
                place(reinterpret_cast<entry*>(word & address_bits));
            }
        }
    }

    [[gnu::noinline]] void erase(entry* e) noexcept {
        std::size_t hole = e->hash & mask();
        while (at(hole) != e) {
            hole = (hole + 1) & mask();
        }
        // Entries behind the hole move back into it, except those that would move before their home slot.
        for (std::size_t i = (hole + 1) & mask(); slots_[i] != 0; i = (i + 1) & mask()) {
            if (((i - at(i)->hash) & mask()) >= ((i - hole) & mask())) {
                slots_[hole] = slots_[i];
                hole = i;
            }
        }
        slots_[hole] = 0;
        --size_;
        delete e;
    }

    inline static floor_interner* the_one = nullptr; // a handle is one pointer, without its interner
    std::vector<std::uint64_t> slots_ = std::vector<std::uint64_t>(16);
    std::size_t size_ = 0;
};

} // namespace bench
