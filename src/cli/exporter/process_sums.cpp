// SPDX-License-Identifier: Apache-2.0
//
// See process_sums.h.
#include "cli/exporter/process_sums.h"

namespace ibid::cli::exporter {

using shared_statistics::events_of;
using shared_statistics::has_fallen;
using shared_statistics::read_error;
using shared_statistics::operator+=; // NOLINT(misc-unused-using-decls): by its operator

const picture& process_sums::add_scan(const std::vector<observation>& all) {
    now_ = {};
    for (auto& [pid, process] : known_) {
        process.is_listed = false;
        process.figures = events_of(process.figures); // what it holds now is not known yet
    }
    for (const observation& o : all)
        add(o);
    for (auto at = known_.begin(); at != known_.end();) {
        const pid_t pid = at->first;
        const bool has_ended = !at->second.is_listed;
        ++at;
        if (has_ended)
            end(pid);
    }
    // With a group for each process, a series ends with its process.
    std::erase_if(ended_, [this](const auto& one) {
        return one.first.pid != 0 && known_.find(one.first.pid) == known_.end();
    });
    for (const auto& [name, events] : ended_)
        now_.groups[name].figures += events;
    for (const auto& [pid, process] : known_)
        now_.groups[process.group].figures += process.figures;
    return now_;
}

void process_sums::add(const observation& o) {
    const read_error error = o.read.error;
    now_.others_not_shown |= error == read_error::not_permitted || o.read.not_started != 0;
    auto at = known_.find(o.pid);
    // Without a start time nothing says that it is another process.
    if (at != known_.end() && o.read.start_time != 0 && at->second.start_time != 0 &&
        at->second.start_time != o.read.start_time) {
        end(o.pid);
        at = known_.end();
    }
    known_process* const known = at != known_.end() ? &at->second : nullptr;
    if (known != nullptr)
        known->is_listed = true;
    switch (error) {
    case read_error::none:
    case read_error::not_used:
        add_readable(o, known);
        break;
    case read_error::memory_not_permitted:
    case read_error::unknown_version:
        ++now_.groups[known != nullptr ? known->group : o.name].processes.unreadable;
        break;
    case read_error::no_answer:
        ++now_.silent;
        if (known != nullptr) // another one is perhaps not even under ibid
            ++now_.groups[known->group].processes.silent;
        break;
    case read_error::not_permitted:
        if (known != nullptr)
            ++now_.groups[known->group].processes.unreadable;
        break;
    case read_error::no_such_process: // it has just ended
    case read_error::not_under_ibid:  // perhaps it has executed another program
        break;
    }
}

void process_sums::add_readable(const observation& o, known_process* known) {
    const shared_statistics::process_figures& f = o.read.figures;
    if (known != nullptr && has_fallen(known->figures, f.of)) {
        end(o.pid);
        known = nullptr;
    }
    if (known == nullptr && o.read.error == read_error::none) {
        known = &known_[o.pid];
        known->start_time = o.read.start_time;
        known->group = group_for(o.name);
    }
    group& g = now_.groups[known != nullptr ? known->group : o.name];
    if (known != nullptr)
        known->figures = f.of;
    ++(o.read.error == read_error::not_used && !f.is_disabled ? g.processes.unused
       : f.helped                                             ? g.processes.helped
       : f.is_disabled                                        ? g.processes.disabled
                                                              : g.processes.unused);
    if (f.is_disabled)
        ++g.reasons[f.reason];
}

void process_sums::end(pid_t pid) {
    const auto at = known_.find(pid);
    ended_[at->second.group] += events_of(at->second.figures);
    known_.erase(at);
}

group_name process_sums::group_for(const group_name& name) {
    const bool fits = ended_.size() < most_groups || ended_.find(name) != ended_.end();
    group_name group = fits ? name : group_name{"(others)", {}, name.pid};
    ended_.try_emplace(group);
    return group;
}

} // namespace ibid::cli::exporter
