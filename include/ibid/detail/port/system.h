// SPDX-License-Identifier: Apache-2.0
//
// Which system ibid is compiled for. This folder has one small file for each concept that differs between
// systems: the best implementation for each system, and a portable one. No other code of the core tests for a
// system or a processor.
//
// IBID_PORTABLE, defined in all modules of a program alike, chooses the portable implementation where there
// is one: for tests, and for a Linux whose system calls are emulated.
#pragma once

#include <cstddef>

#if defined(_WIN32)
#define IBID_ON_WINDOWS 1
#elif defined(__APPLE__)
#define IBID_ON_MACOS 1
#else
#define IBID_ON_ELF 1 // Linux, FreeBSD, and what else has ELF and dl_iterate_phdr()
#endif

#if defined(__linux__) && !defined(IBID_PORTABLE)
#define IBID_HAS_LINUX_CALLS 1 // membarrier, futex, getrandom
#endif

namespace ibid {
inline namespace layout_1 {
namespace detail {

inline constexpr bool has_64_bits = sizeof(void*) == 8;
static_assert(
    has_64_bits,
    "ibid needs a 64-bit system: a slot of its tables holds an address and a part of a hash in 64 bits");

} // namespace detail
} // namespace layout_1
} // namespace ibid
