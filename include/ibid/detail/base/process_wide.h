// SPDX-License-Identifier: Apache-2.0
//
// Marks what a process has once, however many of its libraries include it: the secret of the hashes, the places of hot values, where
// a thread reads.
//
// Law: caches and handles may pass from one library of a process to another, as std::shared_ptr may, also where the libraries are
// built with -fvisibility=hidden. With a secret for each library, say, one key would have two hashes in one table. Who wants a
// copy of its own keeps these names out of its dynamic symbols, with a version script or --exclude-libs, and passes no
// caches or handles across that border. What the process has once may call back into the library that first needed it (handlers of
// fork(), listeners of a collector): a library that uses pools or tokens is never unloaded (-z nodelete).
#pragma once

#define IBID_PROCESS_WIDE [[gnu::visibility("default")]]
