// SPDX-License-Identifier: Apache-2.0
//
// Tokens and collections: what each keeps alive, and until when.
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "collected.h"
#include "ibid/cache.h"
#include "ibid/gc.h"
#include "ibid/weak.h"

namespace {

using ibid_test::by_accident;
using ibid_test::collect;
using ibid_test::elsewhere;
using ibid_test::many;
using ibid_test::roots;

using ibid_test::intern;
using ibid_test::name;
using ibid_test::table;

// Tokens for the keys 1 to `many`, dropped at once.
void make_and_drop(table& c) {
    elsewhere([&] {
        for (int key = 1; key <= many; ++key) {
            (void)intern(c, key);
        }
    });
}

TEST(collection, leaves_the_entry_of_a_token_that_is_reachable) {
    table c;
    roots<name, 1> kept;
    elsewhere([&] { kept[0] = intern(c, 1); });
    for (int i = 0; i < 3; ++i) {
        collect();
    }
    EXPECT_EQ(*kept[0], "1");
    EXPECT_EQ(c.statistics().entries, 1u);
}

TEST(collection, ends_the_entry_when_its_last_token_is_unreachable) {
    table c;
    make_and_drop(c);
    EXPECT_EQ(c.statistics().entries, static_cast<std::uint64_t>(many));
    collect();
    EXPECT_LE(c.statistics().entries, by_accident);
}

TEST(collection, leaves_the_entry_while_one_of_two_tokens_is_reachable) {
    table c;
    roots<name, many> kept;
    elsewhere([&] {
        for (int i = 0; i < many; ++i) {
            kept[static_cast<std::size_t>(i)] = intern(c, 1 + i);
        }
    });
    make_and_drop(c);
    collect();
    EXPECT_EQ(c.statistics().entries, static_cast<std::uint64_t>(many));
    elsewhere([&] { EXPECT_EQ(*kept[0], "1"); }); // this thread's stack must never have seen a token
    kept.clear();
    collect();
    EXPECT_LE(c.statistics().entries, by_accident);
}

TEST(collection, ends_exactly_the_entries_whose_tokens_are_gone) {
    constexpr int count = 10'000;
    table c;
    roots<name, count> kept;
    elsewhere([&] {
        for (int i = 0; i < count; ++i) {
            kept[static_cast<std::size_t>(i)] = intern(c, i);
        }
    });
    collect();
    EXPECT_EQ(c.statistics().entries, static_cast<std::uint64_t>(count));
    for (std::size_t i = 0; i < count; i += 3) {
        kept[i] = nullptr;
    }
    collect();
    std::size_t missing = 0;
    std::size_t left_over = 0;
    for (int i = 0; i < count; ++i) {
        const bool there = c.find(i) != nullptr;
        missing += i % 3 != 0 && !there ? 1 : 0;
        left_over += i % 3 == 0 && there ? 1 : 0;
    }
    EXPECT_EQ(missing, 0u);
    EXPECT_LE(left_over, by_accident);
    kept.clear();
}

TEST(collection, finds_tokens_in_collected_objects_as_deep_as_they_go) {
    struct link {
        name here;
        link* next = nullptr;
    };
    table c;
    roots<link*, 1> head;
    elsewhere([&] {
        for (int i = 0; i < 1000; ++i) {
            head[0] = new (GC_MALLOC(sizeof(link))) link{intern(c, i), head[0]};
        }
    });
    collect();
    EXPECT_EQ(c.statistics().entries, 1000u);
    elsewhere([&] { // this thread's stack must never have seen the chain
        int i = 1000;
        for (const link* l = head[0]; l != nullptr; l = l->next) {
            EXPECT_EQ(*l->here, std::to_string(--i));
        }
    });
    head.clear();
    collect();
    EXPECT_LT(c.statistics().entries, 1000u)
        << "a false pointer into the middle of the chain keeps the rest of the chain";
}

TEST(collection, ends_entries_whose_tokens_lie_on_a_circle) {
    struct node {
        name here;
        node* other = nullptr;
    };
    table c;
    elsewhere([&] {
        for (int i = 0; i < many; ++i) {
            auto* const a = new (GC_MALLOC(sizeof(node))) node{intern(c, 2 * i), nullptr};
            auto* const b = new (GC_MALLOC(sizeof(node))) node{intern(c, 2 * i + 1), a};
            a->other = b;
        }
    });
    collect();
    EXPECT_LE(c.statistics().entries, 2 * by_accident);
}

TEST(collection, does_not_see_a_token_through_the_table) {
    static table c; // a root of the collector, with everything that it refers to in malloc's memory
    make_and_drop(c);
    collect();
    EXPECT_LE(c.statistics().entries, by_accident);
}

TEST(collection, does_no_harm_to_a_token_that_was_released_before) {
    table c;
    roots<name, many> kept;
    elsewhere([&] {
        for (int i = 0; i < many; ++i) {
            kept[static_cast<std::size_t>(i)] = intern(c, i);
            (void)intern(c, many + i).release();
        }
        for (int i = 0; i < many; ++i) {
            EXPECT_TRUE(kept[static_cast<std::size_t>(i)].release());
        }
    });
    collect();
    EXPECT_FALSE(kept[0]);
    kept.clear();
    collect();
    EXPECT_EQ(c.statistics().entries, 0u);
    EXPECT_EQ(c.statistics().evictions, static_cast<std::uint64_t>(2 * many)) << "each entry ended once";
}

TEST(collection, leaves_a_value_that_an_ordinary_handle_keeps) {
    table c;
    ibid::handle<std::string> h;
    ibid::weak<std::string> w;
    elsewhere([&] {
        const name a = intern(c, 1);
        h = a.hold();
        w = ibid::weak<std::string>(h);
    });
    collect();
    EXPECT_EQ(*h, "1");
    EXPECT_EQ(w.lock(), h);
    h.reset();
    EXPECT_FALSE(w.lock());
}

TEST(collection, hands_what_dies_to_the_retention_budget) {
    ibid::cache<int, std::string> c({.retain = {.bytes = 1 << 20, .entries = 10}});
    make_and_drop(c);
    collect();
    EXPECT_LE(c.statistics().entries, 10 + by_accident);
    EXPECT_EQ(c.statistics().retained, 10u);
    c.trim();
    EXPECT_LE(c.statistics().entries, by_accident);
}

TEST(collection, gives_the_memory_of_slots_back) {
    const auto slots = [] { return ibid::gc::statistics().tokens; };
    table c;
    collect();
    const std::size_t before = slots();
    elsewhere([&] {
        std::vector<ibid::handle<std::string>> same(1, c.intern(1, [] { return "v"; }));
        for (int i = 0; i < 100'000; ++i) {
            (void)ibid::gc::make_active(same[0]);
        }
    });
    collect();
    EXPECT_LE(slots(), before + by_accident);
    EXPECT_EQ(ibid::gc::statistics().waiting, 0u);
}

// A value of 4 KB, which the collector does not see.
struct heavy {
    static inline std::atomic<std::int64_t> alive{0};
    static inline std::atomic<std::int64_t> most{0};
    std::array<char, 4096> bytes{};
    heavy() {
        const std::int64_t now = alive.fetch_add(1) + 1;
        if (now > most) {
            most = now;
        }
    }
    heavy(heavy&&) = delete;
    heavy& operator=(heavy&&) = delete;
    ~heavy() { alive.fetch_sub(1); }
};

TEST(burst, of_a_million_tokens_does_not_outrun_the_finalizers) {
    ibid::cache<int, heavy> c;
    roots<void*, 1> ballast;
    ballast[0] = GC_MALLOC(64 << 20); // a large heap makes the collector lazy
    elsewhere([&] {
        for (int i = 0; i < 1'000'000; ++i) {
            (void)ibid::gc::intern(c, i, [] { return heavy(); });
        }
    });
    EXPECT_LE(heavy::most, 2 * 65'536 + 1000);
    collect();
    EXPECT_LE(c.statistics().entries, 10u);
    EXPECT_EQ(c.statistics().misses, 1'000'000u);
    ballast.clear();
}

TEST(burst, is_bounded_as_the_program_sets_it) {
    ibid::cache<int, heavy> c;
    roots<void*, 1> ballast;
    ballast[0] = GC_MALLOC(64 << 20);
    collect();
    ibid::gc::set_burst(1000);
    heavy::most = 0;
    elsewhere([&] {
        for (int i = 0; i < 50'000; ++i) {
            (void)ibid::gc::intern(c, i, [] { return heavy(); });
        }
    });
    EXPECT_LE(heavy::most, 3000);
    ibid::gc::set_burst(65'536);
    ballast.clear();
    collect();
}

TEST(collector, disabled_for_the_whole_run_leaves_a_larger_cache_and_nothing_broken) {
    ibid::gc::start();
    collect();
    GC_disable();
    {
        ibid::cache<int, std::string> c({.retain = {.bytes = 1 << 20, .entries = 100}});
        roots<name, 1> kept;
        elsewhere([&] {
            for (int i = 0; i < 200'000; ++i) {
                name a = intern(c, i);
                if (i == 7) {
                    kept[0] = a;
                }
                if (i % 2 == 1 && i != 7) {
                    EXPECT_TRUE(a.release());
                }
            }
        });
        collect(); // does nothing
        EXPECT_GE(c.statistics().entries, 100'001u);
        c.trim();
        EXPECT_EQ(c.statistics().entries, 100'001u) << "what was released is gone, the rest is not";
        EXPECT_EQ(*kept[0], "7");
        EXPECT_EQ(*intern(c, 8), "8") << "unreachable objects are still found";
        EXPECT_EQ(c.statistics().misses, 200'000u);
        kept.clear();
        GC_enable();
        collect();
        c.trim();
        EXPECT_LE(c.statistics().entries, 2u)
            << "after the collector is enabled again, everything works as before";
    }
}

// Its member runs a collection while only the calling expression refers to the token.
struct collecting {
    [[nodiscard]] std::uint64_t entries_after_a_collection(const ibid::cache<int, collecting>& c) const {
        collect();
        return c.statistics().entries;
    }
};

TEST(arrow, keeps_its_token_to_the_end_of_the_expression) {
    ibid::cache<int, collecting> c;
    elsewhere([&] {
        for (int i = 0; i < many; ++i) {
            EXPECT_GE(ibid::gc::intern(c, i, [] { return collecting(); })->entries_after_a_collection(c), 1u);
            EXPECT_NE(c.find(i), nullptr);
        }
    });
    collect();
    EXPECT_LE(c.statistics().entries, by_accident);
}

TEST(local_token, is_seen_to_the_end_of_its_scope) {
    table c;
    elsewhere([&] {
        const name a = intern(c, 1);
        const std::string& value = *a; // for the compiler, the last use of `a`
        collect();
        EXPECT_EQ(value, "1");
        EXPECT_EQ(c.statistics().entries, 1u);
    });
}

} // namespace
