// SPDX-License-Identifier: Apache-2.0
//
// Function tables for the values of one type and for their allocator. The code of the table itself does not
// depend on the type, so a program contains it once instead of once for each type.
//
// Laws:
//  - A hit without a lock calls nothing here. An insert calls the comparison if there is an entry or a flight
//    of the same hash. The end of a value calls `destroy` and `free`.
//  - An allocator of at most one word is kept in `state` itself, and may be used after the table has ended.
//    Any other allocator is copied to memory of its own, which ends with the table.
#pragma once

#include <cstddef>
#include <cstring>
#include <new>
#include <type_traits>

#include "ibid/detail/base/few_includes.h"
#include "ibid/detail/port/module.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

struct value_header;

// In blocks of ordinary alignment.
struct alignas(std::max_align_t) memory_block {
    unsigned char bytes[alignof(std::max_align_t)];
};

struct memory_operations {
    void* (*allocate)(void* state, std::size_t blocks); // throws what the allocator throws
    void (*deallocate)(void* state, void* first, std::size_t blocks) noexcept;
    void (*end)(void* state) noexcept; // null: the state needs none
};

struct value_operations {
    const memory_operations* memory;
    std::size_t bytes;       // of an entry
    std::size_t saved_alike; // bytes of key that each hit saves, if `saved` is null
    std::size_t (*saved)(const value_header&) noexcept; // else
    std::size_t (*weight)(const value_header&) noexcept;
    void (*destroy)(value_header&) noexcept;           // the value, and a key beside it
    void (*free)(value_header&, void* state) noexcept; // the entry
};

// A key or a lookup argument, and how it is compared. In a flight: the Key that is being made.
struct any_key {
    const void* key;
    bool (*is_of)(const value_header& e, const void* key);
    bool (*is_same)(const void* flying, const void* key); // null if it is not a Key
};

// An allocator of any type, as the table sees it.
template <class T>
class any_allocator {
public:
    using value_type = T;

    any_allocator(const value_operations& values, void* state) noexcept : values_(&values), state_(state) {}
    template <class U>
    any_allocator(const any_allocator<U>& other) noexcept // NOLINT(google-explicit-constructor)
        : values_(&other.values()), state_(other.state()) {}

    [[nodiscard]] T* allocate(std::size_t n) {
        static_assert(sizeof(T) == sizeof(memory_block));
        static_assert(alignof(T) == alignof(memory_block));
        return static_cast<T*>(values_->memory->allocate(state_, n));
    }
    void deallocate(T* first, std::size_t n) noexcept { values_->memory->deallocate(state_, first, n); }

    [[nodiscard]] const value_operations& values() const noexcept { return *values_; }
    [[nodiscard]] void* state() const noexcept { return state_; }

    // Used after the table has ended.
    [[nodiscard]] bool ends_with_table() const noexcept { return values_->memory->end != nullptr; }
    void end() const noexcept {
        if (ends_with_table()) {
            values_->memory->end(state_);
        }
    }

private:
    const value_operations* values_;
    void* state_;
};

template <class Allocator>
class allocator_state {
    using traits = std::allocator_traits<Allocator>;
    using block_allocator = typename traits::template rebind_alloc<memory_block>;
    using block_traits = std::allocator_traits<block_allocator>;
    static constexpr bool is_nothing =
        std::is_empty_v<Allocator> && std::is_default_constructible_v<Allocator>;
    static constexpr bool is_word =
        std::is_trivially_copyable_v<Allocator> && sizeof(Allocator) <= sizeof(void*);
    using own_allocator = typename traits::template rebind_alloc<Allocator>; // for itself
    using own_traits = std::allocator_traits<own_allocator>;

public:
    // Throws what the allocator throws.
    [[nodiscard]] static void* make([[maybe_unused]] const Allocator& from) {
        void* state = nullptr;
        if constexpr (is_nothing) { // NOLINT(bugprone-branch-clone)
        } else if constexpr (is_word) {
            std::memcpy(static_cast<void*>(&state), static_cast<const void*>(std::addressof(from)),
                        sizeof from);
        } else {
            own_allocator a(from);
            state = ::new (static_cast<void*>(own_traits::allocate(a, 1))) Allocator(from);
        }
        return state;
    }
    [[nodiscard]] static Allocator of([[maybe_unused]] void* state) noexcept {
        if constexpr (is_nothing) {
            return Allocator();
        } else if constexpr (is_word) {
            alignas(Allocator) unsigned char bytes[sizeof(Allocator)];
            std::memcpy(bytes, static_cast<const void*>(&state), sizeof bytes);
            return *std::launder(reinterpret_cast<const Allocator*>(bytes));
        } else {
            return *static_cast<const Allocator*>(state);
        }
    }

    IBID_MODULE_LOCAL static constexpr memory_operations operations{
        [](void* state, std::size_t n) -> void* {
            block_allocator a(of(state));
            return block_traits::allocate(a, n);
        },
        [](void* state, void* first, std::size_t n) noexcept {
            block_allocator a(of(state));
            block_traits::deallocate(a, static_cast<memory_block*>(first), n);
        },
        is_nothing || is_word ? nullptr : +[](void* state) noexcept {
            auto* const own = static_cast<Allocator*>(state);
            own_allocator a(*own);
            own->~Allocator();
            own_traits::deallocate(a, own, 1);
        }};
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
