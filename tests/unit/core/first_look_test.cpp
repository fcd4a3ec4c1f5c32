// SPDX-License-Identifier: Apache-2.0
//
// A program forks while another of its threads looks something up for the first time in the process: what is found out once, about
// the kernel and for the hash, must not be left half found out in the child. A program of its own, as there is one first time.
#include <atomic>
#include <string>
#include <thread>

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "ibid/cache.h"

namespace ibid {
namespace {

constexpr int hung = 3;

[[nodiscard]] int status_of(pid_t child) {
    int status = -1;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : hung;
}

// In a process that has looked nothing up so far.
[[nodiscard]] int fork_at_the_first_look(long nanoseconds_later) {
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
    const pid_t child = fork();
    if (child == 0) {
        c.forget_other_threads();
        c.unlock_after_fork();
        alarm(20);
        _exit(*c.intern("b", [] { return "b"; }) == "b" ? 0 : 1);
    }
    c.unlock_after_fork();
    other.join();
    return status_of(child);
}

TEST(the_first_look, of_another_thread_leaves_nothing_held_in_a_forked_child) {
#if defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "ThreadSanitizer ends a child that starts threads";
#endif
    for (const long later : {0L, 200'000L, 1'000'000L, 3'000'000L}) {
        const pid_t fresh = fork();
        if (fresh == 0) {
            _exit(fork_at_the_first_look(later));
        }
        EXPECT_EQ(status_of(fresh), 0) << later << " ns after it began";
    }
}

} // namespace
} // namespace ibid
