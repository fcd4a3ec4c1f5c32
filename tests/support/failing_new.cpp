// SPDX-License-Identifier: Apache-2.0
#include "support/failing_new.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace ibid::testing {
namespace {

std::atomic<std::size_t> out{0};
thread_local bool armed = false;
thread_local bool hit = false;
thread_local std::size_t left = 0;
thread_local std::size_t count = 0;

void* take(std::size_t size, std::size_t alignment) noexcept {
    ++count;
    if (armed) {
        if (left == 0) {
            armed = false;
            hit = true;
            return nullptr;
        }
        --left;
    }
    size = (size + alignment - 1) / alignment * alignment;
    void* const p = alignment <= alignof(std::max_align_t) ? std::malloc(size == 0 ? 1 : size)
                                                           : std::aligned_alloc(alignment, size);
    if (p != nullptr) {
        out.fetch_add(1, std::memory_order_relaxed);
    }
    return p;
}

void* take_or_throw(std::size_t size, std::size_t alignment) {
    if (void* const p = take(size, alignment)) {
        return p;
    }
    throw std::bad_alloc();
}

void give_back(void* p) noexcept {
    if (p != nullptr) {
        out.fetch_sub(1, std::memory_order_relaxed);
        std::free(p);
    }
}

constexpr std::size_t usual = alignof(std::max_align_t);

} // namespace

fail_allocation::fail_allocation(std::size_t n) noexcept {
    hit = false;
    left = n;
    armed = true;
}
fail_allocation::~fail_allocation() {
    armed = false;
}
bool fail_allocation::failed() const noexcept {
    return hit;
}

std::size_t blocks_out() noexcept {
    return out.load(std::memory_order_relaxed);
}
std::size_t allocations_here() noexcept {
    return count;
}

} // namespace ibid::testing

using ibid::testing::give_back;
using ibid::testing::take;
using ibid::testing::take_or_throw;
using ibid::testing::usual;

void* operator new(std::size_t n) {
    return take_or_throw(n, usual);
}
void* operator new[](std::size_t n) {
    return take_or_throw(n, usual);
}
void* operator new(std::size_t n, std::align_val_t a) {
    return take_or_throw(n, static_cast<std::size_t>(a));
}
void* operator new[](std::size_t n, std::align_val_t a) {
    return take_or_throw(n, static_cast<std::size_t>(a));
}
void* operator new(std::size_t n, const std::nothrow_t&) noexcept {
    return take(n, usual);
}
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept {
    return take(n, usual);
}
void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
    return take(n, static_cast<std::size_t>(a));
}
void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
    return take(n, static_cast<std::size_t>(a));
}
void operator delete(void* p) noexcept {
    give_back(p);
}
void operator delete[](void* p) noexcept {
    give_back(p);
}
void operator delete(void* p, std::size_t) noexcept {
    give_back(p);
}
void operator delete[](void* p, std::size_t) noexcept {
    give_back(p);
}
void operator delete(void* p, std::align_val_t) noexcept {
    give_back(p);
}
void operator delete[](void* p, std::align_val_t) noexcept {
    give_back(p);
}
void operator delete(void* p, std::size_t, std::align_val_t) noexcept {
    give_back(p);
}
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept {
    give_back(p);
}
void operator delete(void* p, const std::nothrow_t&) noexcept {
    give_back(p);
}
void operator delete[](void* p, const std::nothrow_t&) noexcept {
    give_back(p);
}
void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept {
    give_back(p);
}
void operator delete[](void* p, std::align_val_t, const std::nothrow_t&) noexcept {
    give_back(p);
}
