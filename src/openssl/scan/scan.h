// SPDX-License-Identifier: Apache-2.0
//
// GOT interposition: reads which functions each loaded module calls, and puts ibid's entry points in their
// places.
//
// A module calls functions of other modules through slots (its GOT), which the dynamic linker fills with
// addresses. ibid reads these slots when it is loaded and after each dlopen() of the program. A slot may hold
// the address of a function that ibid intercepts, *in a libcrypto or libssl that ibid knows*. It then gets
// the address of an entry point that is made for this kind of module and this libcrypto
// (interpose/entries.h).
//
// Laws:
//  - ibid calls the former content of the slot, which is what would be called without ibid. A slot that leads
//    elsewhere (an agent's hook, a library of the same names) stays as it is. So do the results of dlsym(),
//    except for the few functions in linker_calls.h.
//  - A module that has not been scanned works as in stock. While a module is being loaded, nothing is shared
//    (modules/loads.h).
//  - Modules are scanned when ibid is loaded and when the program calls the dynamic linker, at no other time.
//    A scan runs in dl_iterate_phdr, one at a time: it allocates nothing and takes no other lock.
//  - ibid keeps nothing about an unloaded module. A later module at its address is a different one.
#pragma once

namespace ibid::openssl::modules {

// Call from the constructor, before any code of the program. `why_not`: if not null, intercept nothing but
// chroot(), for this reason.
void scan_at_load(const char* why_not, void (*after_chroot)() noexcept) noexcept;

// Null if calls in this process are intercepted, otherwise the reason why not.
[[nodiscard]] const char* why_not_scanned() noexcept;

// Around fork(): no scan is under way.
void lock_for_fork() noexcept;
void unlock_after_fork() noexcept;

} // namespace ibid::openssl::modules
