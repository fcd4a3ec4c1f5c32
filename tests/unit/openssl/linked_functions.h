// SPDX-License-Identifier: Apache-2.0
//
// The table of the libcrypto that a test is linked with, and tables that do something before each call of one.
#pragma once

#include "openssl/functions.h"

namespace ibid::test {

[[nodiscard]] inline openssl::functions linked_functions() {
    openssl::functions f{};
#define IBID_LINKED(name) f.name = &::name;
    IBID_OPENSSL_FUNCTIONS(IBID_LINKED)
#undef IBID_LINKED
    return f;
}

#define IBID_NUMBER(name) name,
enum class called : int { IBID_OPENSSL_FUNCTIONS(IBID_NUMBER) };
#undef IBID_NUMBER

// Functions with open argument lists are called as they are.
template <void (*before)(called), called which, auto real>
struct watched {
    static constexpr auto entry = real;
};
template <void (*before)(called), called which, class Result, class... Arguments, Result (*real)(Arguments...)>
struct watched<before, which, real> {
    static Result call(Arguments... arguments) {
        before(which);
        return real(arguments...);
    }
    static constexpr auto entry = &call;
};

// `before` runs before each call.
template <void (*before)(called)>
[[nodiscard]] openssl::functions watched_functions() {
    openssl::functions f = linked_functions();
#define IBID_WATCHED(name) f.name = watched<before, called::name, &::name>::entry;
    IBID_OPENSSL_FUNCTIONS(IBID_WATCHED)
#undef IBID_WATCHED
    return f;
}

} // namespace ibid::test
