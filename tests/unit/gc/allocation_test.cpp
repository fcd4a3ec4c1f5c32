// SPDX-License-Identifier: Apache-2.0
//
// The collector's memory or the heap runs out: the caller gets bad_alloc, and the handle that it passed is
// unchanged.
#include <cstddef>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "../pool/failing_new.h"
#include "collected.h"
#include "ibid/cache.h"
#include "ibid/gc.h"

namespace {

using ibid_test::by_accident;
using ibid_test::collect;
using ibid_test::elsewhere;
using ibid_test::failed;
using ibid_test::until_failure;

using table = ibid::cache<int, std::string>;
using name = ibid::gc::active<std::string>;

TEST(token, that_finds_no_memory_for_its_slot_says_so_and_takes_nothing) {
    table c;
    ibid::handle<std::string> h = c.intern(1, [] { return "v"; });
    bool more = true;
    for (int n = 0; more; ++n) {
        ASSERT_LT(n, 100);
        elsewhere([&] {
            std::vector<name>
                held; // so that a new page of slots is needed; on this thread's heap, and not for long
            held.reserve(2000);
            until_failure = n;
            try {
                for (int i = 0; i < 1000; ++i) {
                    ibid::handle<std::string> copy = h;
                    held.push_back(name(std::move(copy)));
                }
            } catch (const std::bad_alloc&) {
                EXPECT_TRUE(failed);
            }
            until_failure = -1;
            more = failed;
        });
        collect();
        ASSERT_EQ(c.statistics().entries, 1u);
    }
    // All references are known: those of tokens that false pointers keep, and ours.
    EXPECT_LE(ibid::gc::statistics().tokens, by_accident);
    const bool accidents = ibid::gc::statistics().tokens != 0;
    h.reset();
    EXPECT_EQ(c.statistics().entries, accidents ? 1u : 0u);
}

TEST(token, that_the_collector_refuses_memory_says_so_and_takes_nothing) {
    table c;
    ibid::handle<std::string> h = c.intern(1, [] { return "v"; });
    GC_set_max_heap_size(GC_get_heap_size());
    GC_disable(); // otherwise it would find some
    bool refused = false;
    elsewhere([&] {
        for (int i = 0; i < 10'000'000 && !refused; ++i) {
            ibid::handle<std::string> copy = h;
            try {
                (void)name(std::move(copy));
            } catch (const std::bad_alloc&) {
                refused = true;
                EXPECT_EQ(copy, h) << "the owner keeps what it had"; // NOLINT(bugprone-use-after-move)
            }
        }
    });
    EXPECT_TRUE(refused);
    GC_enable();
    GC_set_max_heap_size(0);
    collect();
    elsewhere([&] { EXPECT_EQ(*ibid::gc::make_active(h), "v"); });
    collect();
    EXPECT_LE(ibid::gc::statistics().tokens, 2 * by_accident);
}

} // namespace
