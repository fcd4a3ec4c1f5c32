// SPDX-License-Identifier: Apache-2.0
//
// try, catch and throw where there are exceptions; and what is undone if one passes.
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

// Calls `f` at the end of the scope, unless all is done by then.
template <class Function>
class unless_done {
public:
    explicit unless_done(Function f) noexcept : undo_(f) {}
    unless_done(const unless_done&) = delete;
    unless_done& operator=(const unless_done&) = delete;
    ~unless_done() {
        if (!done_) {
            undo_();
        }
    }
    void done() noexcept { done_ = true; }

private:
    Function undo_;
    bool done_ = false;
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
