// SPDX-License-Identifier: Apache-2.0
//
// A make that needs its own key, directly or through other threads, gets recursive_make; no thread waits for
// ever.
#include <thread>

#include <gtest/gtest.h>

#include "ibid/cache.h"
#include "support/gate.h"
#include "support/tracked_value.h"

namespace ibid {
namespace {

using namespace ibid::testing;

class recursion : public ::testing::Test {
protected:
    recursion() { clear_books(); }
    probe_cache cache_;
    probe_cache other_;
};

TEST_F(recursion, on_the_same_key_is_an_error_of_the_inner_call) {
    bool caught = false;
    const handle<tracked_value> h = cache_.intern(probe_key{1}, [&] {
        try {
            (void)intern(cache_, 1);
        } catch (const recursive_make& e) {
            caught = true;
            EXPECT_STRNE(e.what(), "");
        }
        return tracked_value(1);
    });
    EXPECT_TRUE(caught);
    EXPECT_EQ(born(1), 1U);
    EXPECT_EQ(cache_.find(probe_key{1}), h);
}

TEST_F(recursion, that_nobody_catches_leaves_no_trace) {
    EXPECT_THROW((void)cache_.intern(probe_key{1},
                                     [&] {
                                         (void)cache_.intern(probe_key{2}, [&] {
                                             (void)intern(cache_, 1);
                                             return tracked_value(2);
                                         });
                                         return tracked_value(1);
                                     }),
                 recursive_make);
    EXPECT_EQ(cache_.statistics().entries, 0U);
    EXPECT_EQ(intern(cache_, 1)->key(), 1);
    EXPECT_EQ(intern(cache_, 2)->key(), 2);
}

TEST_F(recursion, is_not_the_same_key_in_another_cache) {
    const handle<tracked_value> h = cache_.intern(probe_key{1}, [&] {
        (void)intern(other_, 1);
        return tracked_value(1);
    });
    EXPECT_EQ(h->key(), 1);
}

TEST_F(recursion, through_another_cache_is_an_error) {
    EXPECT_THROW((void)cache_.intern(probe_key{1},
                                     [&] {
                                         (void)other_.intern(probe_key{1}, [&] {
                                             (void)intern(cache_, 1);
                                             return tracked_value(1);
                                         });
                                         return tracked_value(1);
                                     }),
                 recursive_make);
}

TEST_F(recursion, is_not_an_error_of_find) {
    const handle<tracked_value> h = cache_.intern(probe_key{1}, [&] {
        EXPECT_FALSE(cache_.find(probe_key{1}));
        return tracked_value(1);
    });
    EXPECT_EQ(h->key(), 1);
}

// Thread i makes key i of cache[i] and, when all have begun, asks for the key of its neighbour. Without the
// check, each thread would wait for the next, in a cycle.
void a_ring_of(std::initializer_list<probe_cache*> caches) {
    const std::vector<probe_cache*> in(caches);
    const std::size_t n = in.size();
    tally in_make;
    std::atomic<int> errors{0};
    std::atomic<int> shared{0};
    std::vector<std::thread> ring;
    for (std::size_t i = 0; i < n; ++i) {
        ring.emplace_back([&, i] {
            const handle<tracked_value> mine = in[i]->intern(probe_key{static_cast<int>(i)}, [&] {
                in_make.add();
                in_make.wait_for(n);
                const std::size_t next = (i + 1) % n;
                try {
                    const handle<tracked_value> neighbour = intern(*in[next], static_cast<int>(next));
                    EXPECT_EQ(neighbour->key(), static_cast<int>(next));
                    ++shared;
                } catch (const recursive_make&) {
                    ++errors;
                }
                return tracked_value(static_cast<int>(i));
            });
            EXPECT_EQ(mine->key(), static_cast<int>(i));
        });
    }
    for (std::thread& t : ring) {
        t.join();
    }
    EXPECT_EQ(errors, 1) << "exactly the one whose wait would have closed the cycle";
    EXPECT_EQ(shared, static_cast<int>(n) - 1);
    for (std::size_t i = 0; i < n; ++i) {
        EXPECT_EQ(born(static_cast<int>(i)), 1U);
    }
}

TEST_F(recursion, across_two_threads_is_the_error_of_exactly_one) {
    for (int round = 0; round < 50; ++round) {
        clear_books();
        a_ring_of({&cache_, &cache_});
    }
}

TEST_F(recursion, across_two_caches_and_two_threads_is_the_error_of_exactly_one) {
    for (int round = 0; round < 50; ++round) {
        clear_books();
        a_ring_of({&cache_, &other_});
    }
}

TEST_F(recursion, around_a_ring_of_five_threads_is_the_error_of_exactly_one) {
    for (int round = 0; round < 20; ++round) {
        clear_books();
        a_ring_of({&cache_, &other_, &cache_, &cache_, &other_});
    }
}

TEST_F(recursion, that_two_threads_do_not_catch_ends_for_both_and_leaves_no_trace) {
    tally in_make;
    const auto ask = [&](int mine, int his) {
        EXPECT_THROW((void)cache_.intern(probe_key{mine},
                                         [&] {
                                             in_make.add();
                                             in_make.wait_for(2);
                                             (void)cache_.intern(probe_key{his}, [&] {
                                                 (void)intern(cache_, mine);
                                                 return tracked_value(his);
                                             });
                                             return tracked_value(mine);
                                         }),
                     recursive_make);
    };
    std::thread a([&] { ask(1, 2); });
    std::thread b([&] { ask(2, 1); });
    a.join();
    b.join();
    EXPECT_EQ(cache_.statistics().entries, 0U);
    EXPECT_EQ(alive(1) + alive(2), 0U);
}

TEST_F(recursion, is_not_seen_where_one_waits_for_another_who_waits_for_nobody) {
    gate made_three;
    tally compared;
    const with_hook at_equal(on_equal, [&](int key) {
        if (key == 3) {
            compared.add();
        }
    });
    std::thread other([&] {
        // While it makes 3, and before it makes 4, the main thread waits for 3 inside the make of 1.
        (void)cache_.intern(probe_key{3}, [&] {
            made_three.open();
            compared.wait_for(1);
            (void)intern(cache_, 4);
            return tracked_value(3);
        });
    });
    made_three.pass();
    const handle<tracked_value> h = cache_.intern(probe_key{1}, [&] {
        (void)intern(cache_, 3);
        (void)intern(cache_, 4);
        return tracked_value(1);
    });
    other.join();
    EXPECT_EQ(h->key(), 1);
}

TEST_F(recursion, is_not_remembered_from_a_wait_that_is_over) {
    // First the main thread waits for `other`; then `other` waits for the main thread. An edge left over from
    // the first wait would close a cycle that does not exist.
    tally compared;
    const with_hook at_equal(on_equal, [&](int) { compared.add(); });
    gate leads;
    gate second;
    gate second_leads;
    std::thread other([&] {
        (void)cache_.intern(probe_key{1}, [&] {
            leads.open();
            compared.wait_for(1);
            return tracked_value(1);
        });
        second.open();
        second_leads.pass();
        EXPECT_EQ(intern(cache_, 2)->key(), 2);
    });
    leads.pass();
    EXPECT_EQ(intern(cache_, 1)->key(), 1);
    second.pass();
    const std::size_t so_far = compared.count();
    (void)cache_.intern(probe_key{2}, [&] {
        second_leads.open();
        compared.wait_for(so_far + 1);
        return tracked_value(2);
    });
    other.join();
}

} // namespace
} // namespace ibid
