// SPDX-License-Identifier: Apache-2.0
//
// libibid_preload.so begins here, before any other code of the program's. No logic: src/openssl has it.
#include "openssl/process.h"

namespace {

[[gnu::constructor(101)]] void load() noexcept { ibid::openssl::process::start(); }

} // namespace
