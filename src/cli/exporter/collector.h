// SPDX-License-Identifier: Apache-2.0
//
// The counters of all processes of this host under ibid, summed by program and service, for a monitoring
// system.
//
// Law: a sum never decreases during the lifetime of this object. When a process ends, its counts stay in its
// group. Counts after the last scan are missing, and so is a process that lived only between two scans.
#pragma once

#include "statistics/host_reader.h"
#include "statistics/observe.h"

#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include <sys/types.h>

namespace ibid::cli::exporter {

// The labels of a series.
struct group_name {
    std::string program; // as `ps` shows it
    std::string service; // systemd's unit; empty: none
    pid_t pid = 0;       // only where each process is a group of its own

    [[nodiscard]] bool operator==(const group_name&) const = default;
    [[nodiscard]] bool operator<(const group_name& other) const {
        return std::tie(program, service, pid) < std::tie(other.program, other.service, other.pid);
    }
};

// The number of processes now, by the state of ibid in them.
struct process_counts {
    std::uint64_t helped = 0;
    std::uint64_t disabled = 0; // it is disabled
    std::uint64_t unused = 0;   // they have not used OpenSSL so far
    // Their memory may not be read, or not in time, or they have another version of ibid.
    std::uint64_t unreadable = 0;
};

struct group {
    process_counts processes;
    std::map<std::string, std::uint64_t> reasons; // why it is disabled, in how many processes
    shared_statistics::kind_figures figures;
};

struct picture {
    std::map<group_name, group> groups;
    bool others_not_shown = false; // no permission to examine other users' processes
    std::uint64_t silent = 0;      // could not be read in time, and may be under ibid
    double seconds = 0;            // duration of the scan
};

class collector {
public:
    explicit collector(bool per_process) : per_process_(per_process) {}

    [[nodiscard]] const picture& look();

private:
    struct known_process {
        group_name group;
        shared_statistics::kind_figures figures;
    };
    // PIDs are reused; the start time distinguishes the processes.
    using identity = std::pair<pid_t, std::uint64_t>;

    // Programs choose their names, and may choose a new one each time. Separate sums are kept for this many
    // ended programs.
    static constexpr std::size_t most_ended = 2000;

    void keep(const known_process& gone);

    bool per_process_;
    shared_statistics::host_reader host_;
    std::map<identity, known_process> known_;
    std::map<group_name, shared_statistics::kind_figures> ended_; // the counts of processes that have ended
    picture now_;
};

} // namespace ibid::cli::exporter
