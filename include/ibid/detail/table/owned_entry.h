// SPDX-License-Identifier: Apache-2.0
//
// A cache's record of one key whose value ibid owns: one block of memory, [ key beside | header | value ].
//
// Law: the header ends where the value begins, so that a handle needs one pointer. The key exists once,
// beside the value or inside it. owned_values.h says how the value ends: the entry leaves the table, then the
// value and a key beside it are destroyed, and the memory is freed when the last weak reference is dropped
// and no lock-free reader can see the header.
#pragma once

#include <cstddef>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>

#include "ibid/detail/base/entry_word.h"
#include "ibid/detail/base/exceptions.h"
#include "ibid/detail/base/few_includes.h"
#include "ibid/detail/counting/references.h"
#include "ibid/detail/table/interner.h"
#include "ibid/detail/table/no_reclaimer.h"
#include "ibid/detail/table/owned_values.h"
#include "ibid/detail/table/reclaimer.h"
#include "ibid/detail/table/value_operations.h"
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
        if constexpr (std::is_member_object_pointer_v<decltype(Member)>) {
            return (value.*Member);
        } else {
            return (value.*Member)();
        }
    }
};

namespace detail {

// Uses-allocator construction, also for pairs: [allocator.uses.construction]. Skipped for a stateless
// allocator, because it would only cost a move.
template <class T>
inline constexpr bool is_pair = false;
template <class A, class B>
inline constexpr bool is_pair<std::pair<A, B>> = true;

template <class T, class Allocator, class From>
concept takes_allocator_first = std::uses_allocator_v<T, Allocator> &&
    std::is_constructible_v<T, std::allocator_arg_t, const Allocator&, From>;
template <class T, class Allocator, class From>
concept takes_allocator_last =
    std::uses_allocator_v<T, Allocator> && std::is_constructible_v<T, From, const Allocator&>;
template <class T, class Allocator, class From>
concept takes_allocator =
    !std::allocator_traits<Allocator>::is_always_equal::value &&
    (takes_allocator_first<T, Allocator, From> || takes_allocator_last<T, Allocator, From> ||
     (is_pair<T> && std::is_constructible_v<T, From> && std::is_same_v<std::remove_cvref_t<From>, T>));

// What a T is constructed from.
template <class T, class Allocator, class From>
[[nodiscard]] auto with_allocator(const Allocator& allocator, From&& from) {
    if constexpr (is_pair<T> && std::is_same_v<std::remove_cvref_t<From>, T>) {
        return std::tuple(
            std::piecewise_construct,
            with_allocator<typename T::first_type>(allocator, std::forward<From>(from).first),
            with_allocator<typename T::second_type>(allocator, std::forward<From>(from).second));
    } else if constexpr (takes_allocator_first<T, Allocator, From>) {
        return std::tuple<std::allocator_arg_t, const Allocator&, From&&>(std::allocator_arg, allocator,
                                                                          std::forward<From>(from));
    } else if constexpr (takes_allocator_last<T, Allocator, From>) {
        return std::tuple<From&&, const Allocator&>(std::forward<From>(from), allocator);
    } else {
        return std::tuple<From&&>(std::forward<From>(from));
    }
}
template <class T, class Allocator, class From>
T* construct_with(T* place, const Allocator& allocator, From&& from) {
    return ::new (static_cast<void*>(place))
        T(std::make_from_tuple<T>(with_allocator<T>(allocator, std::forward<From>(from))));
}

// Entries of all types, as their table sees them. `keyed`: the hash is keyed, which lookups without a lock
// require (lock_free_lookup.h says why).
template <bool keyed>
struct owned_traits {
    using entry = value_header;
    using key = any_key;
    using allocator = any_allocator<std::byte>;
    using reclaimer = std::conditional_t<keyed, detail::reclaimer<owned_traits, allocator>, no_reclaimer>;
    template <class Table>
    using owner = owned_values<Table>;

