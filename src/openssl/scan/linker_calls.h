// SPDX-License-Identifier: Apache-2.0
//
// The program's own calls to the dynamic linker: modules that they load are scanned, those that they unload
// are forgotten, names that they look up are noted.
//
// Law: the linker sees the same call from the same caller. A call whose result depends on the caller (the
// search path of its module, RTLD_NEXT) is forwarded by a jump, with the caller's return address. errno,
// dlerror() and all results are the linker's. The one exception: dlsym() gives the entry point of the few
// functions that give or fill a shared certificate (interpose/entries.h).
#pragma once

#include "openssl/interpose/entries.h"

namespace ibid::openssl::modules {

// The replacement for a slot that holds `value`; null: do not change it. `late`: the slot is not bound yet.
[[nodiscard]] void* linker_entry(interpose::function_id id, const void* value, bool late) noexcept;

// Call once, before the first scan. `after_chroot` is called after the program has changed its root
// directory.
void follow_linker(void (*after_chroot)() noexcept) noexcept;

// Before and after a load. `loaded`: there may be new modules.
void note_global_load() noexcept; // before it
void begin_load() noexcept;
void end_load(bool loaded, bool deep_binding) noexcept;
// After an unload.
void end_unload() noexcept;
// Call before a load whose end ibid cannot see, and at the thread's next call to the linker, when such loads
// have ended.
void load_unseen() noexcept;
void settle_unseen_loads() noexcept;

// Whether a name without a slash means the same file to every caller.
[[nodiscard]] bool one_search_path() noexcept;

// Whether this is a function of the dynamic linker that ibid intercepts.
[[nodiscard]] bool is_linkers(const char* name) noexcept;
// Whether this function may give a shared object, or parse into one. A program that looks it up gets the
// entry point for writers: it may also look up a function that writes.
[[nodiscard]] bool is_exchanged(const char* name) noexcept;
// The program looks up a function. `exchanged`: the result goes through found_by_lookup().
void note_lookup(const char* name, bool exchanged) noexcept;
[[nodiscard]] void* found_by_lookup(const char* name, void* found) noexcept;

} // namespace ibid::openssl::modules
