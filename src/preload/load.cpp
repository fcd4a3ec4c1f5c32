// SPDX-License-Identifier: Apache-2.0
//
// libibid_preload.so begins here, before any other code of the program's. No logic: src/openssl has it.
#include <unistd.h>

#include "openssl/process.h"

namespace {

#ifdef __GLIBC__
// As glibc calls constructors. This one runs before the C library's own (initfirst), which sets `environ`.
[[gnu::constructor(101)]] void load(int, char**, char** environment) noexcept {
    if (environ == nullptr) {
        environ = environment;
    }
    ibid::openssl::process::start();
}
#else
[[gnu::constructor(101)]] void load() noexcept { ibid::openssl::process::start(); }
#endif

} // namespace
