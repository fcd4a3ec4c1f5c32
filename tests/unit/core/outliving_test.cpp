// SPDX-License-Identifier: Apache-2.0
//
// Handles outlive caches. Destroying a cache ends the values that only the cache held.
#include <functional>
#include <memory>
#include <memory_resource>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ibid/cache.h"
#include "ibid/weak.h"
#include "support/counting_memory.h"
#include "support/crew.h"
#include "support/gate.h"
#include "support/in_child.h"
#include "support/tracked_value.h"

namespace ibid {
namespace {

using namespace ibid::testing;

class outliving : public ::testing::Test {
protected:
    outliving() { clear_books(); }
    std::unique_ptr<probe_cache> cache_ = std::make_unique<probe_cache>();
};

TEST_F(outliving, handles_stay_valid_and_end_their_values_as_ever) {
    handle<tracked_value> a = intern(*cache_, 1);
    handle<tracked_value> b = intern(*cache_, 2);
    cache_.reset();
    EXPECT_EQ(a->key(), 1);
    handle<tracked_value> c = a;
    EXPECT_EQ(a, c);
    a.reset();
    EXPECT_EQ(alive(1), 1U);
    c.reset();
    EXPECT_EQ(alive(1), 0U);
    EXPECT_EQ(b->key(), 2);
    b.reset();
    EXPECT_EQ(alive(2), 0U);
}

TEST_F(outliving, a_cache_that_goes_ends_what_it_retained_and_pinned) {
    cache_->retain({.bytes = 1 << 20, .entries = 100});
    for (int k = 0; k < 50; ++k) {
        (void)intern(*cache_, k);
    }
    cache_->pin(intern(*cache_, 50));
    const handle<tracked_value> held_on = intern(*cache_, 51);
    cache_.reset();
    for (int k = 0; k <= 50; ++k) {
        EXPECT_EQ(alive(k), 0U) << k;
    }
    EXPECT_EQ(alive(51), 1U);
}

TEST_F(outliving, a_destructor_that_interns_while_the_cache_goes_leaves_nothing_behind) {
    cache_->retain({.bytes = 1 << 20, .entries = 100});
    for (int k = 0; k < 40; ++k) {
        (void)intern(*cache_, k);
    }
    cache_->pin(intern(*cache_, 40));
    probe_cache* const going = cache_.get();
    const with_hook at_end(on_death, [&](int key) {
        if (key < 100) {
            (void)intern(*going, key + 100);
            going->pin(intern(*going, key + 200));
        }
    });
    cache_.reset();
    for (int k = 0; k < 300; ++k) {
        EXPECT_EQ(alive(k), 0U) << k;
    }
}

TEST(outliving_memory, all_of_it_comes_back_with_the_last_handle) {
    clear_books();
    counting_memory memory;
    using pmr_cache = cache<probe_key, tracked_value, key_beside, probe_hash, probe_equal,
                            std::pmr::polymorphic_allocator<std::byte>>;
    handle<tracked_value> last;
    {
        pmr_cache c({.retain = {.bytes = 1 << 20, .entries = 100}, .allocator = &memory});
        for (int k = 0; k < 500; ++k) {
            last = c.intern(probe_key{k}, [&] { return tracked_value(k); });
        }
    }
    EXPECT_GT(memory.bytes_out(), 0U);
    last.reset();
    EXPECT_EQ(memory.bytes_out(), 0U);
}

TEST(outliving_memory, of_an_empty_cache_comes_back_with_it) {
    counting_memory memory;
    using pmr_cache =
        cache<int, int, key_beside, hash<int>, equal, std::pmr::polymorphic_allocator<std::byte>>;
    { const pmr_cache c({.allocator = &memory}); }
    EXPECT_EQ(memory.bytes_out(), 0U);
}

TEST(outliving_race, drops_while_the_cache_goes_end_each_value_once) {
    clear_books();
    crew threads(3);
    constexpr int keys = 24;
    for (int round = 0; round < 300; ++round) {
        auto c = std::make_unique<probe_cache>();
        std::vector<held> of_a;
        std::vector<held> of_b;
        for (int k = 0; k < keys; ++k) {
            of_a.emplace_back(intern(*c, k));
            if (k % 2 == 0) {
                of_b.push_back(of_a.back());
            }
        }
        threads.run([&](std::size_t i) {
            if (i == 0) {
                c.reset();
            } else {
                (i == 1 ? of_a : of_b).clear();
            }
        });
        for (int k = 0; k < keys; ++k) {
            ASSERT_EQ(alive(k), 0U);
        }
    }
}

TEST(outliving_race, a_value_that_is_ending_while_its_cache_goes_ends_in_peace) {
    // The value's destructor has begun; then the cache is destroyed; then the destructor continues.
    clear_books();
    auto c = std::make_unique<probe_cache>();
    handle<tracked_value> h = intern(*c, 1);
    gate ending;
    gate go_on;
    const with_hook at_end(on_death, [&](int) {
        ending.open();
        go_on.pass();
    });
    std::thread dropper([&] { h.reset(); });
    ending.pass();
    c.reset();
    go_on.open();
    dropper.join();
    EXPECT_EQ(alive(1), 0U);
}

// If several threads read, a thread that ends an entry keeps the table alive by a pin in its own record. This
// thread and the dropping thread read; the value's destructor runs while the pin exists.
struct telling_hash { // so that there are readers
    using is_keyed = void;
    std::uint64_t operator()(const probe_key& k) const { return ibid::hash<int>()(k.id); }
};

class table_pin : public ::testing::Test {
protected:
    using pmr_cache = cache<probe_key, tracked_value, key_beside, telling_hash, probe_equal,
                            std::pmr::polymorphic_allocator<std::byte>>;

