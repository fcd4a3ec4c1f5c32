// SPDX-License-Identifier: Apache-2.0
//
// A weak reference: refers to a value without keeping it alive.
//
// Law: lock() gives a handle while any other handle lives, and nothing from the instant the last one began to
// go, however close the race: never a value that is being destroyed. A weak reference keeps the entry's
// memory, not the value: what the value itself owns is gone when the last handle is.
//
//     ibid::handle<std::string> h = ibid::intern(std::string("seen"));
//     ibid::weak<std::string> w(h);
//     assert(w.lock() == h);
//     h.reset();
//     assert(!w.lock());
#pragma once

#include <utility>

#include "ibid/detail/counting/references.h"
#include "ibid/handle.h"

namespace ibid {
inline namespace layout_1 {

template <class T>
class weak {
public:
    constexpr weak() noexcept = default;
    explicit weak(const handle<T>& h) noexcept : value_(h.get()) { acquire(); }
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
