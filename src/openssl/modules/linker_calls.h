// SPDX-License-Identifier: Apache-2.0
//
// The program's own calls to the dynamic linker: what they load is scanned, and what they look up is noted.
//
// Law: the linker sees the same call from the same place: dlsym(), dlvsym(), and a dlopen() whose result depends on who calls
// (a search path of the calling module) are passed on by a jump, with the caller's return address. errno, dlerror() and all results
// are the linker's.
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

// The program looks a function up.
void note_lookup(const char* name) noexcept;

} // namespace ibid::openssl::modules
