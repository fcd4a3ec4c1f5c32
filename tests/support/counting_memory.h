// SPDX-License-Identifier: Apache-2.0
//
// A memory resource that counts allocations and can be made to fail; and an allocator that refers to its
// resource.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory_resource>
#include <new>

#include <gtest/gtest.h>

namespace ibid::testing {

class counting_memory : public std::pmr::memory_resource {
public:
    counting_memory() = default;
    counting_memory(const counting_memory&) = delete;
    counting_memory& operator=(const counting_memory&) = delete;
    ~counting_memory() override { EXPECT_EQ(bytes_out(), 0U) << "memory that was not freed"; }

    [[nodiscard]] std::size_t bytes_out() const noexcept { return bytes_out_.load(); }
    [[nodiscard]] std::size_t allocations() const noexcept { return allocations_.load(); }

    // From now on `n` allocations succeed and all others fail; negative: none fails.
    void fail_after(long n) noexcept { left_.store(n); }

private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
        if (left_.load() == 0) {
            throw std::bad_alloc();
        }
        if (left_.load() > 0) {
            left_.fetch_sub(1);
        }
        void* const p = std::pmr::new_delete_resource()->allocate(bytes, alignment);
        bytes_out_.fetch_add(bytes);
        allocations_.fetch_add(1);
        return p;
    }
    void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override {
        bytes_out_.fetch_sub(bytes);
        std::pmr::new_delete_resource()->deallocate(p, bytes, alignment);
    }
    [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
        return this == &other;
    }

    std::atomic<std::size_t> bytes_out_{0};
    std::atomic<std::size_t> allocations_{0};
    std::atomic<long> left_{-1};
};

// An allocator without a default constructor: code that forgets to pass it on does not compile.
template <class T>
class allocator_of {
public:
    using value_type = T;

    explicit allocator_of(counting_memory& memory) noexcept : memory_(&memory) {}
    template <class U>
    allocator_of(const allocator_of<U>& other) noexcept
        : memory_(other.memory_) {} // NOLINT(google-explicit-constructor)

    [[nodiscard]] T* allocate(std::size_t n) {
        return static_cast<T*>(memory_->allocate(n * sizeof(T), alignof(T)));
    }
    void deallocate(T* p, std::size_t n) noexcept { memory_->deallocate(p, n * sizeof(T), alignof(T)); }

    template <class U>
    friend bool operator==(const allocator_of& a, const allocator_of<U>& b) noexcept {
        return a.memory_ == b.memory_;
    }

private:
    template <class>
    friend class allocator_of;

    counting_memory* memory_;
};

} // namespace ibid::testing
