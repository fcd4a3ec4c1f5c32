// SPDX-License-Identifier: Apache-2.0
//
// The collector's first call in this program comes from here, and not from the main thread.
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include "ibid/gc.h"
#include "ibid/intern.h"

namespace {

TEST(collector, is_set_up_by_the_main_thread_and_by_no_other) {
    std::thread([] {
        EXPECT_THROW(ibid::gc::start(), ibid::gc::unregistered_thread);
        EXPECT_THROW(ibid::gc::thread(), ibid::gc::unregistered_thread);
        EXPECT_THROW((void)ibid::gc::make_active(ibid::intern(1)), ibid::gc::unregistered_thread);
        EXPECT_THROW(ibid::gc::traced<int>(std::in_place, 1), ibid::gc::unregistered_thread);
    }).join();
    EXPECT_EQ(GC_is_init_called(), 0);
    EXPECT_EQ(*ibid::gc::make_active(ibid::intern(1)), 1); // the first token on the main thread sets it up
    std::thread([] {
        const ibid::gc::thread known;
        EXPECT_EQ(*ibid::gc::make_active(ibid::intern(2)), 2);
        EXPECT_EQ(*ibid::gc::traced<int>(std::in_place, 3), 3);
    }).join();
    std::thread([] {
        EXPECT_THROW(ibid::gc::traced<int>(std::in_place, 4), ibid::gc::unregistered_thread);
    }).join();
    GC_gcollect();
}

} // namespace
