// SPDX-License-Identifier: Apache-2.0
//
// The exporter's sums: no event is lost or counted twice, whatever a process does.
#include "cli/exporter/process_sums.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace ibid::cli::exporter {
namespace {

using shared_statistics::read_error;

// A process that was read: PID 7, unless another is named.
struct process {
    std::string name = "nginx";
    std::uint64_t hits = 0;
    std::uint64_t start_time = 1000;
    pid_t pid = 7;
};

observation read(const process& p, bool per_process = false) {
    observation o{p.pid, {p.name, {}, per_process ? p.pid : 0}, {}};
    o.read.start_time = p.start_time;
    o.read.figures.helped = true;
    o.read.figures.of[0] = {.hits = p.hits, .misses = 1, .entries = 2, .retained = 2, .retained_bytes = 64};
    return o;
}

observation unread(read_error error, const std::string& name = "nginx", std::uint64_t start_time = 1000) {
    observation o{7, {name}, {error, {}}};
    o.read.start_time = start_time;
    return o;
}

std::uint64_t hits(const picture& p, const std::string& program = "nginx", pid_t pid = 0) {
    const auto found = p.groups.find({program, {}, pid});
    return found != p.groups.end() ? found->second.figures[0].hits : 0;
}

std::uint64_t all_hits(const picture& p) {
    std::uint64_t sum = 0;
    for (const auto& [name, g] : p.groups)
        sum += g.figures[0].hits;
    return sum;
}

TEST(process_sums, are_those_of_the_processes_of_a_name) {
    process_sums sums;
    picture p = sums.add_scan({read({.hits = 5}), read({.hits = 7, .pid = 8}), read({"curl", 1, 1, 9})});
    EXPECT_EQ(hits(p), 12u);
    EXPECT_EQ(hits(p, "curl"), 1u);
    EXPECT_EQ(p.groups[{"nginx"}].processes.helped, 2u);
    EXPECT_EQ(p.groups[{"nginx"}].figures[0].retained, 4u);
    p = sums.add_scan({read({.hits = 6}), read({.hits = 7, .pid = 8}), read({"curl", 1, 1, 9})});
    EXPECT_EQ(hits(p), 13u);
    EXPECT_EQ(p.groups[{"nginx"}].figures[0].retained, 4u);
}

TEST(process_sums, do_not_fall_when_a_process_executes_a_program_of_the_same_name) {
    process_sums sums;
    EXPECT_EQ(hits(sums.add_scan({read({.hits = 100})})), 100u);
    EXPECT_EQ(hits(sums.add_scan({unread(read_error::not_used)})), 100u);
    EXPECT_EQ(hits(sums.add_scan({read({.hits = 3})})), 103u);
    EXPECT_EQ(hits(sums.add_scan({read({.hits = 2})})), 105u);
    picture p = sums.add_scan({read({.hits = 4})});
    EXPECT_EQ(hits(p), 107u);
    EXPECT_EQ(p.groups[{"nginx"}].figures[0].misses, 3u);
    EXPECT_EQ(p.groups[{"nginx"}].figures[0].retained, 2u) << "the former programs hold nothing";
    EXPECT_EQ(hits(sums.add_scan({})), 107u);
}

TEST(process_sums, stay_with_the_former_name_when_a_process_executes_another_program) {
    process_sums sums;
    (void)sums.add_scan({read({"wrapper", 100})});
    picture p = sums.add_scan({read({"nginx", 3})});
    EXPECT_EQ(hits(p, "wrapper"), 100u);
    EXPECT_EQ(hits(p), 3u);
    EXPECT_EQ(p.groups[{"wrapper"}].processes.helped, 0u);
    EXPECT_EQ(p.groups[{"nginx"}].processes.helped, 1u);
}

TEST(process_sums, count_a_process_that_renames_itself_once) {
    process_sums sums;
    (void)sums.add_scan({read({"nginx", 5})});
    picture p = sums.add_scan({read({"nginx: worker", 6})});
    EXPECT_EQ(hits(p), 6u);
    EXPECT_EQ(all_hits(p), 6u);
    EXPECT_EQ(p.groups[{"nginx"}].processes.helped, 1u);
    p = sums.add_scan({});
    EXPECT_EQ(all_hits(p), 6u);
}

TEST(process_sums, outlast_a_scan_that_cannot_read_a_process) {
    for (const read_error error :
         {read_error::not_permitted, read_error::memory_not_permitted, read_error::no_answer,
          read_error::unknown_version, read_error::not_under_ibid, read_error::no_such_process}) {
        for (const std::uint64_t start_time : {0, 1000}) { // without permission it may be unknown
            process_sums sums;
            (void)sums.add_scan({read({.hits = 5})});
            EXPECT_EQ(all_hits(sums.add_scan({unread(error, "nginx", start_time)})), 5u);
            EXPECT_EQ(all_hits(sums.add_scan({read({.hits = 6})})), 6u) << static_cast<int>(error);
            EXPECT_EQ(all_hits(sums.add_scan({})), 6u);
        }
    }
}

TEST(process_sums, tell_processes_that_are_slow_from_those_that_may_not_be_read) {
    process_sums sums;
    picture p = sums.add_scan({unread(read_error::no_answer)});
    EXPECT_EQ(p.silent, 1u);
    EXPECT_TRUE(p.groups.empty()) << "it may not be under ibid at all";
    (void)sums.add_scan({read({.hits = 5})});
    p = sums.add_scan({unread(read_error::no_answer)});
    EXPECT_EQ(p.groups[{"nginx"}].processes.silent, 1u);
    EXPECT_EQ(p.groups[{"nginx"}].processes.unreadable, 0u);
    p = sums.add_scan({unread(read_error::unknown_version)});
    EXPECT_EQ(p.groups[{"nginx"}].processes.silent, 0u);
    EXPECT_EQ(p.groups[{"nginx"}].processes.unreadable, 1u);
}

TEST(process_sums, keep_the_events_of_a_process_that_has_ended) {
    process_sums sums;
    (void)sums.add_scan({read({.hits = 5}), read({.hits = 2, .pid = 8})});
    for (int i = 0; i < 3; ++i) {
        picture p = sums.add_scan({read({.hits = 2, .pid = 8})});
        EXPECT_EQ(hits(p), 7u);
        EXPECT_EQ(p.groups[{"nginx"}].figures[0].retained, 2u);
        EXPECT_EQ(p.groups[{"nginx"}].processes.helped, 1u);
    }
}

TEST(process_sums, count_two_processes_that_had_one_pid_both) {
    process_sums sums;
    (void)sums.add_scan({read({.hits = 5})});
    EXPECT_EQ(hits(sums.add_scan({read({.hits = 8, .start_time = 2000})})), 13u);
    picture p = sums.add_scan({read({"curl", 9, 3000})});
    EXPECT_EQ(hits(p), 13u);
    EXPECT_EQ(hits(p, "curl"), 9u);
    EXPECT_EQ(all_hits(sums.add_scan({unread(read_error::no_answer, "curl", 4000)})), 22u);
}

TEST(process_sums, of_each_process_end_with_it) {
    process_sums sums;
    (void)sums.add_scan({read({.hits = 5}, true)});
    EXPECT_EQ(hits(sums.add_scan({read({.hits = 2}, true)}), "nginx", 7), 7u) << "it executed itself";
    EXPECT_EQ(hits(sums.add_scan({read({"other", 3}, true)}), "nginx", 7), 8u) << "it renamed itself";
    EXPECT_TRUE(sums.add_scan({}).groups.empty());
}

TEST(process_sums, of_programs_that_always_take_a_new_name_are_one_and_do_not_fall) {
    process_sums sums;
    std::uint64_t others = 0;
    for (std::uint64_t i = 0; i < process_sums::most_groups + 10; ++i) {
        picture p = sums.add_scan({read({std::to_string(i), 1, i + 1}), read({.hits = i, .pid = 8})});
        EXPECT_EQ(all_hits(p), 2 * i + 1);
        EXPECT_EQ(hits(p), i);
        EXPECT_GE(hits(p, "(others)"), std::exchange(others, hits(p, "(others)")));
    }
    EXPECT_EQ(others, 11u);
}

} // namespace
} // namespace ibid::cli::exporter
