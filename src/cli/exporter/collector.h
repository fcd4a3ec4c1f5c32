// SPDX-License-Identifier: Apache-2.0
//
// What all processes of this host under ibid counted, summed up by program and service, for a monitoring
// system.
//
// Law: a sum never falls while this lives. Processes end, and what they counted stays in their group; what
// one counted after the last look, and one that lived between two looks, is missing.
#pragma once

#include "statistics/host_reader.h"
#include "statistics/observe.h"

#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include <sys/types.h>

namespace ibid::cli::exporter {

// What a series is named by.
struct group_name {
    std::string program; // as `ps` shows it
    std::string service; // systemd's unit; empty: none
    pid_t pid = 0;       // only where each process is a group of its own

    [[nodiscard]] bool operator==(const group_name&) const = default;
    [[nodiscard]] bool operator<(const group_name& other) const {
        return std::tie(program, service, pid) < std::tie(other.program, other.service, other.pid);
    }
};

// How many processes there are now, by what ibid does in them.
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
    bool others_not_shown = false; // other users' processes may not even be asked
    std::uint64_t silent = 0;      // could not be read in time, and may be under ibid
    double seconds = 0;            // that the look took
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
    // A PID may be used again: the time of its start tells one process from the next.
    using identity = std::pair<pid_t, std::uint64_t>;

    // Programs choose their names, and may choose a new one each time: the sums of so many that have ended
    // are kept apart.
    static constexpr std::size_t most_ended = 2000;

    void keep(const known_process& gone);

    bool per_process_;
    shared_statistics::host_reader host_;
    std::map<identity, known_process> known_;
    std::map<group_name, shared_statistics::kind_figures> ended_; // what processes counted that are gone
    picture now_;
};

} // namespace ibid::cli::exporter
