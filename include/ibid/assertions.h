// SPDX-License-Identifier: Apache-2.0
//
// A debug mode. Define IBID_ASSERTIONS in all translation units: then the core checks its preconditions, and
// ends the program with a message that says what to do. It checks that an empty handle, view or loan is not
// used, that a cache or a pool is not used after its destructor, and that a cache pins its own handles. With
// AddressSanitizer it also checks that an object of a pool is not used after its loan.
//
// Law: without IBID_ASSERTIONS nothing is checked and nothing is printed. The macro changes no layout.
#pragma once

#if defined(IBID_ASSERTIONS)
#include <cstdio>
#include <cstdlib>

// clang-format off
#define IBID_ASSERT(holds, what)                                                                                       \
    (static_cast<bool>(holds) ? void(0) : (void(std::fprintf(stderr, "ibid: %s\n", what)), std::abort()))
// clang-format on
#else
#define IBID_ASSERT(holds, what) void(0)
#endif

// Tells AddressSanitizer, if it is there, that this memory must not be used until further notice.
#if defined(IBID_ASSERTIONS) && defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IBID_WATCHES_MEMORY 1
#endif
#endif
#if defined(IBID_ASSERTIONS) && defined(__SANITIZE_ADDRESS__)
#define IBID_WATCHES_MEMORY 1
#endif
#if defined(IBID_WATCHES_MEMORY)
#include <sanitizer/asan_interface.h>
#define IBID_FORBID(memory, size) ASAN_POISON_MEMORY_REGION(memory, size)
#define IBID_ALLOW(memory, size) ASAN_UNPOISON_MEMORY_REGION(memory, size)
#else
#define IBID_FORBID(memory, size) void(0)
#define IBID_ALLOW(memory, size) void(0)
#endif

// What a member returns lives as long as its object. Clang warns if a reference to *cache.intern(…) is kept.
#if defined(__has_cpp_attribute)
#if __has_cpp_attribute(clang::lifetimebound)
#define IBID_LIFETIMEBOUND [[clang::lifetimebound]]
#endif
#endif
#if !defined(IBID_LIFETIMEBOUND)
#define IBID_LIFETIMEBOUND
#endif
