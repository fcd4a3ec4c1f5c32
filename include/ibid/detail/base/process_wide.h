// SPDX-License-Identifier: Apache-2.0
//
// Marks what exists once per process, no matter how many libraries include it: the hash secret, the cells of
// hot values, thread records.
//
// Law: like a std::shared_ptr, a cache or a handle may pass from one library of a process to another, also if
// the libraries are built with -fvisibility=hidden. If each library had its own secret, one key would have
// two hashes in one table. A library that wants a copy of its own hides these symbols (version script,
// --exclude-libs) and passes no caches or handles to others. Process-wide objects may call back into the
// library that first used them (fork handlers, collector listeners), so a library that uses pools or tokens
// must never be unloaded (-z nodelete).
#pragma once

#define IBID_PROCESS_WIDE [[gnu::visibility("default")]]
