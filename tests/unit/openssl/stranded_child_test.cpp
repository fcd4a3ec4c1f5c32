// SPDX-License-Identifier: Apache-2.0
//
// A child made by _Fork(), without ibid's fork handlers, while another thread held a lock of ibid; and a
// signal handler that interrupted a thread that held one. Neither waits for the lock.
#include "openssl/binding/stranded_child.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "a_cache.h"
#include "openssl/binding/unwaited_mutex.h"
#include "support/gate.h"

namespace ibid::openssl {
namespace {

using namespace ibid::test;
using testing::gate;

// Exit status of a child for which no fork handler runs; or minus the signal that ended it.
template <class F>
[[nodiscard]] int in_untold_child(F f) {
    const pid_t child = _Fork();
    if (child == 0) {
        alarm(20);
        _exit(f());
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) {
        return -1000;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

gate* stopped = nullptr;
gate* go_on = nullptr;
thread_local bool stops = false;

// A cache counts a reference under the lock of the certificate's shard.
int stop_under_lock(X509* x) {
    if (stops) {
        stopped->open();
        go_on->pass();
    }
    return X509_up_ref(x);
}

class StrandedChild : public ::testing::Test {
protected:
    static void SetUpTestSuite() {
        stranded_child::prepare();
        if (stranded_child::mark == nullptr) {
            GTEST_SKIP() << "this system cannot wipe a page in children (MADV_WIPEONFORK)";
        }
    }
};

TEST_F(StrandedChild, SharesNothingAndWaitsForNoLockOfTheTable) {
    static functions f = linked_functions();
    f.X509_up_ref = &stop_under_lock;
    static auto& cache = *new certificate_cache(f, {}); // never destroyed
    cache.retain({.bytes = 1 << 20, .entries = 16});
    const authority root = make_authority("root");
    const bytes der = der_of(make_certificate("leaf", root.key.get(), &root, false).get());
    const x509_ptr first = parse_in(cache, der);
    x509_ptr last = parse_in(cache, der_of(make_certificate("last", root.key.get(), &root, false).get()));
    ASSERT_EQ(parse_in(cache, der), first);
    gate reached;
    gate leave;
    stopped = &reached;
    go_on = &leave;
    std::thread other([&] {
        stops = true;
        EXPECT_EQ(parse_in(cache, der), first);
    });
    reached.pass();
    EXPECT_FALSE(is_stranded());
    EXPECT_EQ(in_untold_child([&] {
                  if (!is_stranded()) {
                      return 1;
                  }
                  const x509_ptr own = parse_in(cache, der);
                  if (own == nullptr || own == first) {
                      return 2;
                  }
                  last.reset(); // its entry ends with it
                  (void)cache.detach(first.get());
                  cache.protect(first.get());
                  cache.trim();
                  cache.forget_all_parsed();
                  cache.stop();
                  return cache.verify(first.get(), root.key.get()) == 1 ? 0 : 3;
              }),
              0);
    leave.open();
    other.join();
    EXPECT_EQ(parse_in(cache, der), first) << "in the parent";
}

TEST_F(StrandedChild, HasNoLockThatAnotherThreadHeld) {
    unwaited_mutex m;
    gate reached;
    gate leave;
    std::thread other([&] {
        const unwaited_lock lock(m);
        EXPECT_TRUE(lock);
        reached.open();
        leave.pass();
    });
    reached.pass();
    EXPECT_EQ(in_untold_child([&] { return unwaited_lock(m) ? 1 : 0; }), 0);
    leave.open();
    other.join();
    EXPECT_TRUE(unwaited_lock(m));
}

TEST_F(StrandedChild, IsNoneThatIbidWasToldOf) {
    static unwaited_mutex any;
    { const unwaited_lock marks(any); }
    EXPECT_EQ(in_untold_child([] {
                  stranded_child::forget();
                  // And the page is marked again.
                  unwaited_mutex m;
                  return unwaited_lock(m) && in_untold_child([] { return is_stranded() ? 5 : 0; }) == 5 ? 0
                                                                                                        : 1;
              }),
              0);
}

std::atomic<int> handled{0};
unwaited_mutex* interrupted = nullptr;

TEST(UnwaitedMutex, IsNotWaitedForByAHandlerThatInterruptedItsHolder) {
    static unwaited_mutex m;
    static unwaited_mutex another;
    interrupted = &m;
    struct sigaction action {};
    action.sa_handler = [](int) { handled = unwaited_lock(*interrupted) || unwaited_lock(another) ? 1 : 2; };
    ASSERT_EQ(sigaction(SIGUSR1, &action, nullptr), 0);
    {
        const unwaited_lock lock(m);
        ASSERT_TRUE(lock);
        ASSERT_EQ(raise(SIGUSR1), 0);
    }
    EXPECT_EQ(handled, 2);
    EXPECT_TRUE(unwaited_lock(m));
}

} // namespace
} // namespace ibid::openssl
