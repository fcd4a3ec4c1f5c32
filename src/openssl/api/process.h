// SPDX-License-Identifier: Apache-2.0
//
// Process-wide setup: when ibid is loaded, and around fork().
#pragma once

namespace ibid::openssl::process {

// Called by the preload's constructor, before any other code of the program: reads the environment, scans the
// modules. Later, calls of the program cause no further system calls of ibid, except calls that load modules.
// `excluded`: null, or why ibid does nothing in this program (static text). `after_chroot`: called after the
// program has changed its root directory.
void start(const char* excluded, void (*after_chroot)() noexcept) noexcept;

// The same without a scan, for a program that is linked with ibid's functions and OpenSSL. Repeated calls do
// nothing.
void start_linked() noexcept;

} // namespace ibid::openssl::process
