// SPDX-License-Identifier: Apache-2.0
//
// malloc fails for a thread's own cache: the thread's objects go to the central free lists.
#include <array>
#include <cstddef>
#include <thread>

#include <gtest/gtest.h>

#include "ibid/pool.h"
#include "support/failing_malloc.h"
#include "tracked.h"

namespace {

using ibid::testing::fail_malloc;
using ibid_test::life_counts;
using ibid_test::make_tracked;
using ibid_test::tracked;

TEST(loan, returns_its_object_even_when_the_thread_has_no_memory_for_its_cache) {
    // Their numbers come before that of the pool below, so that it needs a longer table.
    std::array<ibid::pool<int>, 8> others;
    bool more = true;
    std::size_t n = 0;
    for (; more; ++n) {
        life_counts l;
        {
            ibid::pool<tracked> p(make_tracked(l));
            ibid::loan<tracked> a;
            std::thread([&] { a = p.take(); }).join(); // so that the cache is first needed at the return
            std::thread([&] {
                (void)others[0]
                    .take(); // glibc ends a process that has no memory to register a thread-exit function
                {
                    const fail_malloc failing(n);
                    a.end();
                    more = failing.failed();
                }
                EXPECT_EQ(p.statistics().idle, 1U);
            }).join();
            EXPECT_EQ(p.take()->number, 0);
        }
        EXPECT_EQ(l.alive(), 0);
    }
    EXPECT_GE(n, 3U) << "an array, a cache, and then nothing fails";
}

} // namespace
