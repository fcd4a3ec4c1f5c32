// SPDX-License-Identifier: Apache-2.0
//
// How a process publishes its counters, so that `ibid run --stats`, `ibid stat`, `ibid top` and `ibid doctor`
// can read them from outside.
//
// Law: this runs inside the user's program. All system calls are made in open_at_load(), and none without
// IBID_STATISTICS. It opens no file, starts no thread, throws nothing, allocates nothing, takes no lock and
// leaves errno as it was. All functions may be called before main, after exit began and in the child of a
// fork, by any number of threads.
//
//     open_at_load(value of IBID_STATISTICS);              // in the constructor
//     row* r = claim("/usr/lib/libcrypto.so.3", "3.0.19"); // once for each libcrypto
//     set_helped(r);
//     (*r)[kind::certificates][stripe].hits ...            // ibid::cache and its like count there
//     publish(r);                                          // after a call that may have counted
//
// Forks. Counters are private memory, so a child continues with a copy of its parent's figures at the same
// addresses. `ibid stat` of a child shows figures since the program was started, including the parent's
// before the fork; gauges are right, because the child has copies of its parent's entries. In the sums of
// `ibid run --stats` each event is counted once, by the process in which it happened, because a process adds
// only its own new events. Inherited entries are counted for the parent only. Rejected: shared counters,
// which lose counts (they are not incremented atomically), and in which an entry that one process drops would
// end for all.
#pragma once

#include "statistics/layout.h"

namespace ibid::shared_statistics {

// Finds the region of `ibid run --stats` that `place` (IBID_STATISTICS; null: none) names, for later. Call
// when the library is loaded, because a program may drop its privileges later. Makes two system calls
// (shmctl, shmat), none without the variable. If it fails, the process is not counted; nothing else changes.
void open_at_load(const char* place) noexcept;

// A row for one libcrypto. The same path gives the same row. Never null: when there are more libcryptos than
// rows, further ones share the last. Makes no system call. `path` and `version` may be null.
[[nodiscard]] row* claim(const char* path, const char* version) noexcept;

// ibid works with this libcrypto. Null is allowed, here and below.
void set_helped(row* r) noexcept;

// Where its certificates are. `a` must stay valid and must not change.
void set_anchor(row* r, const certificates_anchor* a) noexcept;

// ibid is permanently disabled for it: the reason, in a few words for a person. A long text is cut.
void set_reason(row* r, const char* text) noexcept;

// The same for a process without a libcrypto.
void set_reason(const char* text) noexcept;

// Adds the new counts of a row to the sums of `ibid run --stats`; if a process is killed, unpublished counts
// are missing. Costs one comparison without --stats, and about 0.1 us with it. At exit all rows are published
// automatically.
void publish(row* r) noexcept;
void publish_all() noexcept;

// In a forked child that has forgotten the parent's entries: gauges of this block begin at 0.
void count_from_here(counter_block& block) noexcept;

} // namespace ibid::shared_statistics
