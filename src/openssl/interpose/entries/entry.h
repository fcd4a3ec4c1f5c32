// SPDX-License-Identifier: Apache-2.0
//
// What all groups of entry points use. A group is a class template of the libcrypto's number. Its find()
// returns the entry point of a function for modules of a kind; null: the function is not of this group, or
// the slot stays as it is.
#pragma once

#include "openssl/instance/libcrypto.h"
#include "openssl/interpose/entries.h"

namespace ibid::openssl::interpose {

template <class Function>
[[nodiscard]] void* address(Function* function) noexcept {
    return reinterpret_cast<void*>(function);
}

[[nodiscard]] constexpr bool is_program(module_kind kind) noexcept {
    return kind != module_kind::libssl && kind != module_kind::libcrypto;
}
// Calls functions that write to certificates, or attaches data to them.
[[nodiscard]] constexpr bool may_write(module_kind kind) noexcept {
    return kind == module_kind::attacher || kind == module_kind::writer;
}

// The lists of a connection and what is in them are OpenSSL's own, and programs change them. So nothing is
// shared any more with a program that asks for them and may write.
template <unsigned N>
[[nodiscard]] libcrypto& for_writer() noexcept {
    libcrypto& of = libcrypto::at(N);
    if (!of.has_writer()) {
        of.set_has_writer();
    }
    return of;
}

} // namespace ibid::openssl::interpose
