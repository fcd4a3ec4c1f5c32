// SPDX-License-Identifier: Apache-2.0
//
// What tests of a conservative collector need: a place that it scans, a place that it certainly does not see
// any more, and a collection.
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

// Runs `f` on a thread of its own that the collector knows, and that is gone afterwards with its stack and
// registers: what `f` had and stored nowhere is unreachable for certain. What `f` throws ends the program.
template <class F>
void elsewhere(F f) {
    ibid::gc::start(); // on the main thread
    std::thread([&] {
        const ibid::gc::thread known;
        f();
    }).join();
}

// The collector is conservative: now and then a word of its own, or of a stack, looks like a pointer to
// something dead. So tests make many tokens, and let so many survive.
inline constexpr std::size_t by_accident = 3;
inline constexpr int many = 100;

// Overwrites what earlier calls have left below this thread's stack pointer. The collector saves registers in
// a ucontext_t on the stack that it then scans, and getcontext() leaves half a kilobyte of that as it was:
// where, now and then, the mark stack of the collection before lay, full of pointers to what died since.
[[gnu::noinline]] inline void wipe_stack() noexcept {
    constexpr std::size_t deeper_than_a_collection = 192 * 1024;
    void* const below = __builtin_alloca(deeper_than_a_collection);
    std::memset(below, 0, deeper_than_a_collection);
    __asm__ volatile("" : : "r"(below) : "memory"); // it is written, whoever reads it
}

// A full collection. Its finalizers run here, unless the program has said otherwise to the collector.
inline void collect() {
    wipe_stack();
    GC_gcollect();
}

// N objects that the collector scans and keeps, whatever refers to them. Never freed. GoogleTest keeps the
// members of a fixture where the collector does not look; these are for static variables and fixtures.
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

// What most of these tests intern.
using table = ibid::cache<int, std::string>;
using name = ibid::gc::active<std::string>;

[[nodiscard]] inline name intern(table& c, int key) {
    return ibid::gc::intern(c, key, [&] { return std::to_string(key); });
}

} // namespace ibid_test
