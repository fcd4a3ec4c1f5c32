// SPDX-License-Identifier: Apache-2.0
//
// Macros for try, catch and throw, so that the core compiles without exceptions.
//
// Law: with -fno-exceptions, a throw becomes std::abort(), as in the standard library. Nothing else differs.
// All translation units of a program must agree in this option, because their inline functions are merged.
#pragma once

#include <cstdlib>
#include <new>

#if defined(__cpp_exceptions)
#define IBID_TRY try
#define IBID_CATCH(what) catch (what)
#define IBID_RETHROW throw
#define IBID_THROW(what) throw what
#else
#define IBID_TRY if (true)
#define IBID_CATCH(what) else
#define IBID_RETHROW std::abort()
#define IBID_THROW(what) std::abort()
#endif

namespace ibid {
inline namespace layout_1 {
namespace detail {

[[noreturn, gnu::cold]] inline void throw_bad_alloc() {
    IBID_THROW(std::bad_alloc());
}

// Returns `p`; throws bad_alloc if it is null.
template <class T>
[[nodiscard]] T& some(T* p) {
    if (p == nullptr) [[unlikely]] {
        throw_bad_alloc();
    }
    return *p;
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
