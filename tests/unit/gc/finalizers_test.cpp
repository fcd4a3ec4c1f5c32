// SPDX-License-Identifier: Apache-2.0
//
// Tokens together with the program's own finalizers, disappearing links, and settings for when finalizers
// run.
#include <atomic>
#include <cstddef>
#include <cstring>
#include <string>
#include <thread>

#include <gc/javaxfc.h> // GC_finalize_all
#include <gtest/gtest.h>

#include "collected.h"
#include "ibid/cache.h"
#include "ibid/gc.h"

namespace {

using ibid_test::by_accident;
using ibid_test::collect;
using ibid_test::elsewhere;
using ibid_test::many;
using ibid_test::roots;

using ibid_test::intern;
using ibid_test::name;
using ibid_test::table;

struct connection {
    name peer;
    connection* resurrected_as = nullptr;
};

connection* make_connection(table& c, int key) {
    return new (GC_MALLOC(sizeof(connection))) connection{intern(c, key), nullptr};
}

TEST(finalizer, of_an_object_that_holds_a_token_finds_it_ended_not_dangling) {
    static int ran = 0;
    static int refused = 0;
    table c;
    elsewhere([&] {
        for (int i = 0; i < 2 * many; ++i) {
            (i % 2 == 0 ? GC_register_finalizer : GC_register_finalizer_no_order)(
                make_connection(c, i),
                [](void* object, void*) {
                    ++ran;
                    try {
                        (void)*static_cast<connection*>(object)->peer;
                    } catch (const ibid::gc::released&) {
                        ++refused;
                    }
                    EXPECT_FALSE(static_cast<connection*>(object)->peer.release());
                },
                nullptr, nullptr, nullptr);
        }
    });
    collect();
    collect();
    EXPECT_GE(ran, 2 * many - static_cast<int>(by_accident));
    EXPECT_EQ(refused, ran);
    EXPECT_LE(c.statistics().entries, by_accident);
}

TEST(token, brought_back_by_a_finalizer_stays_ended_and_is_no_strangers) {
    static roots<connection*, 1> saved; // the last of many
    table c;
    elsewhere([&] {
        for (int i = 0; i < many; ++i) {
            GC_register_finalizer_no_order(
                make_connection(c, i),
                [](void* object, void*) { saved[0] = static_cast<connection*>(object); }, nullptr, nullptr,
                nullptr);
        }
    });
    collect();
    ASSERT_NE(saved[0], nullptr);
    elsewhere([&] { // all slots, now used by other tokens
        for (int i = 2; i < 2000; ++i) {
            (void)intern(c, i);
        }
    });
    EXPECT_FALSE(saved[0]->peer);
    EXPECT_THROW((void)*saved[0]->peer, ibid::gc::released);
    EXPECT_FALSE(saved[0]->peer.release());
    saved[0]->peer = intern(c, 3); // the object may get a new token
    collect();
    EXPECT_EQ(*saved[0]->peer, "3");
    saved.clear();
}

TEST(finalizer, that_makes_tokens_and_drops_them_goes_on_for_ever_and_does_no_harm) {
    static table* c = nullptr;
    static int left = 50;
    struct again {
        static void arm() {
            void* const object = GC_MALLOC(16);
            GC_register_finalizer_no_order(object, run, nullptr, nullptr, nullptr);
        }
        static void run(void*, void*) {
            (void)intern(*c, left);
            if (--left > 0) {
                arm();
            }
        }
    };
    table t;
    c = &t;
    elsewhere([] { again::arm(); });
    for (int i = 0; i < 200 && left > 0; ++i) {
        collect();
    }
    EXPECT_EQ(left, 0);
    collect();
    EXPECT_LE(t.statistics().entries, 1u);
}

TEST(destructor, of_a_value_may_allocate_collect_intern_and_make_tokens) {
    struct nosy;
    static ibid::cache<int, nosy>* home = nullptr;
    static int ended = 0;
    struct nosy {
        int depth;
        explicit nosy(int d) : depth(d) {}
        nosy(nosy&& o) noexcept : depth(std::exchange(o.depth, -1)) {}
        ~nosy() {
            if (depth > 0) {
                ++ended;
                (void)GC_MALLOC(100);
                GC_gcollect();
                (void)ibid::gc::intern(*home, depth - 1, [&] { return nosy(depth - 1); });
            }
        }
    };
    ibid::cache<int, nosy> c;
    home = &c;
    elsewhere([&] {
        for (int i = 0; i < 20; ++i) {
            (void)ibid::gc::intern(c, 5 + 100 * i, [] { return nosy(5); });
        }
    });
    for (int i = 0; i < 10; ++i) {
        collect();
    }
    EXPECT_GE(ended, 20);
}

TEST(disappearing_link, to_a_token_is_gone_before_the_token_is_reused) {
    // Long and short links are the collector's weak references. Neither must ever refer to a token that has
    // ended.
    struct links {
        void* short_link;
        void* long_link;
    };
    table c;
    auto* const all = static_cast<links*>(GC_MALLOC_ATOMIC(many * sizeof(links))); // atomic: it keeps nothing
    elsewhere([&] {
        for (int i = 0; i < many; ++i) {
            const name a = intern(c, i);
            links& l = all[i];
            std::memcpy(&l.short_link, &a, sizeof a); // as in a C program
            l.long_link = l.short_link;
            GC_general_register_disappearing_link(&l.short_link, l.short_link);
            GC_register_long_link(&l.long_link, l.long_link);
            if (i == 0) {
                collect();
                EXPECT_NE(l.short_link, nullptr);
                EXPECT_NE(l.long_link, nullptr);
                EXPECT_EQ(*a, "0");
            }
        }
    });
    collect();
    std::size_t short_links = 0;
    std::size_t long_links = 0;
    for (int i = 0; i < many; ++i) {
        short_links += all[i].short_link != nullptr ? 1 : 0;
        long_links += all[i].long_link != nullptr ? 1 : 0;
    }
    EXPECT_EQ(short_links, c.statistics().entries) << "a link exists exactly as long as its target";
    EXPECT_EQ(long_links, c.statistics().entries);
    EXPECT_LE(short_links, by_accident);
}

TEST(finalizers_on_demand, hold_back_all_ends_until_the_program_asks) {
    static std::atomic<int> notified{0};
    table c;
    collect();
    const GC_finalizer_notifier_proc former = GC_get_finalizer_notifier();
    GC_set_finalizer_notifier([] { ++notified; });
    GC_set_finalize_on_demand(1);
    elsewhere([&] {
        for (int i = 0; i < 1000; ++i) {
            (void)intern(c, i);
        }
    });
    collect();
    EXPECT_EQ(c.statistics().entries, 1000u);
    EXPECT_GE(ibid::gc::statistics().waiting, 1000 - by_accident);
    elsewhere([&] { // even making tokens and collecting releases nothing
        for (int i = 1000; i < 3000; ++i) {
            (void)intern(c, i);
        }
        collect();
    });
    EXPECT_EQ(c.statistics().evictions, 0u);
    EXPECT_GE(notified, 1) << "the collector tells the program that there is something to do";
    EXPECT_EQ(*intern(c, 5), "5") << "until then, what is there is found";
    EXPECT_EQ(c.statistics().hits, 1u);
    collect();
    GC_invoke_finalizers();
    EXPECT_EQ(ibid::gc::statistics().waiting, 0u);
    EXPECT_LE(c.statistics().entries, 1 + by_accident);
    GC_set_finalize_on_demand(0);
    GC_set_finalizer_notifier(former);
}

TEST(finalizers, may_run_on_a_thread_of_the_programs_choice) {
    static std::thread::id ended_on;
    struct where {
        bool real = true;
        where() = default;
        where(where&& o) noexcept : real(std::exchange(o.real, false)) {}
        ~where() {
            if (real) {
                ended_on = std::this_thread::get_id();
            }
        }
    };
    ibid::cache<int, where> c;
    GC_set_finalize_on_demand(1);
    elsewhere([&] {
        for (int i = 0; i < many; ++i) {
            (void)ibid::gc::intern(c, i, [] { return where(); });
        }
    });
    collect();
    EXPECT_EQ(ended_on, std::thread::id());
    std::thread::id chosen;
    elsewhere([&] {
        chosen = std::this_thread::get_id();
        GC_invoke_finalizers();
    });
    EXPECT_EQ(ended_on, chosen);
    GC_set_finalize_on_demand(0);
}

// GC_finalize_all() runs finalizers until none is registered; tokens work afterwards.
TEST(finalizer, all_run_at_once_and_come_to_an_end) {
    ibid::cache<int, int> c;
    const auto stays = ibid::gc::intern(c, -1, [] { return -1; });
    GC_finalize_all();
    EXPECT_EQ(*stays, -1);
    elsewhere([&] {
        for (int i = 0; i < 1000; ++i) {
            (void)ibid::gc::intern(c, i, [&] { return i; });
        }
    });
    collect();
    EXPECT_LE(c.statistics().entries, 1 + by_accident);
    EXPECT_EQ(*stays, -1);
}

} // namespace
