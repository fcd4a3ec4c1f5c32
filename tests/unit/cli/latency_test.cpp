// SPDX-License-Identifier: Apache-2.0
//
// Percentiles in the output of load tools.
#include "cli/measure/latency.h"

#include <gtest/gtest.h>

namespace ibid::cli::measure {
namespace {

// "50: 0.001234 99: 0.012"
std::string found_in(std::string_view output) {
    std::string all;
    for (const percentile& p : latencies_in(output)) {
        char text[64];
        std::snprintf(text, sizeof(text), "%s%g: %g", all.empty() ? "" : " ", p.percent, p.seconds);
        all += text;
    }
    return all;
}

TEST(latencies, of_wrk_are_those_of_its_distribution) {
    EXPECT_EQ(found_in("Running 5s test @ https://localhost:8443/\n"
                       "  2 threads and 10 connections\n"
                       "  Thread Stats   Avg      Stdev     Max   +/- Stdev\n"
                       "    Latency     1.23ms  400.00us  12.00ms   80.12%\n"
                       "    Req/Sec     4.10k   512.00     5.00k    70.00%\n"
                       "  Latency Distribution\n"
                       "     50%    1.10ms\n"
                       "     75%    1.30ms\n"
                       "     90%  900.00us\n"
                       "     99%    1.05s \n"
                       "  40000 requests in 5.00s, 9.00MB read\n"),
              "50: 0.0011 75: 0.0013 90: 0.0009 99: 1.05");
}

TEST(latencies, of_wrk2_have_digits_behind_the_point) {
    EXPECT_EQ(
        found_in("  Latency Distribution (HdrHistogram - Recorded Latency)\n 50.000%    1.10ms\n 99.900%    "
                 "1.00m\n"
                 "  Detailed Percentile spectrum:\n       Value   Percentile   TotalCount 1/(1-Percentile)\n"
                 "       0.100     0.000000            1         1.00\n"),
        "50: 0.0011 99.9: 60");
}

TEST(latencies, of_ab_are_milliseconds_by_its_heading) {
    EXPECT_EQ(
        found_in(
            "Connection Times (ms)\n              min  mean[+/-sd] median   max\nTotal:          1    2   "
            "0.5      2       4\n"
            "\nPercentage of the requests served within a certain time (ms)\n  50%      2\n  99%      3\n"
            " 100%      4 (longest request)\n"),
        "50: 0.002 99: 0.003 100: 0.004");
    EXPECT_EQ(found_in("  50%      2\n"), "") << "without a unit";
}

TEST(latencies, of_hey_and_oha_are_read) {
    EXPECT_EQ(found_in("Latency distribution:\n  10% in 0.0012 secs\n  50%% in 0.0023 secs\n"),
              "10: 0.0012 50: 0.0023");
    EXPECT_EQ(found_in("Response time distribution:\n  50.00% in 1.2000 ms\n  99.99% in 0.0200 sec\n"),
              "50: 0.0012 99.99: 0.02");
}

TEST(latencies, of_vegeta_are_named_in_brackets) {
    EXPECT_EQ(found_in("Requests      [total, rate, throughput]         100, 50.50, 50.40\n"
                       "Latencies     [min, mean, 50, 90, 95, 99, max]  254.2\u00b5s, 1.2ms, 1.1ms, 2ms, "
                       "3ms, 1m2.5s, 1h0m0s\n"
                       "Bytes In      [total, mean]                     600, 6.00\n"),
              "50: 0.0011 90: 0.002 95: 0.003 99: 62.5 100: 3600");
}

TEST(latencies, of_k6_are_those_of_its_requests) {
    EXPECT_EQ(
        found_in(
            "     http_req_blocked...............: avg=1us min=1us med=9us max=1ms p(90)=2us p(95)=3us\n"
            "     http_req_duration..............: avg=2ms min=1ms med=1.5ms max=9ms p(90)=4ms p(95)=5ms\n"
            "       { expected_response:true }...: avg=7ms min=7ms med=7ms max=7ms p(90)=7ms p(95)=7ms\n"),
        "50: 0.0015 90: 0.004 95: 0.005 100: 0.009");
}

TEST(latencies, are_not_made_of_other_numbers) {
    for (const char* const text :
         {"", "\n\n", "50%", "50% in", "101% in 1 secs", "-5% in 1 secs", "50% 1 parsec", "CPU 50% 1ms",
          "50% done", "nan% 1ms", "50% inf s", "Latencies [", "Latencies ] [ 1ms", "Latencies [50, 99]",
          "Latencies [50] x", "http_req_duration p(=1ms", "http_req_duration p(50)=", "50% 1ms 2ms 3"})
        EXPECT_EQ(found_in(text), "") << text;
}

TEST(latencies, are_those_of_the_first_table) {
    EXPECT_EQ(found_in("50% 1ms\n50% 2ms\n"), "50: 0.001");
}

} // namespace
} // namespace ibid::cli::measure
