// SPDX-License-Identifier: Apache-2.0
//
// A cache's record of one key whose value ibid owns: one block of memory, [ key beside | header | value ].
//
// Law: the header ends where the value begins, so that a handle needs one pointer. The key exists once,
// beside the value or inside it. owned_values.h says how the value ends: the entry leaves the table, then the
// value and a key beside it are destroyed, and the memory is freed when the last weak reference is dropped
// and no lock-free reader can see the header.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "ibid/detail/base/entry_word.h"
#include "ibid/detail/base/exceptions.h"
#include "ibid/detail/counting/references.h"
#include "ibid/detail/table/interner.h"
#include "ibid/detail/table/no_reclaimer.h"
#include "ibid/detail/table/owned_values.h"
#include "ibid/detail/table/reclaimer.h"
#include "ibid/handle.h"
#include "ibid/hash.h"
#include "ibid/retention.h"

namespace ibid {
inline namespace layout_1 {

// The entry keeps a copy of the key next to the value.
struct key_beside {};

// The value is its own key.
struct key_is_value {
    // The key of `value`.
    template <class Value>
    [[nodiscard]] static const Value& of(const Value& value) noexcept {
        return value;
    }
};

// The value contains its key: a data member, or a const member function.
template <auto Member>
struct key_at {
    // The key of `value`. Throws what a member function throws.
    template <class Value>
    [[nodiscard]] static decltype(auto) of(const Value& value) {
        return std::invoke(Member, value);
    }
};

namespace detail {

// Uses-allocator construction, for pairs as well. An allocator that is like any other is not worth a move.
// (libc++ has neither it nor std::pmr before version 16.)
#if defined(_LIBCPP_VERSION) && _LIBCPP_VERSION < 16000
template <class T, class Allocator, class From>
concept takes_allocator = false;
template <class T, class Allocator, class From>
T* construct_with(T* place, const Allocator& allocator, From&& from); // called by nobody
#else
template <class T>
inline constexpr bool is_pair = false;
template <class A, class B>
inline constexpr bool is_pair<std::pair<A, B>> = true;

template <class T, class Allocator, class From>
concept takes_allocator =
    !std::allocator_traits<Allocator>::is_always_equal::value &&
    ((std::uses_allocator_v<T, Allocator> &&
      (std::is_constructible_v<T, std::allocator_arg_t, const Allocator&, From> ||
       std::is_constructible_v<T, From, const Allocator&>)) ||
     (is_pair<T> && std::is_constructible_v<T, From> && std::is_same_v<std::remove_cvref_t<From>, T>));
template <class T, class Allocator, class From>
T* construct_with(T* place, const Allocator& allocator, From&& from) {
    return std::uninitialized_construct_using_allocator(place, allocator, std::forward<From>(from));
}
#endif

template <class Key, class Value, class KeyOf, class Hash, class Equal, class Allocator>
class owned_entry : public value_header {
    static constexpr bool beside = std::is_same_v<KeyOf, key_beside>;
    struct no_key {};
    using stored_key = std::conditional_t<beside, Key, no_key>;

public:
    struct traits {
        using entry = owned_entry;
        using key = Key;

        // Only a keyed hash is good enough for lookups without a lock: lock_free_lookup.h says why.
        using reclaimer =
            std::conditional_t<keyed_hash<Hash>, detail::reclaimer<traits, Allocator>, no_reclaimer>;
        template <class Table>
        using owner = owned_values<Table>;

        // The whole key in both phases: a value of another key must not be held.
        template <class K>
        static bool matches(const entry& e, const K& k) {
            return Equal{}(e.key(), k);
        }
        template <class K>
        static bool may_match(const entry& e, const K& k) {
            return matches(e, k);
        }
        template <class K>
        static bool may_match(const Key& flying, const K& k) {
            return Equal{}(flying, k);
        }
        static bool try_acquire(entry& e) noexcept { return e.value_header::try_acquire(); }
        static void acquire(entry& e) noexcept { e.value_header::acquire(); }
        static void release(entry& e) noexcept { e.value_header::release(); }
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
        static constexpr bool saves_alike = !byte_range<Key>; // every hit sizeof(Key)
        static std::size_t saved(const entry& e) noexcept {
            if constexpr (!saves_alike) {
                IBID_TRY {
                    const Key& key = e.key(); // which may be made for this call
                    return bytes_of(key).size();
                }
                IBID_CATCH(...) { // and then lack memory: a statistic is no reason to fail
                    return 0;
                }
            } else {
                return sizeof(Key);
            }
        }

        // Ends the value of an entry that has left the table.
        static void destroy(entry& e) noexcept {
            std::destroy_at(e.value());
            if constexpr (beside) {
                std::destroy_at(e.key_beside_it());
            }
        }
        static void free(entry& e, const Allocator& allocator, hot_values& hot) noexcept {
            if (const std::uint64_t word = e.word(); entry_word::generation(word) != 0) {
                hot.vacate(word); // not before: a lock-free reader may use the cell as long as the memory
            }
            unsigned char* const memory = e.start();
            e.~owned_entry();
            free_memory(memory, allocator);
        }
        static constexpr std::size_t bytes() noexcept { return total_bytes(); }
    };
    using table = interner<traits, Allocator>;

    // The value is what `make()` returns, built in place; then the key, by copy, unless the value contains
    // it. Throws what they throw; then nothing is left.
    template <class Make, class... KeyBeside>
    [[nodiscard]] static owned_entry* create(table* in, Make&& make,
                                             [[maybe_unused]] const KeyBeside&... key) {
        struct raw_memory {
            table* in;
            unsigned char* bytes;
            ~raw_memory() {
                if (bytes != nullptr) {
                    free_memory(bytes, in->allocator());
                }
            }
        } memory{in, allocate_memory(in->allocator())};
        if (!fits_a_slot(memory.bytes)) {
            throw_bad_alloc(); // a table could not name it
        }
        auto* const value =
            construct<Value>(memory.bytes + value_offset(), in->allocator(), std::forward<Make>(make));
        if constexpr (beside) {
            struct built_value {
                Value* value;
                ~built_value() {
                    if (value != nullptr) {
                        std::destroy_at(value);
                    }
                }
            } built{value};
            construct<Key>(
                memory.bytes, in->allocator(), [&]() -> const auto& { return (key, ...); });
            built.value = nullptr;
        }
        auto* const e = ::new (static_cast<void*>(memory.bytes + header_offset())) owned_entry(in->owner());
        memory.bytes = nullptr;
        return e;
    }

    // Ends an entry that no table has seen, and of which the caller has the one reference.
    static void discard(owned_entry& e, table& in) noexcept {
        traits::destroy(e);
        traits::free(e, in.allocator(), in.owner().hot);
    }

    [[nodiscard]] decltype(auto) key() const {
        if constexpr (beside) {
            return static_cast<const Key&>(*key_beside_it());
        } else {
            return KeyOf::of(std::as_const(*value()));
        }
    }
    [[nodiscard]] Value* value() const noexcept {
        return std::launder(reinterpret_cast<Value*>(start() + value_offset()));
    }

    // The handle that takes over one reference of the caller's.
    [[nodiscard]] handle<Value> adopt(counted_in where = counted_in::central) const noexcept {
        return handle<Value>::adopt(value(), where);
    }

private:
    explicit owned_entry(value_owner& in) noexcept : value_header(in) {
        set(in_protected); // a value that this program made itself has earned its place
    }
    ~owned_entry() = default;
    owned_entry(const owned_entry&) = delete;
    owned_entry& operator=(const owned_entry&) = delete;

    [[nodiscard]] unsigned char* start() const noexcept {
        return reinterpret_cast<unsigned char*>(const_cast<owned_entry*>(this)) - header_offset();
    }
    [[nodiscard]] stored_key* key_beside_it() const noexcept {
        return std::launder(reinterpret_cast<stored_key*>(start()));
    }

    // What `from()` returns, in place; what takes the allocator gets it, and then is moved or copied there.
    template <class T, class From>
    static T* construct(unsigned char* at, [[maybe_unused]] const Allocator& allocator, From&& from) {
        auto* const place = static_cast<void*>(at);
        if constexpr (takes_allocator<T, Allocator, decltype(std::forward<From>(from)())>) {
            return construct_with(static_cast<T*>(place), allocator, std::forward<From>(from)());
        } else {
            return ::new (place) T(std::forward<From>(from)());
        }
    }

    // Whole blocks of the strictest alignment, so that any allocator gives memory that fits all parts.
    static constexpr std::size_t alignment =
        std::max({alignof(value_header), alignof(stored_key), alignof(Value)});
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
        return round_up((beside ? sizeof(stored_key) : 0) + sizeof(value_header),
                        std::max(alignof(value_header), alignof(Value)));
    }
    [[nodiscard]] static constexpr std::size_t header_offset() noexcept {
        return value_offset() - sizeof(value_header);
    }
    [[nodiscard]] static constexpr std::size_t total_bytes() noexcept {
        return round_up(value_offset() + sizeof(Value), alignment);
    }
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
