// SPDX-License-Identifier: Apache-2.0
//
// A program forks while another thread does the first lookup in the process. One-time initialization (the
// kernel's features, the hash's secret) must not stay incomplete in the child. A separate program, because a
// process has only one first lookup.
#include <atomic>
#include <string>
#include <thread>

#include <time.h>

#include <gtest/gtest.h>

#include "ibid/cache.h"
#include "support/in_child.h"

namespace ibid {
namespace {

using ibid::testing::in_child;

// In a process without a lookup so far.
[[nodiscard]] int fork_at_first_lookup(long nanoseconds_later) {
    cache<std::string, std::string> c;
    std::atomic<bool> begun{false};
    std::thread other([&] {
        begun = true;
        (void)c.intern("a", [] { return "a"; });
    });
    while (!begun) {
    }
    const timespec later{0, nanoseconds_later};
    nanosleep(&later, nullptr);
    c.lock_for_fork();
    const int status = in_child(
        [&] {
            c.forget_other_threads();
            c.unlock_after_fork();
            return *c.intern("b", [] { return "b"; }) == "b" ? 0 : 1;
        },
        20);
    c.unlock_after_fork();
    other.join();
    return status;
}

TEST(first_lookup, of_another_thread_leaves_nothing_held_in_a_forked_child) {
#if defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "ThreadSanitizer ends a child that starts threads";
#endif
    for (const long later : {0L, 200'000L, 1'000'000L, 3'000'000L}) {
        EXPECT_EQ(in_child([&] { return fork_at_first_lookup(later); }), 0) << later << " ns after it began";
    }
}

} // namespace
} // namespace ibid
