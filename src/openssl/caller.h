// SPDX-License-Identifier: Apache-2.0
//
// Who calls: which libcrypto an interposed call was meant for, and on whose behalf it is made.
//
// Law: the answer is the library that the dynamic linker would have bound this call to if ibid were not there: the next one
// in the global order, else the one in the calling module's own scope (OpenSSL that a program loaded with RTLD_LOCAL).
#pragma once

#include <cstdint>

#include "library.h"

namespace ibid::openssl {

enum class caller_kind : std::uint8_t {
    application, // a program, a plugin, any other library
    libssl, // parses what peers send; except where it parses for an application, and then that is the caller
    libcrypto, // parses for whoever called it
};

struct caller {
    library* of = nullptr; // null: no libcrypto can be found for this code
    caller_kind kind = caller_kind::application;
};

// The same for code that lies in no libcrypto that is known. Fast after the first call from a module.
[[nodiscard]] caller caller_outside(const void* code) noexcept;

// `code`: an address in the calling code, as __builtin_return_address(0).
[[nodiscard]] inline caller caller_of(const void* code) noexcept {
    // Most calls by far: libcrypto's own, ten for each certificate. It is never unloaded (find_out), so that its place
    // alone tells.
    if (library* const itself = library::around(code)) {
        return {itself, caller_kind::libcrypto};
    }
    return caller_outside(code);
}

} // namespace ibid::openssl
