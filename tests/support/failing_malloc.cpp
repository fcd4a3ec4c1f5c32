// SPDX-License-Identifier: Apache-2.0
#include "support/failing_malloc.h"

#include <atomic>
#include <cerrno>
#include <cstdint>

#include <dlfcn.h>

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);
}

namespace ibid::testing {
namespace {

std::atomic<std::size_t> out{0};
thread_local bool armed = false;
thread_local bool hit = false;
thread_local std::size_t left = 0;
thread_local const void* begin_of_code = nullptr;
thread_local const void* end_of_code = nullptr;

// Whether this allocation is the one that fails.
[[nodiscard]] bool fails(const void* caller) noexcept {
    if (!armed || (begin_of_code != nullptr && (caller < begin_of_code || caller >= end_of_code))) {
        return false;
    }
    if (left != 0) {
        --left;
        return false;
    }
    armed = false;
    hit = true;
    errno = ENOMEM;
    return true;
}

[[nodiscard]] void* counted(void* p) noexcept {
    if (p != nullptr) {
        out.fetch_add(1, std::memory_order_relaxed);
    }
    return p;
}

} // namespace

fail_malloc::fail_malloc(std::size_t n, const void* code) noexcept {
    hit = false;
    left = n;
    begin_of_code = end_of_code = nullptr;
    if (dl_find_object object{}; code != nullptr && _dl_find_object(const_cast<void*>(code), &object) == 0) {
        begin_of_code = object.dlfo_map_start;
        end_of_code = object.dlfo_map_end;
    }
    armed = true;
}
fail_malloc::~fail_malloc() {
    armed = false;
}
bool fail_malloc::failed() const noexcept {
    return hit;
}

std::size_t malloc_blocks_out() noexcept {
    return out.load(std::memory_order_relaxed);
}

} // namespace ibid::testing

using ibid::testing::counted;
using ibid::testing::fails;

extern "C" {

void* malloc(std::size_t n) {
    return fails(__builtin_return_address(0)) ? nullptr : counted(__libc_malloc(n));
}
void* calloc(std::size_t n, std::size_t size) {
    return fails(__builtin_return_address(0)) ? nullptr : counted(__libc_calloc(n, size));
}
void* realloc(void* p, std::size_t n) {
    if (fails(__builtin_return_address(0))) {
        return nullptr;
    }
    return p == nullptr ? counted(__libc_realloc(p, n)) : __libc_realloc(p, n);
}
void* memalign(std::size_t alignment, std::size_t n) {
    return fails(__builtin_return_address(0)) ? nullptr : counted(__libc_memalign(alignment, n));
}
void* aligned_alloc(std::size_t alignment, std::size_t n) {
    return fails(__builtin_return_address(0)) ? nullptr : counted(__libc_memalign(alignment, n));
}
int posix_memalign(void** into, std::size_t alignment, std::size_t n) {
    *into = fails(__builtin_return_address(0)) ? nullptr : counted(__libc_memalign(alignment, n));
    return *into != nullptr ? 0 : ENOMEM;
}
void free(void* p) {
    if (p != nullptr) {
        ibid::testing::out.fetch_sub(1, std::memory_order_relaxed);
        __libc_free(p);
    }
}

} // extern "C"
