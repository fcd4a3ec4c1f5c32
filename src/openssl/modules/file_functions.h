// SPDX-License-Identifier: Apache-2.0
//
// Whether libcrypto and ibid open the same file for a path. A module that interposes the C library
// (fakechroot, a sandbox that maps paths) may define fopen() and give libcrypto another file than the path
// names; ibid reads trust files by other functions, and must get the same file. So ibid reads trust files
// only if libcrypto's and its own file functions are the C library's.
//
// Source: the calls of libcrypto's BIO_new_file() and its file BIO, and those of regular_file.cpp.
#pragma once

#include "elf_module.h"

namespace ibid::openssl::modules {

// Asks the dynamic linker which functions come first in the program's search order. Called once, at load,
// because later modules come later in the order.
void find_file_functions() noexcept;

// Under the dynamic linker's lock, in a scan.
[[nodiscard]] bool files_are_the_c_librarys(const elf_module& libcrypto) noexcept;

} // namespace ibid::openssl::modules
