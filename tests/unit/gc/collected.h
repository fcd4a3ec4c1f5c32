// SPDX-License-Identifier: Apache-2.0
//
// Helpers for tests with a conservative collector: memory that it scans, memory that it certainly no longer
// scans, and a collection.
#pragma once

#include <cstddef>
#include <cstring>
#include <new>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include "ibid/cache.h"
#include "ibid/gc.h"

namespace ibid_test {

// Runs `f` on a separate thread that is registered with the collector. Afterwards the thread has ended, with
// its stack and registers, so objects that `f` has not stored elsewhere are certainly unreachable. If `f`
// throws, the program ends.
template <class F>
void elsewhere(F f) {
    ibid::gc::start(); // on the main thread
    std::thread([&] {
        const ibid::gc::thread known;
        f();
    }).join();
}

// The collector is conservative: sometimes a word of its own, or on a stack, looks like a pointer to an
// unreachable object. So tests make many tokens, and allow this many to survive.
inline constexpr std::size_t by_accident = 3;
inline constexpr int many = 100;

// Overwrites the remains of earlier calls below this thread's stack pointer. The collector saves registers in
// a ucontext_t on the stack, which it then scans, and getcontext() does not write half a kilobyte of it.
// Sometimes the mark stack of the previous collection was there, full of pointers to objects that have become
// unreachable since.
[[gnu::noinline]] inline void wipe_stack() noexcept {
    constexpr std::size_t deeper_than_a_collection = 192 * 1024;
    void* const below = __builtin_alloca(deeper_than_a_collection);
    std::memset(below, 0, deeper_than_a_collection);
    __asm__ volatile("" : : "r"(below) : "memory"); // the compiler keeps the writes
}

// A full collection. Its finalizers run here, unless the program has configured the collector otherwise.
inline void collect() {
    wipe_stack();
    GC_gcollect();
}

// N objects that the collector scans and keeps, with or without references. Never freed. For static variables
// and fixtures: GoogleTest keeps a fixture's members in memory that the collector does not scan.
template <class T, std::size_t N>
class roots {
public:
    // NOLINTNEXTLINE(bugprone-sizeof-expression): T may be a pointer
    roots() : memory_(static_cast<T*>(GC_malloc_uncollectable(N * sizeof(T)))) {
        ibid::gc::start();
        for (std::size_t i = 0; i < N; ++i) {
            ::new (static_cast<void*>(memory_ + i)) T();
        }
    }
    [[nodiscard]] T& operator[](std::size_t i) { return memory_[i]; }
    void clear() {
        for (std::size_t i = 0; i < N; ++i) {
            memory_[i] = T();
        }
    }

private:
    T* memory_;
};

// The values that most of these tests intern.
using table = ibid::cache<int, std::string>;
using name = ibid::gc::active<std::string>;

[[nodiscard]] inline name intern(table& c, int key) {
    return ibid::gc::intern(c, key, [&] { return std::to_string(key); });
}

} // namespace ibid_test
