// SPDX-License-Identifier: Apache-2.0
//
// The checker itself, on histories written by hand: it accepts possible ones and rejects impossible ones.
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "support/cache_model.h"
#include "support/linearizability.h"

namespace ibid::testing {
namespace {

using op = cache_operation;
using history = std::vector<recorded<op>>;

constexpr op made(std::uint64_t v) {
    return {op::intern, v, true};
}
constexpr op shared(std::uint64_t v) {
    return {op::intern, v};
}
constexpr op found(std::uint64_t v) {
    return {op::find, v};
}
constexpr op dropped(std::uint64_t v) {
    return {op::drop, v};
}
constexpr op dropped_last(std::uint64_t v) {
    return {op::drop, v, false, true, true};
}
constexpr op locked(std::uint64_t v, bool got) {
    return {op::lock, v, false, got};
}

bool possible(const history& h, bool retains = false) {
    return linearizable(cache_model{retains}, cache_model::state(), h);
}

TEST(linearizability_checker, accepts_nothing_at_all) {
    EXPECT_TRUE(possible({}));
}

TEST(linearizability_checker, accepts_operations_one_after_another) {
    EXPECT_TRUE(possible({{1, 2, made(1)},
                          {3, 4, shared(1)},
                          {5, 6, dropped(1)},
                          {7, 8, dropped_last(1)},
                          {9, 10, found(0)}}));
}

TEST(linearizability_checker, refuses_two_values_at_once) {
    EXPECT_FALSE(possible({{1, 4, made(1)}, {2, 3, made(2)}}));
    EXPECT_FALSE(possible({{1, 2, made(1)}, {3, 4, made(2)}}));
}

TEST(linearizability_checker, accepts_a_second_value_when_the_first_may_have_ended_before) {
    EXPECT_TRUE(possible({{1, 2, made(1)}, {3, 10, dropped_last(1)}, {4, 9, made(2)}, {5, 6, shared(2)}}));
    EXPECT_FALSE(possible({{1, 2, made(1)}, {3, 4, made(2)}, {5, 10, dropped_last(1)}}))
        << "the drop was too late";
}

TEST(linearizability_checker, accepts_either_answer_to_a_find_that_overlaps_the_last_drop) {
    EXPECT_TRUE(possible({{1, 2, made(1)}, {3, 6, dropped_last(1)}, {4, 5, found(0)}}));
    EXPECT_TRUE(possible({{1, 2, made(1)}, {3, 6, dropped(1)}, {4, 5, found(1)}, {7, 8, dropped_last(1)}}));
}

TEST(linearizability_checker, refuses_a_find_that_gives_what_has_ended) {
    EXPECT_FALSE(possible({{1, 2, made(1)}, {3, 4, dropped_last(1)}, {5, 6, found(1)}}));
    EXPECT_FALSE(possible({{1, 2, made(1)}, {3, 6, dropped_last(1)}, {4, 5, found(1)}}))
        << "a handle to an ended value";
}

TEST(linearizability_checker, refuses_a_find_that_misses_what_is_there) {
    EXPECT_FALSE(possible({{1, 2, made(1)}, {3, 4, found(0)}}));
    EXPECT_TRUE(possible({{1, 4, made(1)}, {2, 3, found(0)}})) << "it may have been before the make";
}

TEST(linearizability_checker, refuses_an_end_that_comes_late_or_twice_or_elsewhere) {
    EXPECT_FALSE(possible({{1, 2, made(1)}, {3, 4, dropped(1)}})) << "the last drop must end it";
    EXPECT_FALSE(
        possible({{1, 2, made(1)}, {3, 4, shared(1)}, {5, 6, dropped_last(1)}, {7, 8, dropped_last(1)}}));
    EXPECT_FALSE(possible({{1, 2, made(1)}, {3, 4, shared(1)}, {5, 6, dropped_last(1)}, {7, 8, dropped(1)}}));
    EXPECT_TRUE(possible({{1, 2, made(1)}, {3, 4, shared(1)}, {5, 8, dropped_last(1)}, {6, 7, dropped(1)}}));
}

TEST(linearizability_checker, refuses_an_end_in_a_call_that_lets_nothing_go) {
    EXPECT_FALSE(possible({{1, 2, made(1)}, {3, 6, dropped(1)}, {4, 5, {op::find, 0, false, true, true}}}));
}

TEST(linearizability_checker, knows_weak_references) {
    EXPECT_TRUE(possible({{1, 2, made(1)},
                          {3, 4, locked(1, true)},
                          {5, 6, dropped(1)},
                          {7, 8, dropped_last(1)},
                          {9, 10, locked(1, false)}}));
    EXPECT_FALSE(possible({{1, 2, made(1)}, {3, 4, locked(1, false)}}));
    EXPECT_FALSE(possible({{1, 2, made(1)}, {3, 4, dropped_last(1)}, {5, 6, locked(1, true)}}));
    EXPECT_FALSE(
        possible({{1, 2, made(1)}, {3, 4, dropped_last(1)}, {5, 6, made(2)}, {7, 8, locked(1, true)}}));
}

TEST(linearizability_checker, knows_failed_makes) {
    EXPECT_TRUE(possible({{1, 2, {op::failed_intern, 0}}, {3, 4, made(1)}}));
    EXPECT_FALSE(possible({{1, 2, made(1)}, {3, 4, {op::failed_intern, 0}}}))
        << "make was called although the value was there";
}

constexpr op takes{op::trim_takes, 0};
constexpr op lets_go{op::trim_lets_go, 0};
constexpr op ends{op::trim_lets_go, 0, false, true, true};

TEST(linearizability_checker, knows_retention_and_its_trim) {
    const auto possible_with_retention = [](const history& h) { return possible(h, true); };
    EXPECT_TRUE(possible_with_retention({{1, 2, made(1)},
                                         {3, 4, dropped(1)},
                                         {5, 6, found(1)},
                                         {7, 8, dropped(1)},
                                         {9, 10, takes},
                                         {9, 10, ends}}));
    EXPECT_FALSE(possible_with_retention({{1, 2, made(1)}, {3, 4, dropped_last(1)}})) << "the budget kept it";
    EXPECT_FALSE(
        possible_with_retention({{1, 2, made(1)}, {3, 4, dropped(1)}, {5, 6, takes}, {5, 6, lets_go}}))
        << "the trim must end it";
    EXPECT_TRUE(
        possible_with_retention({{1, 2, made(1)}, {3, 4, takes}, {3, 4, lets_go}, {5, 6, dropped_last(1)}}));
    EXPECT_TRUE(possible_with_retention({{1, 2, made(1)},
                                         {3, 4, takes},
                                         {3, 4, lets_go},
                                         {5, 6, shared(1)},
                                         {7, 8, dropped(1)},
                                         {9, 10, dropped(1)}}));
}

TEST(linearizability_checker, knows_two_trims_at_once) {
    const auto two = [](const op& first, const op& second) {
        return possible({{1, 2, made(1)},
                         {3, 4, dropped(1)},
                         {5, 9, takes},
                         {5, 9, first},
                         {6, 7, takes},
                         {6, 7, second}},
                        true);
    };
    EXPECT_TRUE(two(ends, lets_go));
    EXPECT_TRUE(two(lets_go, ends));
    EXPECT_FALSE(two(ends, ends));
    EXPECT_FALSE(two(lets_go, lets_go));
}

} // namespace
} // namespace ibid::testing
