// SPDX-License-Identifier: Apache-2.0
//
// See collector.h.
#include "cli/exporter/collector.h"

#include "cli/programs/process.h"
#include "cli/systemd/processes.h"

#include <charconv>
#include <chrono>
#include <fstream>
#include <iterator>
#include <optional>

namespace ibid::cli::exporter {
namespace {

using shared_statistics::kind_figures;
using shared_statistics::kinds;
using shared_statistics::read_error;

// Field 22 of /proc/PID/stat. The second field is a name in parentheses, which may contain any character.
std::optional<std::uint64_t> start_of(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string text{std::istreambuf_iterator<char>(file), {}};
    std::size_t at = text.rfind(')');
    for (int field = 2; field < 22 && at != std::string::npos; ++field)
        at = text.find(' ', at + 1);
    std::uint64_t start = 0;
    if (at == std::string::npos ||
        std::from_chars(text.data() + at + 1, text.data() + text.size(), start).ec != std::errc{})
        return std::nullopt;
    return start;
}

// Only events: what a process held ended with it.
void add_events(kind_figures& to, const kind_figures& from) {
    for (std::size_t k = 0; k < kinds; ++k) {
        to[k].hits += from[k].hits;
        to[k].misses += from[k].misses;
        to[k].evictions += from[k].evictions;
        to[k].detached += from[k].detached;
        to[k].bytes_not_parsed += from[k].bytes_not_parsed;
    }
}

void add_holdings(kind_figures& to, const kind_figures& from) {
    for (std::size_t k = 0; k < kinds; ++k) {
        to[k].active += from[k].active;
        to[k].retained += from[k].retained;
        to[k].retained_bytes += from[k].retained_bytes;
    }
}

} // namespace

void collector::keep(const known_process& gone) {
    if (per_process_)
        return; // its series ends
    const bool fits = ended_.size() < most_ended || ended_.find(gone.group) != ended_.end();
    add_events(ended_[fits ? gone.group : group_name{"(others)", {}, 0}], gone.figures);
}

const picture& collector::look() {
    const auto begin = std::chrono::steady_clock::now();
    now_ = {};
    std::map<identity, known_process> seen;
    for (const auto& [pid, process] : host_.look()) {
        now_.others_not_shown |= process.error == read_error::not_permitted || process.not_started != 0;
        if (process.error == read_error::not_permitted || process.error == read_error::not_under_ibid ||
            process.error == read_error::no_such_process)
            continue;
        const std::optional<std::uint64_t> start = start_of(pid);
        if (!start)
            continue;
        const auto before = known_.find({pid, *start});
        if (process.error == read_error::no_answer && before == known_.end()) {
            ++now_.silent; // perhaps it is not even under ibid
            continue;
        }
        const group_name name{name_of_process(pid), systemd::unit_of(pid), per_process_ ? pid : 0};
        group& g = now_.groups[name];
        if (process.error == read_error::memory_not_permitted ||
            process.error == read_error::unknown_version || process.error == read_error::no_answer) {
            ++g.processes.unreadable;
            if (before != known_.end()) { // the last value that was read, because a sum never decreases
                add_events(now_.groups[before->second.group].figures, before->second.figures);
                seen.insert(*before);
            }
            continue;
        }
        const shared_statistics::process_figures& f = process.figures;
        ++(process.error == read_error::not_used && !f.is_disabled ? g.processes.unused
           : f.helped                                              ? g.processes.helped
           : f.is_disabled                                         ? g.processes.disabled
                                                                   : g.processes.unused);
        if (f.is_disabled)
            ++g.reasons[f.reason];
        // The process has executed another program: the former counts are final.
        if (before != known_.end() && !(before->second.group == name))
            keep(before->second);
        add_events(g.figures, f.of);
        add_holdings(g.figures, f.of);
        seen[{pid, *start}] = {name, f.of};
    }
    for (const auto& [id, process] : known_) {
        if (seen.find(id) == seen.end())
            keep(process);
    }
    known_ = std::move(seen);
    for (const auto& [name, figures] : ended_)
        add_events(now_.groups[name].figures, figures);
    now_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return now_;
}

} // namespace ibid::cli::exporter
