// SPDX-License-Identifier: Apache-2.0
//
// From the address of an object of OpenSSL's to the entry that stands for it.
//
// The object could carry a pointer to its entry itself, in its ex_data. But that costs two allocations for each object,
// beside the entry's own; most objects carry nothing else there, and those that are met once pay for it like all others.
//
// Law: an entry stands here from before anybody else can have its object until the object's end, which is told (by its ex_data
// free callback) before the address can be given out again. Where ends are no longer told (stand_aside() in library.h), an entry
// may be found at the address of another object: whoever reads here says what that means.
//
// Most objects that end have no entry where little is shared. So a part without entries is passed by without its lock: whoever asks
// for an object that has one sees it counted, as it was inserted before anybody else could have the object.
//
// Thread-safe. The locks are inside no other, and no other is taken inside them.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>

#include "ibid/detail/spinning_mutex.h"
#include "ibid/detail/weak_table.h"

namespace ibid::openssl {

// What an entry derives from to stand in the index. Its hash is what a weak_table wants of an entry_link; it is made from the
// address each time, as it is wanted seldom.
template <class Object>
class stands_for {
public:
    explicit stands_for(Object* object) noexcept : object_(object) {}

    [[nodiscard]] Object* object() const noexcept { return object_; }

    // Of addresses there are few, and nobody can choose them from outside: multiplying spreads them enough (Knuth, vol. 3, 6.4).
    [[nodiscard]] static std::uint64_t hash_of(const Object* object) noexcept {
        const std::uint64_t product = reinterpret_cast<std::uintptr_t>(object) * 0x9E3779B97F4A7C15U;
        return product ^ (product >> 32); // the high bits are the mixed ones; the table takes the low ones
    }
    [[nodiscard]] std::uint64_t hash() const noexcept { return hash_of(object_); }
    [[nodiscard]] std::uint64_t word() const noexcept { return hash(); }

private:
    Object* object_;
};

template <class Object, class Entry>
class address_index {
public:
    // `e` stays where it is until erase(). Throws bad_alloc, also where an address does not fit the index.
    void insert(Entry& e) {
        if (!detail::fits_a_slot(&e)) {
            throw std::bad_alloc();
        }
        const std::uint64_t hash = e.place::hash();
        part& in = part_of(hash);
        typename table::dead_array left;
        {
            const std::lock_guard lock(in.mutex);
            left = in.entries.reserve(1);
            if (place* const stale = in.find(hash, e.object())) {
                in.entries.erase(*stale);
            }
            in.entries.insert(e, hash);
            in.count();
        }
        in.entries.free(left);
    }

    // Null: none stands for it. The entry is valid as long as the object is.
    [[nodiscard]] Entry* find(const Object* object) noexcept {
        const std::uint64_t hash = place::hash_of(object);
        part& in = part_of(hash);
        if (in.empty()) {
            return nullptr;
        }
        const std::lock_guard lock(in.mutex);
        return static_cast<Entry*>(in.find(hash, object));
    }

    // The same, and takes it out.
    Entry* erase(const Object* object) noexcept {
        const std::uint64_t hash = place::hash_of(object);
        part& in = part_of(hash);
        if (in.empty()) {
            return nullptr;
        }
        place* found = nullptr;
        typename table::dead_array left;
        {
            const std::lock_guard lock(in.mutex);
            found = in.find(hash, object);
            if (found != nullptr) {
                in.entries.erase(*found);
                in.count();
                left = in.entries.shrink(0);
            }
        }
        in.entries.free(left);
        return static_cast<Entry*>(found);
    }

    // Around fork(): see interner.
    void lock() noexcept {
        for (part& p : parts_) {
            p.mutex.lock();
        }
    }
    void unlock() noexcept {
        for (part& p : parts_) {
            p.mutex.unlock();
        }
    }

private:
    using place = stands_for<Object>;
    using table = detail::weak_table<place, std::allocator<std::byte>>;

    struct alignas(64) part {
        detail::spinning_mutex mutex; // protects the rest
        table entries{{}};
        std::atomic<std::size_t> size{0}; // of these, for who does not hold it; relaxed: see the law

        [[nodiscard]] bool empty() const noexcept { return size.load(std::memory_order_relaxed) == 0; }
        void count() noexcept { size.store(entries.size(), std::memory_order_relaxed); }

        [[nodiscard]] place* find(std::uint64_t hash, const Object* object) const noexcept {
            return entries.find(hash, [object](const place& p) { return p.object() == object; });
        }
    };

    [[nodiscard]] part& part_of(std::uint64_t hash) noexcept {
        return parts_[(hash >> 44) % parts_.size()]; // bits that choose no slot
    }

    std::array<part, 16> parts_;
};

} // namespace ibid::openssl
