// SPDX-License-Identifier: Apache-2.0
//
// A weak reference: refers to a value without keeping it alive.
//
// Law: lock() gives a handle while any other handle lives, and nothing once the last handle is being dropped,
// even in a race. It never gives a value that is being destroyed. A weak reference keeps the entry's memory,
// not the value: what the value owns is freed with the last handle.
//
//     ibid::handle<std::string> h = ibid::intern(std::string("seen"));
//     ibid::weak<std::string> w(h);
//     assert(w.lock() == h);
//     h.reset();
//     assert(!w.lock());
#pragma once

#include <compare>
#include <cstddef>
#include <utility>

#include "ibid/detail/base/few_includes.h"
#include "ibid/detail/counting/references.h"
#include "ibid/handle.h"

namespace ibid {
inline namespace layout_1 {

// Refers to a T without keeping it alive. One pointer wide.
template <class T>
class weak {
public:
    constexpr weak() noexcept = default;
    // Refers to nothing. Also from nullptr.
    constexpr weak(std::nullptr_t) noexcept {} // NOLINT(google-explicit-constructor): as every smart pointer
    // Refers to the value of `h`, or to nothing if that is empty.
    weak(const handle<T>& h) noexcept
        : value_(h.get()) { // NOLINT(google-explicit-constructor): as std::weak_ptr
        acquire();
    }
    weak(const weak& other) noexcept : value_(other.value_) { acquire(); }
    weak(weak&& other) noexcept : value_(std::exchange(other.value_, nullptr)) {}
    weak& operator=(weak other) noexcept {
        std::swap(value_, other.value_);
        return *this;
    }
    ~weak() {
        if (value_ != nullptr) {
            detail::header_of(value_).release_weak();
        }
    }

    // Any thread. Empty when the value has ended or is ending, or when this refers to nothing.
    [[nodiscard]] handle<T> lock() const noexcept {
        if (value_ != nullptr && detail::header_of(value_).try_acquire()) {
            return handle<T>::adopt(value_);
        }
        return nullptr;
    }

    // True once lock() can never succeed again. False says nothing: the value may end before the answer is
    // read.
    [[nodiscard]] bool expired() const noexcept {
        return value_ == nullptr || detail::header_of(value_).has_ended();
    }

    // Refers to nothing afterwards.
    void reset() noexcept { weak().swap(*this); }
    // Exchanges what two weak references refer to.
    void swap(weak& other) noexcept { std::swap(value_, other.value_); }
    friend void swap(weak& a, weak& b) noexcept { a.swap(b); }

    // Compares identity, also of values that have ended: their memory stays while it has a weak reference.
    friend bool operator==(const weak& a, const weak& b) noexcept { return a.value_ == b.value_; }
    // Also by identity: the order of the addresses.
    friend std::strong_ordering operator<=>(const weak& a, const weak& b) noexcept {
        return std::compare_three_way{}(a.value_, b.value_);
    }
    // The hash of a weak reference in a key: by identity.
    [[nodiscard]] const T* hash_fields() const noexcept { return value_; }

private:
    void acquire() noexcept {
        if (value_ != nullptr) {
            detail::header_of(value_).acquire_weak();
        }
    }

    const T* value_ = nullptr; // the memory is valid while this holds a weak reference; the value may not be
};

} // namespace layout_1
} // namespace ibid

// By identity, also of a value that has ended.
template <class T>
struct std::hash<ibid::weak<T>> : ibid::detail::identity_hash<ibid::weak<T>> {};
