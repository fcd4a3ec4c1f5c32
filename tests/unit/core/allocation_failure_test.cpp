// SPDX-License-Identifier: Apache-2.0
//
// Every operation, with each of its allocations failing in turn: it succeeds, or it throws bad_alloc and
// changes nothing. Nothing leaks in either case.
#include <functional>
#include <map>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ibid/cache.h"
#include "ibid/intern.h"
#include "ibid/weak.h"
#include "support/failing_new.h"

namespace ibid {
namespace {

using namespace ibid::testing;

// Longer than a string's internal buffer, so that each copy allocates.
std::string long_key(int i) {
    return "a key that is longer than the small-string buffer " + std::to_string(i);
}
std::string make_value(int i) {
    return "a value that is longer than the small-string buffer " + std::to_string(i);
}

using text_cache = cache<std::string, std::string>;

// A cache with some entries, and everything that a failed operation must leave unchanged.
struct scene {
    text_cache c;
    std::map<int, handle<std::string>> handles;
    std::vector<std::string> keys;

    explicit scene(int entries, retention budget = {}) : c({.retain = budget}) {
        for (int i = 0; i < 40; ++i) {
            keys.push_back(long_key(i));
        }
        for (int i = 0; i < entries; ++i) {
            handles[i] = c.intern(keys[static_cast<std::size_t>(i)], [&] { return make_value(i); });
        }
    }
    [[nodiscard]] const std::string& key(int i) const { return keys[static_cast<std::size_t>(i)]; }
    void expect_as_before(std::uint64_t entries) const {
        EXPECT_EQ(c.statistics().entries, entries);
        for (const auto& [i, h] : handles) {
            EXPECT_EQ(c.find(key(i)), h);
            EXPECT_EQ(*h, make_value(i));
        }
    }
};

// Runs `operate` in new scenes with its n-th allocation failing, for all n, until it needs no more than n
// allocations. `check` gets whether the operation succeeded; if a single operation failed, everything is as
// before. Returns the number of allocations that were made to fail.
enum class steps { one, several };
std::size_t fail_each(const std::function<scene()>& set, const std::function<void(scene&)>& operate,
                      const std::function<void(scene&, bool)>& check, steps number = steps::one) {
    {
        scene warm = set(); // the process's one-time allocations happen now
        operate(warm);
        check(warm, true);
    }
    for (std::size_t n = 0;; ++n) {
        const std::size_t before = blocks_out();
        bool failed = false;
        {
            scene s = set();
            const std::uint64_t entries = s.c.statistics().entries;
            bool succeeded = false;
            {
                const fail_allocation at(n);
                try {
                    operate(s);
                    succeeded = true;
                } catch (const std::bad_alloc&) {
                }
                failed = at.failed();
            }
            EXPECT_TRUE(succeeded || failed);
            if (!succeeded && number == steps::one) {
                s.expect_as_before(entries);
            }
            check(s, succeeded);
            if (!succeeded) {
                operate(s); // and now it succeeds
                check(s, true);
            }
        }
        EXPECT_EQ(blocks_out(), before) << "allocation " << n << " failed, and something leaked";
        if (!failed) {
            return n;
        }
    }
}

scene with_entries(int n) {
    return scene(n);
}

TEST(out_of_memory, in_a_first_insert_changes_nothing) {
    handle<std::string> got;
    const std::size_t failures =
        fail_each([] { return with_entries(0); },
                  [&](scene& s) { got = s.c.intern(s.key(30), [] { return make_value(30); }); },
                  [&](scene& s, bool ok) {
                      EXPECT_EQ(static_cast<bool>(s.c.find(s.key(30))), ok);
                      got = nullptr;
                  });
    EXPECT_GE(failures, 3U)
        << "the table, the entry, the key, the value: at least three allocations were reached";
}

TEST(out_of_memory, in_an_insert_that_grows_the_table_changes_nothing) {
    for (const int entries : {6, 12, 24}) {
        handle<std::string> got;
        fail_each([&] { return with_entries(entries); },
                  [&](scene& s) { got = s.c.intern(s.key(39), [] { return make_value(39); }); },
                  [&](scene& s, bool ok) {
                      EXPECT_EQ(static_cast<bool>(s.c.find(s.key(39))), ok);
                      got = nullptr;
                  });
    }
}

TEST(out_of_memory, where_the_key_is_built_from_a_view_changes_nothing) {
    handle<std::string> got;
    fail_each([] { return with_entries(3); },
              [&](scene& s) { got = s.c.intern(std::string_view(s.key(39)), [] { return make_value(39); }); },
              [&](scene& s, bool ok) {
                  EXPECT_EQ(static_cast<bool>(s.c.find(s.key(39))), ok);
                  got = nullptr;
              });
}

TEST(out_of_memory, in_a_make_that_may_give_nothing_changes_nothing) {
    handle<std::string> got;
    fail_each([] { return with_entries(3); },
              [&](scene& s) {
                  got = s.c.intern(s.key(39), []() -> std::optional<std::string> { return make_value(39); });
              },
              [&](scene& s, bool ok) {
                  EXPECT_EQ(static_cast<bool>(s.c.find(s.key(39))), ok);
                  got = nullptr;
              });
}

TEST(out_of_memory, in_nested_makes_leaves_what_was_complete_and_nothing_else) {
    handle<std::string> outer;
    handle<std::string> inner;
    fail_each([] { return with_entries(3); },
              [&](scene& s) {
                  outer = s.c.intern(s.key(38), [&] {
                      inner = s.c.intern(s.key(39), [] { return make_value(39); });
                      return make_value(38);
                  });
              },
              [&](scene& s, bool) {
                  EXPECT_EQ(s.c.find(s.key(38)), outer);
                  EXPECT_EQ(s.c.find(s.key(39)), inner);
                  outer = inner = nullptr;
                  s.expect_as_before(3);
              },
              steps::several);
}

TEST(out_of_memory, does_not_concern_hits_finds_copies_drops_trims_and_weak_references) {
    scene s(20, {.bytes = 1 << 20, .entries = 10});
    weak<std::string> w(s.handles.at(1));
    const std::size_t before = allocations_here();
    {
        const handle<std::string> a = s.c.intern(s.key(1), [] { return std::string(); });
        const handle<std::string> b = s.c.find(std::string_view(s.key(2)));
        const handle<std::string> c = a; // NOLINT(performance-unnecessary-copy-initialization)
        const weak<std::string> v(w);
        const handle<std::string> d = v.lock();
        EXPECT_FALSE(s.c.find(s.key(39)));
        (void)s.c.statistics();
        (void)s.c.retained();
    }
    EXPECT_EQ(allocations_here(), before) << "a hit allocates nothing";
    {
        const fail_allocation none(0);
        s.handles.clear(); // the table would shrink, but keeps its current array
        s.c.trim();
        s.c.retain({});
        w = {};
    }
    EXPECT_EQ(s.c.statistics().entries, 0U);
}

// After several misses, a thread takes the lock with a copy of the key already made, if a copy is cheap.
TEST(out_of_memory, does_not_concern_a_hit_that_comes_after_misses) {
    cache<int, int, key_is_value> c;
    const handle<int> kept = c.intern(1);
    for (int i = 2; i < 12; ++i) {
        EXPECT_FALSE(c.find(i));
    }
    const fail_allocation first(0);
    EXPECT_EQ(c.intern(1), kept);
    EXPECT_TRUE(first.failed()) << "there was no copy";
}

TEST(out_of_memory, in_retention_costs_retention_and_nothing_else) {
    fail_each([] { return scene(2, {.bytes = 1 << 20, .entries = 4}); },
              [&](scene& s) {
                  for (int i = 30; i < 38; ++i) {
                      (void)s.c.intern(s.key(i), [&] { return make_value(i); });
                  }
              },
              [&](scene& s, bool) {
                  EXPECT_LE(s.c.statistics().retained, 4U);
                  s.c.trim();
                  s.expect_as_before(2);
              },
              steps::several);
}

TEST(out_of_memory, while_the_budget_changes_or_the_cache_goes_is_not_noticed) {
    for (std::size_t n = 0; n < 4; ++n) {
        const std::size_t before = blocks_out();
        {
            std::optional<scene> s(std::in_place, 30, retention{.bytes = 1 << 20, .entries = 30});
            s->handles.clear();
            EXPECT_EQ(s->c.statistics().entries, 30U);
            const fail_allocation at(n);
            s->c.retain({.bytes = 1 << 20, .entries = 20});
            EXPECT_EQ(s->c.statistics().entries, 20U);
            s.reset();
        }
        EXPECT_EQ(blocks_out(), before);
    }
}

TEST(out_of_memory, in_for_each_shows_no_more_and_holds_nothing) {
    int seen = 0;
    fail_each([] { return with_entries(30); },
              [&](scene& s) {
                  seen = 0;
                  s.c.for_each([&](const std::string&, const handle<std::string>&) { ++seen; });
              },
              [&](scene& s, bool ok) {
                  EXPECT_TRUE(!ok || seen == 30) << seen;
                  if (ok) {
                      s.handles.clear();
                      EXPECT_EQ(s.c.statistics().entries, 0U);
                  }
              });
}

TEST(out_of_memory, in_a_pin_leaves_the_handle_alone) {
    fail_each([] { return with_entries(5); }, [&](scene& s) { s.c.pin(s.handles.at(4)); },
              [&](scene& s, bool ok) {
                  s.handles.clear();
                  EXPECT_EQ(s.c.statistics().entries, ok ? 1U : 0U);
                  if (!ok) {
                      s.handles[4] = s.c.intern(s.key(4), [] { return make_value(4); });
                  }
              });
}

TEST(out_of_memory, while_a_value_is_interned_by_itself_changes_nothing) {
    cache<std::string, std::string, key_is_value> names;
    for (std::size_t n = 0;; ++n) {
        const std::size_t before = blocks_out();
        bool failed = false;
        {
            std::string name = make_value(1);
            std::optional<handle<std::string>> h;
            {
                const fail_allocation at(n);
                try {
                    h = names.intern(std::move(name));
                } catch (const std::bad_alloc&) {
                }
                failed = at.failed();
            }
            EXPECT_TRUE(h || failed);
            EXPECT_EQ(names.statistics().entries, h ? 1U : 0U);
        }
        if (n > 0) {
            EXPECT_LE(blocks_out(), before + 1) << "at most the table's slots stay";
        }
        if (!failed) {
            EXPECT_GE(n, 1U);
            break;
        }
    }
    EXPECT_EQ(names.statistics().entries, 0U);
}

TEST(out_of_memory, in_making_a_cache_makes_none) {
    for (std::size_t n = 0;; ++n) {
        const std::size_t before = blocks_out();
        bool failed = false;
        {
            const fail_allocation at(n);
            try {
                const text_cache c({.retain = {.bytes = 100, .entries = 1}});
            } catch (const std::bad_alloc&) {
            }
            failed = at.failed();
        }
        EXPECT_EQ(blocks_out(), before);
        if (!failed) {
            break;
        }
    }
}

TEST(out_of_memory, in_one_long_story_leaks_nothing) {
    // A mixture of operations; each run fails at a different allocation, and at the end of each run the
    // memory is as before.
    const auto story = [] {
        text_cache c({.retain = {.bytes = 1 << 16, .entries = 5}});
        std::vector<handle<std::string>> mine;
        for (int i = 0; i < 25; ++i) {
            mine.push_back(c.intern(long_key(i), [&] { return make_value(i); }));
            if (i % 3 == 0) {
                mine.pop_back();
            }
            if (i == 10) {
                c.pin(mine.back());
            }
            if (i == 15) {
                c.trim();
                mine.erase(mine.begin(), mine.begin() + 5);
            }
        }
        c.for_each([](const std::string&, const handle<std::string>&) {});
        c.retain({});
    };
    story();
    std::size_t n = 0;
    for (bool failed = true; failed; ++n) {
        const std::size_t before = blocks_out();
        {
            const fail_allocation at(n);
            try {
                story();
            } catch (const std::bad_alloc&) {
            }
            failed = at.failed();
        }
        ASSERT_EQ(blocks_out(), before) << "allocation " << n;
    }
    EXPECT_GT(n, 50U);
}

} // namespace
} // namespace ibid
