// SPDX-License-Identifier: Apache-2.0
//
// The summary of `ibid run --stats`, as text and as JSON.
#include "cli/run/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace ibid::cli {
namespace {

using shared_statistics::totals;
using ::testing::HasSubstr;
using ::testing::Not;

verdict of(totals t, std::string guess = {}) {
    return {.counted = std::move(t), .guess = std::move(guess), .nothing_seen = {}, .uncounted = {}};
}

totals some_hits() {
    totals t;
    t.processes = 1;
    t.helped = 1;
    t.of[0] = {
        .hits = 1998, .misses = 2, .bytes_not_parsed = 2404992, .entries = 3, .retained = 2, .active = 1};
    return t;
}

TEST(summary, of_one_process_is_one_line) {
    EXPECT_EQ(summary_text(of(some_hits())), "ibid: certificates: 1 active, 2 retained; 1,998 hits, 2 "
                                             "misses, 0 evictions; 2.3 MiB of DER not parsed again\n");
}

TEST(summary, names_kinds_that_counted_something_and_no_others) {
    totals t = some_hits();
    EXPECT_THAT(summary_text(of(t)), Not(HasSubstr("trust stores")));
    EXPECT_FALSE(summary_json(of(t)).contains("trust_stores"));
    t.of[1].misses = 1;
    EXPECT_THAT(summary_text(of(t)), HasSubstr("ibid: trust stores: "));
    EXPECT_TRUE(summary_json(of(t)).contains("trust_stores"));
}

TEST(summary, says_which_processes_still_run) {
    totals t = some_hits();
    t.processes = 3;
    t.still_running = {77, 78};
    EXPECT_THAT(summary_text(of(t)),
                HasSubstr("ibid: 3 processes used OpenSSL; still running, with figures as of now: 77 78\n"));
    EXPECT_EQ(summary_json(of(t))["running"], (nlohmann::ordered_json{77, 78}));
}

TEST(summary, lists_libcryptos_where_there_are_several) {
    totals t = some_hits();
    EXPECT_THAT(summary_json(of(t))["libcryptos"], ::testing::SizeIs(0));
    t.libcryptos.resize(1);
    t.libcryptos[0].path = "/usr/lib/libcrypto.so.3";
    t.libcryptos[0].version = "3.0.19";
    t.libcryptos[0].helped = true;
    t.libcryptos[0].of[0].hits = 1998;
    t.libcryptos[0].of[0].misses = 1;
    EXPECT_THAT(summary_text(of(t)), Not(HasSubstr("libcrypto.so.3")));
    t.libcryptos.emplace_back();
    t.libcryptos[1].path = "/venv/libcrypto-1.so.3";
    t.libcryptos[1].reason = "the program's own memory functions";
    const std::string text = summary_text(of(t));
    EXPECT_THAT(text,
                HasSubstr("ibid: /usr/lib/libcrypto.so.3 (3.0.19): certificates: 1,998 hits, 1 miss\n"));
    EXPECT_THAT(text,
                HasSubstr("ibid: /venv/libcrypto-1.so.3: not helped: the program's own memory functions\n"));
    const auto j = summary_json(of(t))["libcryptos"];
    EXPECT_EQ(j[0]["certificates"]["hits"], 1998);
    EXPECT_EQ(j[1]["helped"], false);
}

TEST(summary, of_what_was_not_counted_does_not_say_that_it_was_not_helped) {
    const verdict v{
        .counted = {}, .guess = {}, .nothing_seen = {}, .uncounted = "shared memory is not permitted here"};
    EXPECT_EQ(summary_text(v), "ibid: not counted: shared memory is not permitted here\n");
    EXPECT_TRUE(summary_json(v)["helped"].is_null());
    EXPECT_EQ(summary_json(v)["counted"], false);
    EXPECT_EQ(summary_json(v)["reason"], "shared memory is not permitted here");
    EXPECT_EQ(summary_json(of(some_hits()))["counted"], true);
    const verdict seen{
        .counted = totals{}, .guess = {}, .nothing_seen = "no process used it", .uncounted = {}};
    EXPECT_EQ(summary_text(seen), "ibid: nothing to count: no process used it\n");
}

TEST(summary, gives_the_programs_own_reason_before_a_guess) {
    totals t;
    EXPECT_EQ(summary_text(of(t, "it is static")), "ibid: not helped: it is static\n");
    t.reason = "unknown version";
    EXPECT_EQ(summary_text(of(t, "it is static")), "ibid: not helped: unknown version\n");
}

TEST(summary, says_where_ibid_was_disabled) {
    totals t = some_hits();
    t.processes = 3;
    t.disabled = 2;
    t.reason = "memory of its own";
    EXPECT_THAT(summary_text(of(t)),
                HasSubstr("ibid: was disabled in 2 of 3 processes: memory of its own\n"));
    EXPECT_TRUE(summary_json(of(t))["reason"].is_null());
    EXPECT_EQ(summary_json(of(t))["disabled"], 2);
    t.helped = 0;
    EXPECT_THAT(summary_text(of(t)),
                ::testing::StartsWith(
                    "ibid: not helped: memory of its own\nibid: until then: certificates: 1 active"));
    EXPECT_EQ(summary_json(of(t))["helped"], false);
    EXPECT_EQ(summary_json(of(t))["reason"], "memory of its own");
}

TEST(summary, as_json_has_every_documented_field) {
    const auto j = summary_json(of(some_hits()));
    EXPECT_EQ(j["helped"], true);
    EXPECT_TRUE(j["reason"].is_null());
    EXPECT_EQ(j["processes"], 1);
    EXPECT_EQ(j["certificates"].dump(),
              R"({"active":1,"retained":2,"hits":1998,"misses":2,"evictions":0,"detached":0,)"
              R"("bytes_not_parsed":2404992})");
    EXPECT_EQ(summary_json(of(totals{}, "why"))["reason"], "why");
    EXPECT_EQ(summary_json(of(totals{}, "why"))["helped"], false);
}

} // namespace
} // namespace ibid::cli
