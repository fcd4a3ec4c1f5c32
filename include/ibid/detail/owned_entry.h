// SPDX-License-Identifier: Apache-2.0
//
// A cache's record of one key whose value ibid owns: one block of memory, [ record | key beside | header | value ].
//
// Law: the header stands immediately before the value, so that a handle needs one pointer; the key stands once, beside
// the value or inside it. The value ends in retire(): first the entry leaves the table, then the value is destroyed, under
// no lock; a key beside it and the memory go when the last weak reference does.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <utility>

#include "ibid/detail/counted.h"
#include "ibid/detail/entry_link.h"
#include "ibid/detail/interner.h"
#include "ibid/handle.h"
#include "ibid/hash.h"
#include "ibid/retention.h"

namespace ibid {

struct key_beside {}; // the entry keeps a copy of the key next to the value
struct key_is_value { // the value is its own key
    template <class Value>
    [[nodiscard]] static const Value& of(const Value& value) noexcept {
        return value;
    }
};
template <auto Member>
struct key_at { // the value contains its key: a data member, or a const member function
    template <class Value>
    [[nodiscard]] static decltype(auto) of(const Value& value) {
        return std::invoke(Member, value);
    }
};

namespace detail {

template <class Key>
struct stored_key {
    Key key;
};
struct no_stored_key {};

template <class Key, class Value, class KeyOf, class Equal, class Allocator>
class owned_entry
    : public entry_link,
      private std::conditional_t<std::is_same_v<KeyOf, key_beside>, stored_key<Key>, no_stored_key> {
    static constexpr bool beside = std::is_same_v<KeyOf, key_beside>;
    using key_base = std::conditional_t<beside, stored_key<Key>, no_stored_key>;

public:
    struct traits {
        using entry = owned_entry;
        using key = Key;
        template <class K>
        static bool equal(const entry& e, const K& k) {
            return Equal{}(e.key(), k);
        }
        template <class K>
        static bool equal(const Key& flying, const K& k) {
            return Equal{}(flying, k);
        }
        static bool try_acquire(entry& e) noexcept { return e.header().try_acquire(); }
        static void acquire(entry& e) noexcept { e.header().acquire(); }
        static void release(entry& e) noexcept { e.header().release(); }
        static std::size_t weight(const entry& e) noexcept {
            std::size_t bytes = add(total_bytes() - sizeof(Value), weight_of<Value>{}(*e.value()));
            if constexpr (beside) {
                bytes = add(bytes - sizeof(Key), weight_of<Key>{}(e.key()));
            }
            return bytes;
        }
        // A weight_of may say "never": the largest number, to which nothing can be added.
        static constexpr std::size_t add(std::size_t a, std::size_t b) noexcept {
            return b < static_cast<std::size_t>(-1) - a ? a + b : static_cast<std::size_t>(-1);
        }
        static std::size_t saved(const entry& e) noexcept {
            if constexpr (byte_range<Key>) {
                const Key& key = e.key(); // which may be made for this call
                return bytes_of(key).size();
            } else {
                return sizeof(Key);
            }
        }
    };
    using table = interner<traits, Allocator>;

    // The value is what `make()` returns, built in place; then the key, by copy, unless the value contains it. Throws what
    // they throw; then nothing is left.
    template <class Make, class... KeyBeside>
    [[nodiscard]] static owned_entry* create(table* in, Make&& make, const KeyBeside&... key) {
        struct raw_memory {
            table* in;
            unsigned char* bytes;
            ~raw_memory() {
                if (bytes != nullptr) {
                    free_memory(bytes, in->allocator());
                }
            }
        } memory{in, allocate_memory(in->allocator())};
        auto* const value =
            ::new (static_cast<void*>(memory.bytes + value_offset())) Value(std::forward<Make>(make)());
        struct built_value {
            Value* value;
            ~built_value() {
                if (value != nullptr) {
                    std::destroy_at(value);
                }
            }
        } built{value};
        auto* const e = ::new (static_cast<void*>(memory.bytes)) owned_entry(in, key...);
        ::new (static_cast<void*>(memory.bytes + value_offset() - sizeof(value_header)))
            value_header(operations);
        built.value = nullptr;
        memory.bytes = nullptr;
        return e;
    }

    // Ends an entry that no table has seen, and of which the caller has the one reference.
    static void discard(owned_entry& e) noexcept {
        value_header& h = e.header();
        std::destroy_at(e.value());
        h.release_weak();
    }

    [[nodiscard]] decltype(auto) key() const {
        if constexpr (beside) {
            return (static_cast<const key_base*>(this)->key);
        } else {
            return KeyOf::of(*value());
        }
    }
    [[nodiscard]] Value* value() const noexcept {
        return std::launder(reinterpret_cast<Value*>(start() + value_offset()));
    }

    // The handle that takes over one reference of the caller's.
    [[nodiscard]] handle<Value> adopt() const noexcept { return handle<Value>::adopt(value()); }

private:
    owned_entry(table* in, const Key& key) requires(beside)
        : key_base{key}, table_(in), allocator_(in->allocator()) {
        marks.set(afterlife_marks::earned); // a value that this program made itself has earned its place
    }
    template <class... NotStored>
        requires(!beside)
    explicit owned_entry(table* in, const NotStored&...) : table_(in), allocator_(in->allocator()) {
        marks.set(afterlife_marks::earned);
    }
    ~owned_entry() = default;
    owned_entry(const owned_entry&) = delete;
    owned_entry& operator=(const owned_entry&) = delete;

    [[nodiscard]] unsigned char* start() const noexcept {
        return reinterpret_cast<unsigned char*>(const_cast<owned_entry*>(this));
    }
    [[nodiscard]] value_header& header() noexcept { return header_of(value()); }
    [[nodiscard]] static owned_entry& of(value_header& h) noexcept {
        auto* const start = reinterpret_cast<unsigned char*>(&h) + sizeof(value_header) - value_offset();
        return *std::launder(reinterpret_cast<owned_entry*>(start));
    }

    static void retire(value_header& h) noexcept {
        owned_entry& e = of(h);
        e.table_->forget(e);
        std::destroy_at(e.value());
    }
    static void deallocate(value_header& h) noexcept {
        owned_entry& e = of(h);
        Allocator allocator(e.allocator_);
        unsigned char* const memory = e.start();
        e.~owned_entry();
        free_memory(memory, allocator);
    }
    static constexpr value_operations operations{&retire, &deallocate};

    // Whole blocks of the strictest alignment, so that any allocator gives memory that fits all parts.
    static constexpr std::size_t alignment =
        std::max({alignof(entry_link), alignof(key_base), alignof(void*), alignof(Value)});
    struct alignas(alignment) block {
        unsigned char bytes[alignment];
    };
    using block_allocator = typename std::allocator_traits<Allocator>::template rebind_alloc<block>;

    [[nodiscard]] static unsigned char* allocate_memory(const Allocator& allocator) {
        block_allocator a(allocator);
        return std::allocator_traits<block_allocator>::allocate(a, total_bytes() / sizeof(block))->bytes;
    }
    static void free_memory(unsigned char* memory, const Allocator& allocator) noexcept {
        block_allocator a(allocator);
        std::allocator_traits<block_allocator>::deallocate(a, reinterpret_cast<block*>(memory),
                                                           total_bytes() / sizeof(block));
    }

    [[nodiscard]] static constexpr std::size_t round_up(std::size_t n, std::size_t to) noexcept {
        return (n + to - 1) / to * to;
    }
    // From the start of the block to the value; the header ends there.
    [[nodiscard]] static constexpr std::size_t value_offset() noexcept {
        return round_up(sizeof(owned_entry) + sizeof(value_header),
                        std::max(alignof(value_header), alignof(Value)));
    }
    [[nodiscard]] static constexpr std::size_t total_bytes() noexcept {
        return round_up(value_offset() + sizeof(Value), alignment);
    }

    table* table_;
    [[no_unique_address]] Allocator allocator_; // the entry's own: its memory may go after the table's
};

} // namespace detail
} // namespace ibid
