// SPDX-License-Identifier: Apache-2.0
//
// The program's own calls to the dynamic linker: modules that they load are scanned, those that they unload are
// forgotten, names that they look up are noted.
//
// Law: the linker sees the same call from the same caller. A call whose result depends on the caller (the
// search path of its module, RTLD_NEXT) is passed on by a jump, with the caller's return address. errno,
// dlerror() and all results are the linker's. The one exception: dlsym() gives the entry point of the few
// functions that give or fill a shared certificate (interpose/entries.h).
#pragma once

#include "openssl/interpose/entries.h"

namespace ibid::openssl::modules {

// What a slot that holds `value` should hold instead; null: it stays. `late`: it is not bound yet.
[[nodiscard]] void* linker_entry(interpose::function_id id, const void* value, bool late) noexcept;

// Calls `then` after the program has changed its root directory.
void follow_chroot(void (*then)() noexcept) noexcept;

// Before and after a load. `loaded`: there may be new modules.
void begin_load() noexcept;
void end_load(bool loaded, bool deep_binding) noexcept;
// After an unload.
void end_unload() noexcept;
// Before a load whose end ibid cannot see; and at the thread's next call to the linker, which shows that such
// loads have ended.
void load_unseen() noexcept;
void settle_unseen_loads() noexcept;

// Whether a name without a slash means the same file to every caller.
[[nodiscard]] bool one_search_path() noexcept;

// Whether it is one of the dynamic linker's functions that ibid intercepts.
[[nodiscard]] bool is_linkers(const char* name) noexcept;
// Whether this function may give a shared object, or parse into one. A program that looks it up gets the
// entry point for writers: it may also look up a function that writes.
[[nodiscard]] bool is_exchanged(const char* name) noexcept;
// The program looks a function up. `exchanged`: what is found goes through found_by_lookup().
void note_lookup(const char* name, bool exchanged) noexcept;
[[nodiscard]] void* found_by_lookup(const char* name, void* found) noexcept;

} // namespace ibid::openssl::modules
