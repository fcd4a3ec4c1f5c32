// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <memory_resource>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include "ibid/cache.h"
#include "ibid/weak.h"
#include "support/counting_memory.h"
#include "support/gate.h"
#include "support/tracked_value.h"

namespace ibid {
namespace {

using namespace ibid::testing;

class weak_references : public ::testing::Test {
protected:
    weak_references() { clear_books(); }
    probe_cache cache_;
};

TEST_F(weak_references, give_a_handle_while_another_lives) {
    const handle<tracked_value> h = intern(cache_, 1);
    const weak<tracked_value> w(h);
    EXPECT_FALSE(w.expired());
    EXPECT_EQ(w.lock(), h);
}

TEST_F(weak_references, give_nothing_after_the_last_handle) {
    handle<tracked_value> h = intern(cache_, 1);
    const weak<tracked_value> w(h);
    handle<tracked_value> locked = w.lock();
    h.reset();
    EXPECT_EQ(w.lock(), locked) << "a locked weak reference is a normal handle";
    locked.reset();
    EXPECT_EQ(alive(1), 0U) << "a weak reference does not keep the value";
    EXPECT_TRUE(w.expired());
    EXPECT_FALSE(w.lock());
}

TEST_F(weak_references, do_not_follow_their_key_to_a_new_value) {
    handle<tracked_value> h = intern(cache_, 1);
    const weak<tracked_value> w(h);
    h.reset();
    h = intern(cache_, 1);
    EXPECT_FALSE(w.lock());
}

TEST_F(weak_references, that_are_empty_have_expired) {
    const weak<tracked_value> none;
    EXPECT_TRUE(none.expired());
    EXPECT_FALSE(none.lock());
    EXPECT_FALSE(weak<tracked_value>(handle<tracked_value>()).lock());
}

TEST_F(weak_references, are_copied_moved_and_assigned) {
    const handle<tracked_value> h = intern(cache_, 1);
    weak<tracked_value> a(h);
    weak<tracked_value> b = a;
    weak<tracked_value> c = std::move(a);
    EXPECT_FALSE(a.lock()); // NOLINT(bugprone-use-after-move)
    a = c;
    weak<tracked_value>& same = a;
    a = same;
    EXPECT_EQ(a.lock(), h);
    b = {};
    c = std::move(a);
    EXPECT_EQ(c.lock(), h);
}

TEST_F(weak_references, give_nothing_from_the_moment_the_end_began) {
    handle<tracked_value> h = intern(cache_, 1);
    const weak<tracked_value> w(h);
    gate ending;
    gate go_on;
    const with_hook at_end(on_death, [&](int) {
        ending.open();
        go_on.pass();
    });
    std::thread dropper([&] { h.reset(); });
    ending.pass(); // the destructor runs, and waits for us
    EXPECT_FALSE(w.lock());
    EXPECT_TRUE(w.expired());
    go_on.open();
    dropper.join();
    EXPECT_FALSE(w.lock());
}

TEST_F(weak_references, outlive_the_cache_and_the_value) {
    auto short_lived = std::make_unique<probe_cache>();
    handle<tracked_value> h = intern(*short_lived, 1);
    const weak<tracked_value> w(h);
    short_lived.reset();
    EXPECT_EQ(w.lock(), h);
    h.reset();
    EXPECT_FALSE(w.lock());
}

TEST_F(weak_references, lock_what_only_the_budget_keeps) {
    cache_.retain({.bytes = 1 << 20, .entries = 4});
    handle<tracked_value> h = intern(cache_, 1);
    const weak<tracked_value> w(h);
    h.reset();
    EXPECT_TRUE(w.lock());
    cache_.trim();
    EXPECT_FALSE(w.lock());
}

TEST(weak_reference_memory, is_given_back_with_the_last_reference_of_either_kind) {
    clear_books();
    counting_memory memory;
    using pmr_cache = cache<probe_key, tracked_value, key_beside, probe_hash, probe_equal,
                            std::pmr::polymorphic_allocator<std::byte>>;
    weak<tracked_value> w;
    {
        pmr_cache c({.allocator = &memory});
        const handle<tracked_value> h = c.intern(probe_key{1}, [] { return tracked_value(1); });
        w = weak<tracked_value>(h);
    }
    EXPECT_EQ(alive(1), 0U);
    EXPECT_GT(memory.bytes_out(), 0U) << "the weak reference reads the entry's block";
    w = {};
    EXPECT_EQ(memory.bytes_out(), 0U);
}

} // namespace
} // namespace ibid
