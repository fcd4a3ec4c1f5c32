// SPDX-License-Identifier: Apache-2.0
//
// Who calls, and what comes next: which modules are loaded, and which of their calls ibid intercepts.
//
// Each module holds the addresses of the functions that it calls in places of its own, which the dynamic linker fills. When ibid is
// loaded, and after each dlopen() of the program's, these places are read. One that holds the address of a function that
// ibid intercepts, *in a libcrypto or libssl that ibid knows*, gets the address of an entry point instead that is made for this
// kind of module and this libcrypto (interpose/entries.h).
//
// Laws:
//  - What ibid calls is what the place held: what would have been called without it. A place that leads somewhere else (an
//    agent's hook, a library of the same names) is left as it is. So are all results of dlsym().
//  - A module that ibid has not seen is as in stock. Nothing is shared while one may be on its way (modules/loads.h).
//  - Modules are scanned where ibid is loaded and where the program itself calls the dynamic linker, nowhere else. A scan
//    holds the linker's list still (dl_iterate_phdr), and asks for no memory and no other lock meanwhile.
//  - A module that is unloaded takes its places along; nothing of it is kept but an identity, which the next scan forgets.
#pragma once

namespace ibid::openssl::modules {

// In the constructor, before any code of the program has run. `why_not`: nothing is to be intercepted, for this reason; only
// changes of the root directory are followed then.
void scan_at_load(const char* why_not, void (*after_chroot)() noexcept) noexcept;

// Whether the calls of this process come to ibid: null, or why they do not.
[[nodiscard]] const char* why_not_scanned() noexcept;

} // namespace ibid::openssl::modules
