// SPDX-License-Identifier: Apache-2.0
//
// Whether a file is what the C library says it is. A module that stands before the C library (fakechroot, a
// sandbox that maps paths) may define fopen() and give libcrypto another file than the path names; ibid reads
// trust files by other functions, and must get the same. So ibid reads them only where the functions of both
// are the C library's own.
//
// Source: what libcrypto's BIO_new_file() and its file BIO call; what regular_file.cpp calls.
#pragma once

#include "elf_module.h"

namespace ibid::openssl::modules {

// Asks the dynamic linker which functions come first in the program's search order. At load, once: later
// modules come behind.
void find_file_functions() noexcept;

// Under the dynamic linker's lock, in a scan.
[[nodiscard]] bool files_are_the_c_librarys(const elf_module& libcrypto) noexcept;

} // namespace ibid::openssl::modules
