// SPDX-License-Identifier: Apache-2.0
//
// Every pair of operations, at the same time on one key, in many rounds. tracked_value
// (tests/support/tracked_value.h) checks one value and exact end at every step, the thread sanitizer checks
// memory, and the test itself checks the final state.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "disturbance.h"
#include "ibid/cache.h"
#include "ibid/weak.h"
#include "support/crew.h"
#include "support/tracked_value.h"

namespace ibid {
namespace {

using namespace ibid::testing;

constexpr int rounds = 80;
constexpr int key = 1;

// Shared by the two threads of a round; only thread i uses `mine[i]`.
struct stage {
    std::optional<probe_cache> c;
    weak<tracked_value> w;
    std::vector<held> mine = std::vector<held>(2);

    // A lookup's result lives until the end of the round, so that two results exist at the same time.
    void keep(std::size_t i, handle<tracked_value> h) {
        mine[i] = held(std::move(h));
        stumble();
        if (mine[i]) {
            mine[i]->check(key);
        }
    }
};

struct mistake {};

struct operation {
    const char* name;
    std::function<void(stage&, std::size_t)> perform;
    bool starts_with_a_handle = false; // which the operation drops, clones or pins
    bool uses_the_cache = true;        // so that no other thread may destroy it in between
    bool pins = false;
};

const std::vector<operation>& operations() {
    static const std::vector<operation> all{
        {.name = "drop",
         .perform = [](stage& s, std::size_t i) { s.mine[i].drop(); },
         .starts_with_a_handle = true,
         .uses_the_cache = false},
        {.name = "clone",
         .perform =
             [](stage& s, std::size_t i) {
                 const held copy = s.mine[i]; // NOLINT(performance-unnecessary-copy-initialization)
                 s.mine[i].drop();
                 stumble();
                 copy->check(key);
             },
         .starts_with_a_handle = true,
         .uses_the_cache = false},
        {.name = "weak_lock",
         .perform = [](stage& s, std::size_t i) { s.keep(i, s.w.lock()); },
         .uses_the_cache = false},
        {.name = "end_of_cache",
         .perform = [](stage& s, std::size_t) { s.c.reset(); },
         .uses_the_cache = false},
        {.name = "intern", .perform = [](stage& s, std::size_t i) { s.keep(i, intern(*s.c, key)); }},
        {.name = "intern_and_drop", .perform = [](stage& s, std::size_t) { held(intern(*s.c, key)).drop(); }},
        {.name = "find", .perform = [](stage& s, std::size_t i) { s.keep(i, s.c->find(probe_key{key})); }},
        {.name = "make_that_throws",
         .perform =
             [](stage& s, std::size_t i) {
                 try {
                     s.keep(i, s.c->intern(probe_key{key}, []() -> tracked_value {
                         stumble();
                         throw mistake();
                     }));
                 } catch (const mistake&) {
                 }
             }},
        {.name = "make_that_interns",
         .perform =
             [](stage& s, std::size_t i) {
                 s.keep(i, s.c->intern(probe_key{key}, [&] {
                     held(intern(*s.c, key + 1)).drop();
                     return tracked_value(key);
                 }));
             }},
        {.name = "trim", .perform = [](stage& s, std::size_t) { s.c->trim(); }},
        {.name = "change_of_budget",
         .perform =
             [](stage& s, std::size_t) {
                 const retention before = s.c->retained();
                 s.c->retain({.bytes = 1 << 20, .entries = 1});
                 stumble();
                 s.c->retain(before);
             }},
        {.name = "evictions",
         .perform =
             [](stage& s, std::size_t) {
                 for (int k = 100; k < 106; ++k) {
                     held(intern(*s.c, k)).drop();
                 }
             }},
        {.name = "resize",
         .perform =
             [](stage& s, std::size_t i) {
                 std::vector<held> many;
                 for (int k = 0; k < 40;
                      ++k) { // of one hash, so of one shard: it grows and shrinks under the key
                     many.emplace_back(
                         intern(*s.c, probe_key{200 + static_cast<int>(i) * 40 + k, hash<int>()(key)}));
                 }
             }},
        {.name = "for_each",
         .perform =
             [](stage& s, std::size_t) {
                 s.c->for_each([](const probe_key& k, const handle<tracked_value>& h) {
                     const held seen(h);
                     seen->check(k.id);
                     stumble();
                 });
             }},
        {.name = "pin",
         .perform = [](stage& s, std::size_t i) { s.c->pin(s.mine[i].release()); },
         .starts_with_a_handle = true,
         .pins = true},
        {.name = "statistics", .perform = [](stage& s, std::size_t) { (void)s.c->statistics(); }},
    };
    return all;
}

[[nodiscard]] bool ends_cache(const operation& o) {
    return std::string_view(o.name) == "end_of_cache";
}

[[nodiscard]] bool allowed(const operation& a, const operation& b) {
    const bool ends = ends_cache(a) || ends_cache(b);
    return !ends || !(a.uses_the_cache || b.uses_the_cache || (ends_cache(a) && ends_cache(b)));
}

class pairs : public ::testing::TestWithParam<std::tuple<std::size_t, retention>> {};

TEST_P(pairs, of_operations_at_one_moment_keep_the_contracts) {
    const auto& [first, budget] = GetParam();
    const operation& a = operations()[first];
    static crew two(2);
    const disturbed everything;
    for (std::size_t second = first; second < operations().size(); ++second) {
        const operation& b = operations()[second];
        if (!allowed(a, b)) {
            continue;
        }
        SCOPED_TRACE(std::string(a.name) + " against " + b.name);
        for (int round = 0; round < rounds; ++round) {
            clear_books();
            stage s;
            s.c.emplace(probe_cache::options{.retain = budget});
            if (round % 2 == 0 || a.starts_with_a_handle || b.starts_with_a_handle) {
                const held prepared(
                    intern(*s.c, key)); // dropped before the race, unless one of the two starts with it
                s.w = weak<tracked_value>(prepared.get());
                for (std::size_t i = 0; i < 2; ++i) {
                    if ((i == 0 ? a : b).starts_with_a_handle) {
                        s.mine[i] = prepared;
                    }
                }
            }
            two.run([&](std::size_t i) {
                stumble();
                (i == 0 ? a : b).perform(s, i);
            });
            if (s.mine[0] && s.mine[1]) {
                ASSERT_EQ(s.mine[0].get(), s.mine[1].get());
            }
            s.mine.clear();
            if (s.c && budget.none() && !a.pins && !b.pins) {
                ASSERT_EQ(s.c->statistics().entries, 0U);
            }
            s.c.reset();
            for (int k = 0; k < 300; ++k) {
                ASSERT_EQ(alive(k), 0U) << k;
            }
        }
    }
}

std::string name_of(const ::testing::TestParamInfo<pairs::ParamType>& run) {
    const bool none = std::get<retention>(run.param).none();
    return std::string(operations()[std::get<0>(run.param)].name) +
           (none ? "_without_retention" : "_with_retention");
}

INSTANTIATE_TEST_SUITE_P(all, pairs,
                         ::testing::Combine(::testing::Range(std::size_t{0}, operations().size()),
                                            ::testing::Values(retention{},
                                                              retention{.bytes = 1 << 20, .entries = 3})),
                         name_of);

} // namespace
} // namespace ibid
