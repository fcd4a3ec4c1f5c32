// SPDX-License-Identifier: Apache-2.0
//
// What ibid does once for the whole process: when it is loaded, and around fork().
#pragma once

namespace ibid::openssl::process {

// Called by the preload's constructor, before any other code of the program: reads the environment, scans the
// modules. Afterwards ibid makes no system call of its own on a call of the program, but where that loads
// modules. `excluded`: why nothing is to be done in this program, static text; or null. `after_chroot`: what
// to do when it has changed its root directory.
void start(const char* excluded, void (*after_chroot)() noexcept) noexcept;

// The same without a scan, for a program that is linked with ibid's functions and OpenSSL. Once.
void start_linked() noexcept;

} // namespace ibid::openssl::process
