// SPDX-License-Identifier: Apache-2.0
//
// The table of the libcrypto that a test is linked with, and tables that run code around each call.
#pragma once

#include <type_traits>

#include "openssl/binding/functions.h"

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

template <class Watch, called which, auto real, class Result, class... Arguments>
Result watched_call(Arguments... arguments) {
    Watch::before(which);
    if constexpr (std::is_void_v<Result>) {
        real(arguments...);
        Watch::after(which);
    } else {
        const Result result = real(arguments...);
        Watch::after(which);
        return result;
    }
}
template <class Watch, called which, auto real, class Result, class... Arguments>
[[nodiscard]] constexpr auto watched(Result (*)(Arguments...)) {
    return &watched_call<Watch, which, real, Result, Arguments...>;
}
// Functions with open argument lists are called as they are.
template <class Watch, called which, auto real, class Result, class... Arguments>
[[nodiscard]] constexpr auto watched(Result (*open)(Arguments..., ...)) {
    return open;
}

// Watch::before(called) and Watch::after(called) run around each call.
template <class Watch>
[[nodiscard]] openssl::functions watched_functions() {
    openssl::functions f = linked_functions();
#define IBID_WATCHED(name) f.name = watched<Watch, called::name, &::name>(&::name);
    IBID_OPENSSL_FUNCTIONS(IBID_WATCHED)
#undef IBID_WATCHED
    return f;
}

} // namespace ibid::test
