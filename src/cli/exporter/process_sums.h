// SPDX-License-Identifier: Apache-2.0
//
// Sums of the processes' counters, by program and service, for a monitoring system.
//
// Laws:
//  - A sum never decreases during the lifetime of this object.
//  - A process is a PID and a start time, because PIDs are reused. It counts in the group of the name that it
//    had when its counters were first read, whatever it is named later.
//  - A process of which a counter fell has executed another program: what it had counted stays in its group,
//    and the new program counts in the group of its own name.
//  - A process ends when it is no longer listed, or when its PID has another start time; its counts stay in
//    its group. A process that cannot be read has not ended: its last counts remain.
//
//     process_sums sums;
//     const picture& p = sums.add_scan({{.pid = 77, .name = {"nginx"}, .read = read_process(77)}});
#pragma once

#include "statistics/figures.h"
#include "statistics/observe.h"

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include <sys/types.h>

namespace ibid::cli::exporter {

// The labels of a series.
struct group_name {
    std::string program;   // as `ps` shows it
    std::string service{}; // systemd's unit; empty: none
    pid_t pid = 0;         // only where each process is a group of its own

    [[nodiscard]] bool operator==(const group_name&) const = default;
    [[nodiscard]] bool operator<(const group_name& other) const {
        return std::tie(program, service, pid) < std::tie(other.program, other.service, other.pid);
    }
};

// The number of processes now, by the state of ibid in them.
struct process_counts {
    std::uint64_t helped = 0;
    std::uint64_t disabled = 0;   // it is disabled
    std::uint64_t unused = 0;     // they have not used OpenSSL so far
    std::uint64_t unreadable = 0; // their memory may not be read, or they have another version of ibid
    std::uint64_t silent = 0;     // they were read before, and now not in time
};

struct group {
    process_counts processes;
    std::map<std::string, std::uint64_t> reasons; // why it is disabled, in how many processes
    shared_statistics::kind_figures figures;
};

struct picture {
    std::map<group_name, group> groups;
    bool others_not_shown = false; // no permission to examine other users' processes
    std::uint64_t silent = 0;      // could not be read in time
    double seconds = 0;            // duration of the scan
};

// What a scan found out about one process.
struct observation {
    pid_t pid = 0;
    group_name name; // the name that it has now. Not used if ibid is not in it, or it may not be examined
    shared_statistics::process_result read;
};

class process_sums {
public:
    // Programs choose their names, and may choose a new one each time. After this many names the counts of
    // further ones are summed as "(others)".
    static constexpr std::size_t most_groups = 2000;

    // All processes that a scan found.
    [[nodiscard]] const picture& add_scan(const std::vector<observation>& all);

private:
    struct known_process {
        std::uint64_t start_time = 0;
        group_name group;
        shared_statistics::kind_figures figures; // as last read; the gauges are 0 if not in this scan
        bool is_listed = true;                   // in this scan
    };

    void add(const observation& o);
    void add_readable(const observation& o, known_process* known);
    void end(pid_t pid);
    [[nodiscard]] group_name group_for(const group_name& name);

    std::map<pid_t, known_process> known_;
    // The groups that have ever counted, with the counts of programs that have ended.
    std::map<group_name, shared_statistics::kind_figures> ended_;
    picture now_;
};

} // namespace ibid::cli::exporter
