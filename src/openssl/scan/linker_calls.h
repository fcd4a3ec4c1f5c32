// SPDX-License-Identifier: Apache-2.0
//
// The program's own calls to the dynamic linker: what they load is scanned, and what they look up is noted.
//
// Law: the linker sees the same call from the same place: what depends on who calls (a search path of the calling module,
// RTLD_NEXT) is passed on by a jump, with the caller's return address. errno and dlerror() are the linker's, and so are all results
// but those of dlsym() for the few functions that give a certificate which others hold, or write to one (interpose/entries.h).
#pragma once

#include "openssl/interpose/entries.h"

namespace ibid::openssl::modules {

// What a place that holds `value` should hold instead; null: it stays. `late`: it is not bound yet.
[[nodiscard]] void* linker_entry(interpose::function_id id, const void* value, bool late) noexcept;

// Calls `then` after the program has changed its root directory.
void follow_chroot(void (*then)() noexcept) noexcept;

// A load begins; it has ended. `loaded`: there may be new modules.
void begin_load() noexcept;
void end_load(bool loaded, bool deep_binding) noexcept;
// A load begins whose end nobody will tell of; and the calling thread has come out of such ones.
void load_unseen() noexcept;
void settle_unseen_loads() noexcept;

// Whether a name without a slash means the same file to every caller.
[[nodiscard]] bool one_search_path() noexcept;

// Whether this function may give an object that others hold, or parse over one. A program that looks it up is to get the entry point for
// writers: it may look up, unseen, a function that writes.
[[nodiscard]] bool is_exchanged(const char* name) noexcept;
// The program looks a function up. `exchanged`: what is found goes through found_by_lookup().
void note_lookup(const char* name, bool exchanged) noexcept;
[[nodiscard]] void* found_by_lookup(const char* name, void* found) noexcept;

} // namespace ibid::openssl::modules