    // Compares the whole key in both phases: a value of another key must not be held.
    static bool may_match(const entry& e, const key& k) { return k.is_of(e, k.key); }
    static bool may_match(const key& flying, const key& k) { return k.is_same(flying.key, k.key); }
    static bool try_acquire(entry& e) noexcept { return e.try_acquire(); }
    static void acquire(entry& e) noexcept { e.acquire(); }
    static void release(entry& e) noexcept { e.release(); }
    static std::size_t weight(const entry& e) noexcept { return e.owner->values.weight(e); }
    static std::size_t saved(const entry& e) noexcept {
        const value_operations& of = e.owner->values;
        return of.saved != nullptr ? of.saved(e) : of.saved_alike;
    }
    static void free(entry& e, const allocator& a, hot_values& hot) noexcept {
        if (const std::uint64_t word = e.word(); entry_word::generation(word) != 0) {
            hot.vacate(word); // not earlier: a lock-free reader may use the cell until the memory is freed
        }
        a.values().free(e, a.state());
    }
    static std::size_t bytes(const allocator& a) noexcept { return a.values().bytes; }
    static std::size_t saved_alike(const allocator& a) noexcept {
        return a.values().saved == nullptr ? a.values().saved_alike : 0;
    }
};

template <bool keyed>
using owned_table = interner<owned_traits<keyed>, any_allocator<std::byte>>;

template <class Key, class Value, class KeyOf, class Hash, class Equal, class Allocator>
class owned_entry : public value_header {
    static constexpr bool beside = std::is_same_v<KeyOf, key_beside>;
    struct no_key {};
    using stored_key = std::conditional_t<beside, Key, no_key>;
    using state = allocator_state<Allocator>;

public:
    using table = owned_table<keyed_hash<Hash>>;

    [[nodiscard]] static owned_entry& of(value_header& e) noexcept { return static_cast<owned_entry&>(e); }
    [[nodiscard]] static const owned_entry& of(const value_header& e) noexcept {
        return static_cast<const owned_entry&>(e);
    }

    template <class K>
    [[nodiscard]] static bool matches(const value_header& e, const K& k) {
        return Equal{}(of(e).key(), k);
    }
    // A view of `k` for the table; valid while `k` lives.
    template <class K>
    [[nodiscard]] static any_key any(const K& k) noexcept {
        any_key its{std::addressof(k), &is_of<K>, nullptr};
        if constexpr (std::is_same_v<K, Key>) {
            its.is_same = &is_same;
        }
        return its;
    }

    // Every hit saves sizeof(Key).
    static constexpr bool saves_alike = !byte_range<Key> || requires { std::tuple_size<Key>::value; };
    [[nodiscard]] static std::size_t saved(const value_header& e) noexcept {
        if constexpr (!saves_alike) {
            IBID_TRY {
                const Key& key = of(e).key(); // key() may construct the key
                return bytes_of(key).size();
            }
            IBID_CATCH(...) { // out of memory: a statistic is no reason to fail
                return 0;
            }
        } else {
            return sizeof(Key);
        }
    }

    // Throws what the allocator throws.
    [[nodiscard]] static table* create_table(const Allocator& allocator, counter_block* counters) {
        const any_allocator<std::byte> its(operations, state::make(allocator));
        unless_done end([&] { its.end(); });
        table* const made = table::create(its, counters);
        end.done();
        return made;
    }

    // The value is what `make()` returns, built in place; then the key, by copy, unless the value contains
    // it. Throws what they throw; then nothing is left.
    template <class Make, class... KeyBeside>
    [[nodiscard]] static owned_entry* create(table* in, Make&& make,
                                             [[maybe_unused]] const KeyBeside&... key) {
        unsigned char* const memory = allocate_memory(allocator_of(*in));
        unless_done give_back([&] { free_memory(memory, allocator_of(*in)); });
        if (!fits_a_slot(memory)) {
            throw_bad_alloc(); // the address does not fit in a slot
        }
        auto* const value =
            construct<Value>(memory + value_offset(), allocator_of(*in), std::forward<Make>(make));
        if constexpr (beside) {
            unless_done end_value([&] { value->~Value(); });
            construct<Key>(
                memory, allocator_of(*in), [&]() -> const auto& { return (key, ...); });
            end_value.done();
        }
        give_back.done();
        return ::new (static_cast<void*>(memory + header_offset())) owned_entry(in->owner());
    }

