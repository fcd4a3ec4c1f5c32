// SPDX-License-Identifier: Apache-2.0
//
// How a process publishes its counters, so that `ibid run --stats`, `ibid stat` and `ibid top` can read them from outside.
//
// Law: this runs inside somebody else's program. It keeps no file descriptor open, starts no thread, throws nothing,
// allocates nothing and leaves errno as it was. A slot's address stays the same through fork, so that whoever counts
// into it never has to look again. All functions may be called before main and after exit began; claim and
// claim_after_fork by one thread at a time.
//
//     static slot* s = claim(std::getenv("IBID_STATISTICS"));       // in the constructor; nullptr: count privately
//     pthread_atfork(nullptr, nullptr, [] { s = claim_after_fork(s); });
//     if (s) set_helped(s);
//     if (s) (*s)[kind::certificates][stripe].hits.fetch_add(1, std::memory_order_relaxed);
#pragma once

#include "statistics/layout.h"

namespace ibid::shared_statistics {

// Claims a slot for this process in the region at `path`. Without a path, or when the region cannot be opened (another
// user's, another root directory, its owner has ended), makes a private region of one slot. Returns nullptr when that fails
// too (no memfd, no memory), or when the region at `path` has no slot left.
[[nodiscard]] slot* claim(const char* path) noexcept;

// In the child of a fork: gives it a slot of its own, at the address of its parent's. What the cache holds was inherited,
// so the gauges (entries, retained) begin as the parent's were; what happened to the parent did not happen to the child, so
// the event counters begin at zero. Without a free slot the child's counters stay private to it. Null in, null out.
slot* claim_after_fork(slot* parents) noexcept;

// The process met an OpenSSL 3 that ibid can help with.
void set_helped(slot* s) noexcept;

// Why it is not helped, in a few words for a person. Longer text is cut.
void set_reason(slot* s, const char* text) noexcept;

// The process ends. The figures stay readable; the slot may be given to another process later, its figures being added to
// the region's sums first. Null is allowed.
void mark_exited(slot* s) noexcept;

} // namespace ibid::shared_statistics
