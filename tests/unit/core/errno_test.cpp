// SPDX-License-Identifier: Apache-2.0
//
// Calls preserve errno even if they had to wait, as a mutex and free() do: a program may drop a handle
// between a failed system call and its check of errno.
#include <atomic>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

#include "ibid/detail/base/spinning_mutex.h"
#include "support/gate.h"
#include "support/tracked_value.h"

namespace ibid {
namespace {

using namespace ibid::testing;

// How often that thread of this process has gone to sleep. (Yields are counted separately.)
[[nodiscard]] long sleeps_of(pid_t thread) {
    std::ifstream status("/proc/self/task/" + std::to_string(thread) + "/status");
    for (std::string word; status >> word;) {
        if (word == "voluntary_ctxt_switches:") {
            long n = 0;
            status >> n;
            return n;
        }
    }
    return 0;
}

// Runs `waits` on a separate thread, interrupts its sleep once by a signal, and calls `ends_the_wait`.
// Returns errno as it was afterwards.
template <class Waits, class Ends>
[[nodiscard]] int errno_after(Waits waits, Ends ends_the_wait) {
    struct sigaction nothing {};
    nothing.sa_handler = [](int) {}; // and without SA_RESTART
    struct sigaction former {};
    ::sigaction(SIGUSR1, &nothing, &former);
    std::atomic<pid_t> thread{0};
    long sleeps = 0;
    int after = 0;
    std::thread other([&] {
        sleeps = sleeps_of(::gettid());
        thread = ::gettid();
        errno = ECONNRESET;
        waits();
        after = errno;
    });
    const auto slept_again = [&] { return thread != 0 && sleeps_of(thread) > sleeps; };
    give_way_until(slept_again);
    sleeps = sleeps_of(thread);
    ::pthread_kill(other.native_handle(), SIGUSR1);
    give_way_until(slept_again);
    ends_the_wait();
    other.join();
    ::sigaction(SIGUSR1, &former, nullptr);
    return after;
}

TEST(errno_of_the_caller, stays_where_a_lock_was_waited_for) {
    detail::spinning_mutex m;
    m.lock();
    const auto waits = [&] {
        m.lock();
        m.unlock();
    };
    EXPECT_EQ(errno_after(waits, [&] { m.unlock(); }), ECONNRESET);
}

TEST(errno_of_the_caller, stays_where_a_make_of_another_thread_was_waited_for) {
    clear_books();
    probe_cache c;
    gate begun;
    gate made;
    handle<tracked_value> h;
    std::thread leader([&] {
        h = c.intern(probe_key{1}, [&] {
            begun.open();
            made.pass();
            return tracked_value(1);
        });
    });
    begun.pass();
    EXPECT_EQ(errno_after([&] { (void)intern(c, 1); }, [&] { made.open(); }), ECONNRESET);
    leader.join();
}

} // namespace
} // namespace ibid
