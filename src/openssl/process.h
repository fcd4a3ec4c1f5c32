// SPDX-License-Identifier: Apache-2.0
//
// What ibid does once for the whole process: when it is loaded, and around fork().
#pragma once

#include "statistics/shared_statistics.h"

namespace ibid::openssl::process {

// Called by the preload's constructor, before any other code of the program: reads the environment, opens the counters,
// scans the modules. Afterwards ibid makes no system call of its own on a call of the program, but where it loads modules.
void start() noexcept;

// The same without a scan, for a program that is linked with ibid's functions and OpenSSL. Once.
void start_linked() noexcept;

// The published counters for the libcrypto with this number; null: count privately.
[[nodiscard]] shared_statistics::slot* counters(unsigned libcrypto) noexcept;

} // namespace ibid::openssl::process
