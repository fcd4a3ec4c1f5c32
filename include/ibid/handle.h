// SPDX-License-Identifier: Apache-2.0
//
// A counted reference to a value: the value lives at least as long as its last handle.
//
// Law: two handles from one cache are equal exactly when they stand for the same object, and equal keys stand
// for the same object while any handle to it lives. Handles outlive the cache that gave them.
//
//     ibid::handle<std::string> a = ibid::intern(std::string("ibidem"));
//     ibid::handle<std::string> b = ibid::intern(std::string("ibidem"));
//     assert(a == b && &*a == &*b && *a == "ibidem");
//     assert(a == "ibidem");       // anything that is not a handle is compared with the value
//
// Threads: handles are like shared_ptr. Different handles to one value may be used and dropped on any threads
// at once; one handle object that several threads write needs the user's own lock. When the last handle goes,
// the value is destroyed on that thread, before the drop returns, and outside every lock of ibid.
#pragma once

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "ibid/assertions.h"
#include "ibid/detail/base/few_includes.h"
#include "ibid/detail/base/shown.h"
#include "ibid/detail/counting/references.h"

namespace ibid {
inline namespace layout_1 {

// A reference to a shared, const T, counted like a std::shared_ptr's. One pointer wide; empty by default.
// Copying and dropping one allocates nothing, throws nothing and takes no lock.
template <class T>
class handle {
    static_assert(std::is_object_v<T> && !std::is_const_v<T>,
                  "handle<T> always gives const access; name the plain type");

public:
    // What a handle points at. Always const.
    using element_type = const T;

    constexpr handle() noexcept = default;
    // An empty handle. Also from nullptr.
    constexpr handle(std::nullptr_t) noexcept {
    } // NOLINT(google-explicit-constructor): as every smart pointer

    handle(const handle& other) noexcept {
        if (other) {
            const T* const value = other.get();
            word_ = pack(value, detail::header_of(value).acquire_near());
        }
    }
    handle(handle&& other) noexcept : word_(std::exchange(other.word_, 0)) {}
    handle& operator=(const handle& other) noexcept {
        handle(other).swap(*this);
        return *this;
    }
    handle& operator=(handle&& other) noexcept {
        handle(std::move(other)).swap(*this);
        return *this;
    }
    ~handle() {
        if (word_ != 0) {
            detail::header_of(get()).release(where());
        }
    }

    // The value. The handle must not be empty (IBID_ASSERTIONS checks it).
    [[nodiscard]] const T& operator*() const noexcept IBID_LIFETIMEBOUND { return *operator->(); }
    // A member of the value. The handle must not be empty.
    [[nodiscard]] const T* operator->() const noexcept IBID_LIFETIMEBOUND {
        IBID_ASSERT(word_ != 0, "an empty handle has no value: test it with if (h) first");
        return get();
    }
    // The value's address; null if the handle is empty. Valid as long as any handle to the value lives.
    [[nodiscard]] const T* get() const noexcept IBID_LIFETIMEBOUND {
        return reinterpret_cast<const T*>(word_ & ~detail::counted_in_bits);
    }
    // Whether there is a value.
    [[nodiscard]] explicit operator bool() const noexcept { return word_ != 0; }

    // Drops the value: the handle is empty afterwards. The last handle destroys it, before the call returns.
    void reset() noexcept { handle().swap(*this); }
    // Exchanges what two handles hold. Touches no count.
    void swap(handle& other) noexcept { std::swap(word_, other.word_); }
    friend void swap(handle& a, handle& b) noexcept { a.swap(b); }

    // Compares identity. <=> and std::less give a total order over unrelated addresses; the built-in < of
    // pointers does not. (By value: less_by_value.)
    friend bool operator==(const handle& a, const handle& b) noexcept { return a.get() == b.get(); }
    // Also by identity: the order of the addresses, which says nothing of the values.
    friend std::strong_ordering operator<=>(const handle& a, const handle& b) noexcept {
        return std::compare_three_way{}(a.get(), b.get());
    }

    // What a handle in a key is hashed by: its identity.
    [[nodiscard]] const T* hash_fields() const noexcept { return get(); }

    // For library code: takes over one reference of the caller.
    [[nodiscard]] static handle adopt(const T* value,
                                      detail::counted_in where = detail::counted_in::central) noexcept {
        handle h;
        h.word_ = pack(value, where);
        return h;
    }

private:
    [[nodiscard]] static std::uintptr_t pack(const T* value, detail::counted_in where) noexcept {
        return reinterpret_cast<std::uintptr_t>(value) | static_cast<std::uintptr_t>(where);
    }
    [[nodiscard]] detail::counted_in where() const noexcept {
        return static_cast<detail::counted_in>(word_ & detail::counted_in_bits);
    }

    // The value's address, and in its lowest bits, which are free because a header stands before the value,
    // where this reference is counted.
    std::uintptr_t word_ = 0;
};

namespace detail {

template <class T>
inline constexpr bool shows_its_value<handle<T>> = true;

template <class Reference>
struct identity_hash {
    [[nodiscard]] std::size_t operator()(const Reference& r) const noexcept {
        return std::hash<const void*>{}(r.hash_fields());
    }
};

template <class Derived, class Base>
concept is_a = std::is_convertible_v<const Derived*, const Base*>;
template <class Derived, class Base>
concept is_another = is_a<Derived, Base> && !std::is_same_v<Derived, Base>;

} // namespace detail

// A handle to a value, seen as one of its parts: a base class, or a member. Two words; the whole value stays
// alive.
//
//     ibid::view<std::string> name(config, config->name);    // keeps all of *config
template <class T>
class view {
public:
    constexpr view() noexcept = default;

    // `part` belongs to `whole`, which is not empty: a part of nothing cannot be named.
    template <class Whole>
    view(const handle<Whole>& whole, const T& part) noexcept
        : view(std::addressof(part), &detail::header_of(whole.operator->())) {} // -> checks it
    template <class Whole>
    view(const view<Whole>& whole, const T& part) noexcept : view(std::addressof(part), whole.header()) {
        IBID_ASSERT(whole, "an empty view has no part: test it with if (v) first");
    }
    template <class Whole>
    view(const Whole&, const T&&) = delete; // a temporary is no part of anything

    // A derived handle or view is a base view.
    template <detail::is_a<T> Derived>
    view(const handle<Derived>& whole) noexcept // NOLINT(google-explicit-constructor)
        : view(whole.get(), whole ? &detail::header_of(whole.get()) : nullptr) {}
    template <detail::is_another<T> Derived>
    view(const view<Derived>& whole) noexcept // NOLINT(google-explicit-constructor)
        : view(whole.part_, whole.header()) {}
    view(const view& other) noexcept : view(other.part_, other.header()) {}
    view(view&& other) noexcept
        : part_(std::exchange(other.part_, nullptr)), whole_(std::exchange(other.whole_, 0)) {}
    view& operator=(view other) noexcept {
        std::swap(part_, other.part_);
        std::swap(whole_, other.whole_);
        return *this;
    }
    ~view() {
        if (whole_ != 0) {
            header()->release(static_cast<detail::counted_in>(whole_ & detail::counted_in_bits));
        }
    }

    // The part. The view must not be empty.
    [[nodiscard]] const T& operator*() const noexcept IBID_LIFETIMEBOUND { return *operator->(); }
    // A member of the part. The view must not be empty.
    [[nodiscard]] const T* operator->() const noexcept IBID_LIFETIMEBOUND {
        IBID_ASSERT(part_ != nullptr, "an empty view has no part: test it with if (v) first");
        return part_;
    }
    // The part's address; null if the view is empty.
    [[nodiscard]] const T* get() const noexcept IBID_LIFETIMEBOUND { return part_; }
    // Whether there is a part.
    [[nodiscard]] explicit operator bool() const noexcept { return whole_ != 0; }

    // Identity of the part.
    friend bool operator==(const view& a, const view& b) noexcept { return a.part_ == b.part_; }
    // Also by identity: the order of the addresses.
    friend std::strong_ordering operator<=>(const view& a, const view& b) noexcept {
        return std::compare_three_way{}(a.part_, b.part_);
    }
    // What a view in a key is hashed by: its identity.
    [[nodiscard]] const T* hash_fields() const noexcept { return part_; }

    // Drops the whole value: the view is empty afterwards.
    void reset() noexcept { view().swap(*this); }
    // Exchanges what two views hold. Touches no count.
    void swap(view& other) noexcept {
        std::swap(part_, other.part_);
        std::swap(whole_, other.whole_);
    }
    friend void swap(view& a, view& b) noexcept { a.swap(b); }

private:
    template <class Other>
    friend class view;

    view(const T* part, detail::value_header* header) noexcept : part_(part) {
        if (header != nullptr) {
            whole_ = reinterpret_cast<std::uintptr_t>(header) |
                     static_cast<std::uintptr_t>(header->acquire_near());
        }
    }
    [[nodiscard]] detail::value_header* header() const noexcept {
        return reinterpret_cast<detail::value_header*>(whole_ & ~detail::counted_in_bits);
    }

    const T* part_ = nullptr;
    std::uintptr_t whole_ = 0; // the whole's header, and where this reference is counted, as in a handle
};

namespace detail {

template <class T>
inline constexpr bool shows_its_value<view<T>> = true;

// A value, not another handle or nullptr, which are compared by identity.
template <class K, class T>
concept compared_with_value =
    !std::is_convertible_v<const K&, handle<T>> && !std::is_convertible_v<const K&, view<T>> &&
    !shows_its_value<K> && requires(const T& value, const K& k) {
    { value == k } -> std::convertible_to<bool>;
};

} // namespace detail

// Compares the value with anything that it is comparable to (a std::string with a std::string_view). An empty
// handle equals nothing. There is no <: handles are ordered by identity, so a lookup by value in a sorted set
// would fail.
template <class T, detail::compared_with_value<T> K>
[[nodiscard]] bool operator==(const handle<T>& h, const K& k) {
    return h && *h == k;
}
template <class T, detail::compared_with_value<T> K>
[[nodiscard]] bool operator==(const view<T>& v, const K& k) {
    return v && *v == k;
}

// Orders handles, views and values by their values; those without one come first.
//
//     std::set<ibid::handle<std::string>, ibid::less_by_value> sorted;
//     sorted.insert(ibid::intern<std::string>("ibidem"));
//     assert(sorted.contains(std::string_view("ibidem")));
struct less_by_value {
    // Lets sets look up by other types.
    using is_transparent = void;

    // Whether a's value is less than b's, by its own <.
    template <class A, class B>
    [[nodiscard]] bool operator()(const A& a, const B& b) const {
        const auto* const x = value_of(a);
        const auto* const y = value_of(b);
        return y != nullptr && (x == nullptr || *x < *y);
    }

private:
    template <class R>
    [[nodiscard]] static const auto* value_of(const R& r) noexcept {
        if constexpr (detail::shows_its_value<R>) {
            return r.get();
        } else {
            return std::addressof(r);
        }
    }
};

} // namespace layout_1
} // namespace ibid

// Hashes a handle by identity.
template <class T>
struct std::hash<ibid::handle<T>> : ibid::detail::identity_hash<ibid::handle<T>> {};
// Hashes a view by identity, that of its part.
template <class T>
struct std::hash<ibid::view<T>> : ibid::detail::identity_hash<ibid::view<T>> {};