    // Ends an entry that no table has seen, and of which the caller has the one reference.
    static void discard(owned_entry& e, table& in) noexcept {
        destroy(e);
        free(e, in.allocator().state()); // it was never hot
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

    // A handle that takes over one reference of the caller.
    [[nodiscard]] handle<Value> adopt(counted_in where = counted_in::central) const noexcept {
        return handle<Value>::adopt(value(), where);
    }

private:
    // --- operations ----------------------------------------------------------------------------------------

    template <class K>
    static bool is_of(const value_header& e, const void* key) {
        return matches(e, *static_cast<const K*>(key));
    }
    static bool is_same(const void* flying, const void* key) {
        return Equal{}(*static_cast<const Key*>(flying), *static_cast<const Key*>(key));
    }
    static std::size_t weight(const value_header& e) noexcept {
        IBID_TRY {
            std::size_t bytes = add(total_bytes() - sizeof(Value), weight_of<Value>{}(*of(e).value()));
            if constexpr (beside) {
                bytes = add(bytes - sizeof(Key), weight_of<Key>{}(of(e).key()));
            }
            return bytes;
        }
        IBID_CATCH(...) { // the value is in the table by now, and others may hold it
            return never;
        }
    }
    // A weight_of may say `never`, to which nothing is added.
    static constexpr std::size_t add(std::size_t a, std::size_t b) noexcept {
        return b < never - a ? a + b : never;
    }
    // Ends the value of an entry that has left the table.
    static void destroy(value_header& e) noexcept {
        of(e).value()->~Value();
        if constexpr (beside) {
            of(e).key_beside_it()->~stored_key();
        }
    }
    static void free(value_header& e, void* allocator) noexcept {
        unsigned char* const memory = of(e).start();
        of(e).~owned_entry();
        free_memory(memory, state::of(allocator));
    }
    IBID_MODULE_LOCAL static const value_operations operations;

    // --- the block of memory -------------------------------------------------------------------------------

    [[nodiscard]] static Allocator allocator_of(const table& in) noexcept {
        return state::of(in.allocator().state());
    }

    explicit owned_entry(value_owner& in) noexcept : value_header(in) {
        set(in_protected); // values of the program itself are always in the protected segment
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

    // Constructs the result of `from()` in place. A type that takes the allocator is constructed with it and
    // then moved or copied there.
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
        greatest(alignof(value_header), greatest(alignof(stored_key), alignof(Value)));
    struct alignas(alignment) block {
        unsigned char bytes[alignment];
    };
    using block_allocator = typename std::allocator_traits<Allocator>::template rebind_alloc<block>;

    [[nodiscard]] static unsigned char* allocate_memory(const Allocator& allocator) {
        block_allocator a(allocator);
        return reinterpret_cast<unsigned char*>(
            std::allocator_traits<block_allocator>::allocate(a, total_bytes() / sizeof(block)));
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
                        greatest(alignof(value_header), alignof(Value)));
    }
    [[nodiscard]] static constexpr std::size_t header_offset() noexcept {
        return value_offset() - sizeof(value_header);
    }
    [[nodiscard]] static constexpr std::size_t total_bytes() noexcept {
        return round_up(value_offset() + sizeof(Value), alignment);
    }
};

template <class Key, class Value, class KeyOf, class Hash, class Equal, class Allocator>
constinit const value_operations owned_entry<Key, Value, KeyOf, Hash, Equal, Allocator>::operations{
    &state::operations, total_bytes(), saves_alike ? sizeof(Key) : 0, saves_alike ? nullptr : &saved, &weight,
    &destroy,           &free};

} // namespace detail
} // namespace layout_1
} // namespace ibid
