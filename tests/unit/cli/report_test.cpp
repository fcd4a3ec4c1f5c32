// SPDX-License-Identifier: Apache-2.0
//
// The summary of `ibid run --stats`, as text and as JSON.
#include "cli/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace ibid::cli {
namespace {

using shared_statistics::totals;
using ::testing::HasSubstr;
using ::testing::Not;

totals some_hits() {
    totals t;
    t.processes = 1;
    t.helped = 1;
    t.of[0] = {
        .hits = 1998, .misses = 2, .bytes_not_parsed = 2404992, .entries = 3, .retained = 2, .active = 1};
    return t;
}

TEST(summary, of_one_process_is_one_line) {
    EXPECT_EQ(summary_text(some_hits(), ""), "ibid: certificates: 1 active, 2 retained; 1,998 hits, 2 "
                                             "misses, 0 evictions; 2.3 MiB of DER not parsed again\n");
}

TEST(summary, names_kinds_that_counted_something_and_no_others) {
    totals t = some_hits();
    EXPECT_THAT(summary_text(t, ""), Not(HasSubstr("CRLs")));
    EXPECT_FALSE(summary_json(t, "").contains("crls"));
    t.of[1].misses = 1;
    EXPECT_THAT(summary_text(t, ""), HasSubstr("ibid: CRLs: "));
    EXPECT_TRUE(summary_json(t, "").contains("crls"));
}

TEST(summary, says_which_processes_still_run) {
    totals t = some_hits();
    t.processes = 3;
    t.still_running = {77, 78};
    EXPECT_THAT(summary_text(t, ""),
                HasSubstr("ibid: 3 processes used OpenSSL; still running, with figures as of now: 77 78\n"));
    EXPECT_EQ(summary_json(t, "")["running"], (nlohmann::ordered_json{77, 78}));
}

TEST(summary, says_which_figures_are_missing) {
    totals t = some_hits();
    t.refused = 1;
    EXPECT_THAT(summary_text(t, ""), HasSubstr("1 process more found no room"));
}

TEST(summary, gives_the_programs_own_reason_before_a_guess) {
    totals t;
    EXPECT_EQ(summary_text(t, "it is static"), "ibid: not helped: it is static\n");
    t.reason = "unknown version";
    EXPECT_EQ(summary_text(t, "it is static"), "ibid: not helped: unknown version\n");
}

TEST(summary, as_json_has_every_documented_field) {
    const auto j = summary_json(some_hits(), "");
    EXPECT_EQ(j["helped"], true);
    EXPECT_TRUE(j["reason"].is_null());
    EXPECT_EQ(j["processes"], 1);
    EXPECT_EQ(j["certificates"].dump(),
              R"({"active":1,"retained":2,"hits":1998,"misses":2,"evictions":0,"detached":0,)"
              R"("bytes_not_parsed":2404992})");
    EXPECT_EQ(summary_json(totals{}, "why")["reason"], "why");
    EXPECT_EQ(summary_json(totals{}, "why")["helped"], false);
}

} // namespace
} // namespace ibid::cli
