// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "ibid/atomic_handle.h"
#include "support/tracked_value.h"

namespace ibid {
namespace {

using namespace ibid::testing;

constinit atomic_handle<tracked_value> global; // needs no code before main()

class published : public ::testing::Test {
protected:
    published() { clear_books(); }
    [[nodiscard]] handle<tracked_value> make(int key) { return intern(cache_, key); }
    probe_cache cache_;
};

TEST_F(published, handles_are_loaded_while_others_are_stored) {
    EXPECT_EQ(global.load(), nullptr);
    global = make(1);
    const handle<tracked_value> first = global;
    EXPECT_EQ(first->key(), 1);
    global.store(make(2));
    EXPECT_EQ(global.load()->key(), 2);
    EXPECT_EQ(first->key(), 1);
    global = nullptr;
    EXPECT_FALSE(global.load());
    EXPECT_EQ(alive(2), 0U);
}

TEST_F(published, values_end_when_they_are_replaced_and_nobody_holds_them) {
    std::optional<atomic_handle<tracked_value>> current(make(1));
    EXPECT_EQ(alive(1), 1U) << "the object is the only holder";
    current->store(make(2));
    EXPECT_EQ(alive(1), 0U);
    auto held = current->load();
    current->store(make(3));
    EXPECT_EQ(alive(2), 1U);
    held.reset();
    EXPECT_EQ(alive(2), 0U);
    current.reset();
    EXPECT_EQ(alive(3), 0U);
}

TEST_F(published, handles_are_exchanged) {
    atomic_handle<tracked_value> current;
    EXPECT_EQ(current.exchange(make(1)), nullptr);
    auto before = current.exchange(make(2));
    EXPECT_EQ(before->key(), 1);
    EXPECT_EQ(alive(1), 1U);
    before.reset();
    EXPECT_EQ(alive(1), 0U);
    EXPECT_EQ(current.exchange(nullptr)->key(), 2);
    EXPECT_EQ(alive(2), 0U);
}

TEST_F(published, handles_are_replaced_only_by_who_knows_them) {
    atomic_handle<tracked_value> current(make(1));
    handle<tracked_value> expected;
    EXPECT_FALSE(current.compare_exchange_strong(expected, make(2)));
    EXPECT_EQ(expected->key(), 1) << "what is stored instead";
    EXPECT_EQ(alive(2), 0U);
    EXPECT_TRUE(current.compare_exchange_weak(expected, make(2)));
    EXPECT_EQ(expected->key(), 1);
    EXPECT_FALSE(current.compare_exchange_strong(expected, nullptr));
    EXPECT_EQ(alive(1), 0U);
    EXPECT_TRUE(current.compare_exchange_strong(expected, nullptr));
    expected.reset();
    EXPECT_EQ(alive(2), 0U);
    EXPECT_TRUE(current.compare_exchange_strong(expected, make(3)));
    EXPECT_EQ(current.load()->key(), 3);
}

TEST_F(published, handles_can_be_loaded_as_often_as_anybody_wants) {
    atomic_handle<tracked_value> current(make(1));
    std::vector<handle<tracked_value>> held;
    for (int i = 0; i < 10000; ++i) {
        held.push_back(current.load());
        ASSERT_EQ(held.back(), held.front());
    }
    for (int i = 0; i < 1000; ++i) {
        current.store(held[0]); // the same value again
        held.push_back(current.load());
    }
    current.store(nullptr);
    EXPECT_EQ(alive(1), 1U);
    held.clear();
    EXPECT_EQ(alive(1), 0U);
}

TEST_F(published, handles_of_hot_values_end_them_too) {
    handle<tracked_value> h = make(1);
    atomic_handle<tracked_value> current(h);
    make_hot(h);                  // only while there is a central reference: the object has one
    h = handle<tracked_value>(h); // counted in the stripes
    std::vector<handle<tracked_value>> held;
    for (int i = 0; i < 1000; ++i) {
        held.push_back(current.load());
        held.push_back(h);
    }
    current.store(h);
    h.reset();
    held.clear();
    EXPECT_EQ(current.load()->key(), 1);
    current.store(nullptr);
    EXPECT_EQ(alive(1), 0U);
}

TEST_F(published, handles_outlive_the_cache) {
    atomic_handle<tracked_value> current;
    {
        probe_cache shorter;
        current = intern(shorter, 1);
    }
    EXPECT_EQ(current.load()->key(), 1);
    current = nullptr;
    EXPECT_EQ(alive(1), 0U);
}

TEST_F(published, handles_are_waited_for) {
    atomic_handle<tracked_value> current(make(1));
    std::thread reader([&] {
        current.wait(make(1));
        EXPECT_EQ(current.load()->key(), 2);
    });
    for (int i = 0; i < 300; ++i) { // loads change the word but not the handle that it contains
        EXPECT_EQ(current.load()->key(), 1);
    }
    current.store(make(2));
    current.notify_all();
    reader.join();
}

} // namespace
} // namespace ibid
