// SPDX-License-Identifier: Apache-2.0
#include "failing_new.h"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace ibid_test {
thread_local constinit int until_failure = -1;
thread_local constinit bool failed = false;
} // namespace ibid_test

namespace {

bool must_fail() noexcept {
    using namespace ibid_test;
    if (until_failure < 0 || until_failure-- != 0) {
        return false;
    }
    failed = true;
    return true;
}

void* allocate(std::size_t size, std::size_t alignment) noexcept {
    return must_fail() ? nullptr
                       : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

} // namespace

void* operator new(std::size_t size) {
    void* const p = allocate(size, alignof(std::max_align_t));
    return p != nullptr ? p : throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return allocate(size, alignof(std::max_align_t));
}
void* operator new(std::size_t size, std::align_val_t a) {
    void* const p = allocate(size, static_cast<std::size_t>(a));
    return p != nullptr ? p : throw std::bad_alloc();
}
void* operator new(std::size_t size, std::align_val_t a, const std::nothrow_t&) noexcept {
    return allocate(size, static_cast<std::size_t>(a));
}
void* operator new[](std::size_t size) {
    return operator new(size);
}
void* operator new[](std::size_t size, const std::nothrow_t& n) noexcept {
    return operator new(size, n);
}
void operator delete(void* p) noexcept {
    std::free(p);
}
void operator delete(void* p, std::size_t) noexcept {
    std::free(p);
}
void operator delete(void* p, std::align_val_t) noexcept {
    std::free(p);
}
void operator delete(void* p, std::size_t, std::align_val_t) noexcept {
    std::free(p);
}
void operator delete[](void* p) noexcept {
    std::free(p);
}
void operator delete[](void* p, std::size_t) noexcept {
    std::free(p);
}
