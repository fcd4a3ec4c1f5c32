// SPDX-License-Identifier: Apache-2.0
//
// How a process publishes its counters, so that `ibid run --stats`, `ibid stat`, `ibid top` and `ibid doctor`
// can read them from outside.
//
// Law: this runs inside somebody else's program. All system calls are made in open_at_load(), and none
// without IBID_STATISTICS. It opens no file, starts no thread, throws nothing, allocates nothing, takes no
// lock and leaves errno as it was. All functions may be called before main, after exit began and in the child
// of a fork, by any number of threads.
//
//     open_at_load(value of IBID_STATISTICS);              // in the constructor
//     row* r = claim("/usr/lib/libcrypto.so.3", "3.0.19"); // once for each libcrypto
//     set_helped(r);
//     (*r)[kind::certificates][stripe].hits ...            // ibid::cache and its like count there
//     publish(r);                                          // after a call that may have counted
//
// Forks. Counters are private memory, so a child goes on with a copy of its parent's figures, at the same
// addresses, and nothing has to be done. `ibid stat` of a child shows figures since the program was started,
// the parent's before the fork included; what is *held* is right as it is, since the child has copies of its
// parent's entries. In the sums of `ibid run --stats` each event is counted once, by the process in which it
// happened, since a process adds only what is new; entries that a child inherited count for its parent alone.
// Counting together with the parent, in shared memory, was the other way: it loses counts (counters are not
// added to atomically), and an entry that one process lets go would end for all.
#pragma once

#include "statistics/layout.h"

namespace ibid::shared_statistics {

// Finds the region of `ibid run --stats` that `place` (IBID_STATISTICS; null: none) names, for later. To be
// called when the library is loaded: whoever starts a program may do what the program may no longer do once
// it has dropped its privileges. Two system calls (shmctl, shmat), none without the variable. What goes wrong
// leaves the process uncounted, and nothing else.
void open_at_load(const char* place) noexcept;

// A row for one libcrypto. The same path gives the same row. Never null: when there are more libcryptos than
// rows, further ones share the last. Makes no system call. `path` and `version` may be null.
[[nodiscard]] row* claim(const char* path, const char* version) noexcept;

// ibid works with this libcrypto. Null is allowed, here and below.
void set_helped(row* r) noexcept;

// Where its certificates are. `a` stays for good, and does not change any more.
void set_anchor(row* r, const certificates_anchor* a) noexcept;

// It is disabled from now on, for good: why, in a few words for a person. Longer text is cut.
void set_reason(row* r, const char* text) noexcept;

// The same for the process, where it has no libcrypto to say it of.
void set_reason(const char* text) noexcept;

// Adds what is new in a row to the sums of `ibid run --stats`: what was not published before a process is
// killed is missing there. Without --stats one comparison; with it, about 0.1 us. At exit all rows are
// published by themselves.
void publish(row* r) noexcept;
void publish_all() noexcept;

} // namespace ibid::shared_statistics
