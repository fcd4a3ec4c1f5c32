// SPDX-License-Identifier: Apache-2.0
//
// See installation.h.
#include "cli/doctor/installation.h"

#include "cli/programs/installation.h"

#include <fmt/format.h>

namespace ibid::cli::doctor {
namespace {

// Hardly any arm64 machine has them. Their loader prints an error (docs/command.md).
#ifdef __x86_64__
constexpr bool machine_has_32_bit_programs = true;
#else
constexpr bool machine_has_32_bit_programs = false;
#endif

} // namespace

void look_at_installation(findings& f) {
    f.preload = find_preload();
    if (!f.preload) {
        f.problems.emplace_back(
            "libibid_preload.so is neither in ../lib beside this command nor in " IBID_INSTALL_FULL_LIBDIR);
        f.next.emplace_back("install ibid as a whole ('cmake --install build/release'), or './dev build'");
    } else if (!fits_into_ld_preload(*f.preload)) {
        f.problems.push_back(
            "the path of libibid_preload.so has a space, a colon or a dollar sign, which LD_PRELOAD "
            "cannot hold");
        f.next.emplace_back("move the installation to a path without them");
    } else {
        const preload_entry entry = entry_for(*f.preload);
        if (!entry.harmless && (machine_has_32_bit_programs || entry.text == *f.preload))
            f.notes.push_back(
                fmt::format("beside {} is no folder ibid/before-libasan.so, or no empty 32-bit library in "
                            "it: a 32-bit program, or one with the address sanitizer, that a program under "
                            "ibid starts prints an error or does not start",
                            *f.preload));
        if (const std::string closed = closed_to_this_user(*f.preload); !closed.empty())
            f.problems.push_back(
                fmt::format("you may not read {}, so no program of yours can load it", closed));
        else if (const std::string part = closed_to_others(*f.preload); !part.empty())
            f.notes.push_back(
                fmt::format("other users may not read {}: programs that are started as another user run "
                            "without ibid, and their loader says so; install ibid where all can read it",
                            part));
    }
#ifndef __GLIBC__
    f.notes.emplace_back(
        "this ibid is built for musl: a program of another C library that is started under it runs without "
        "ibid; and musl does not tell whether a process has one thread, so each fork takes ibid's locks");
#endif
}

} // namespace ibid::cli::doctor