    table_pin() {
        clear_books();
        (void)made(100);
    }

    [[nodiscard]] handle<tracked_value> made(int key) {
        return cache_->intern(probe_key{key}, [&] { return tracked_value(key); });
    }
    // On a thread that has read: drops a value whose destructor calls `in_the_middle(key)`.
    void drop_one(int key, const std::function<void(int)>& in_the_middle) {
        const with_hook at_end(on_death, in_the_middle);
        std::thread([&] { made(key).reset(); }).join();
    }
    void end_of_cache() { cache_.reset(); }

    counting_memory memory_;
    std::unique_ptr<pmr_cache> cache_ =
        std::make_unique<pmr_cache>(pmr_cache::options{.allocator = &memory_});
};

TEST_F(table_pin, keep_the_table_until_they_are_taken) {
    gate go_on;
    gate ending;
    std::thread closer([&] {
        ending.pass();
        end_of_cache();
        EXPECT_GT(memory_.bytes_out(), 0U);
        go_on.open();
    });
    drop_one(1, [&](int) {
        ending.open();
        go_on.pass();
    });
    closer.join();
    EXPECT_EQ(alive(1), 0U);
    EXPECT_EQ(memory_.bytes_out(), 0U);
}

TEST_F(table_pin, may_be_those_of_the_cache) {
    drop_one(1, [&](int) {
        end_of_cache();
        EXPECT_GT(memory_.bytes_out(), 0U);
    });
    EXPECT_EQ(memory_.bytes_out(), 0U);
}

TEST_F(table_pin, of_one_value_may_lead_to_those_of_others) {
    for (const bool before : {true, false}) {
        if (cache_ == nullptr) {
            cache_ = std::make_unique<pmr_cache>(pmr_cache::options{.allocator = &memory_});
            (void)made(100);
        }
        std::vector<handle<tracked_value>> others;
        for (int k = 10; k < 20; ++k) {
            others.push_back(made(k));
        }
        drop_one(1, [&](int key) {
            if (key != 1) {
                return;
            }
            if (before) {
                end_of_cache();
            }
            others.clear();
            if (!before) {
                end_of_cache();
            }
            EXPECT_GT(memory_.bytes_out(), 0U);
        });
        EXPECT_EQ(memory_.bytes_out(), 0U);
        for (int k = 10; k < 20; ++k) {
            EXPECT_EQ(alive(k), 0U);
        }
    }
}

TEST_F(table_pin, may_begin_in_a_cache_that_has_gone) {
    handle<tracked_value> h = made(1);
    std::thread([&] {
        (void)made(2);
        end_of_cache();
        h.reset();
    }).join();
    EXPECT_EQ(memory_.bytes_out(), 0U);
}

TEST_F(table_pin, leave_what_weak_references_hold) {
    handle<tracked_value> h = made(1);
    std::optional<weak<tracked_value>> w(std::in_place, h);
    std::thread([&, h = std::move(h)]() mutable {
        (void)made(2);
        h.reset();
    }).join();
    EXPECT_FALSE(w->lock());
    end_of_cache();
    EXPECT_GT(memory_.bytes_out(), 0U);
    w.reset();
    EXPECT_EQ(memory_.bytes_out(), 0U);
}

#if !defined(_WIN32)
TEST_F(table_pin, of_a_thread_that_a_fork_leaves_behind_keep_nothing) {
    gate go_on;
    gate ending;
    std::thread forker([&] {
        ending.pass();
        cache_->lock_for_fork();
        const int leak = in_child([&] {
            cache_->forget_other_threads();
            cache_->unlock_after_fork();
            end_of_cache();
            return memory_.bytes_out() < 256 ? 0
                                             : 1; // the entry itself, to which nothing in the child refers
        });
        cache_->unlock_after_fork();
        EXPECT_EQ(leak, 0);
        go_on.open();
    });
    drop_one(1, [&](int) {
        ending.open();
        go_on.pass();
    });
    forker.join();
    end_of_cache();
    EXPECT_EQ(memory_.bytes_out(), 0U);
}
#endif

} // namespace
} // namespace ibid
