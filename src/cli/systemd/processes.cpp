// SPDX-License-Identifier: Apache-2.0
//
// See processes.h.
#include "cli/systemd/processes.h"

#include "cli/programs/process.h"
#include "statistics/every_process.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

namespace ibid::cli::systemd {
namespace {

using shared_statistics::read_error;

// "0::" and "/system.slice/nginx.service", a line for each hierarchy.
struct membership {
    std::string_view hierarchy;
    std::string_view group;
};
std::vector<membership> memberships(std::string_view text) {
    std::vector<membership> all;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        if (const std::size_t at = line.find(":/"); at != std::string_view::npos)
            all.push_back({line.substr(0, at + 1), line.substr(at + 1)});
    }
    return all;
}

// The group below which systemd has its units: it is itself in init.scope there. In a container, or seen
// from one, that is not the top.
std::string_view top_of(const membership& one, const std::vector<membership>& of_systemd) {
    constexpr std::string_view own = "/init.scope";
    for (const membership& m : of_systemd) {
        if (m.hierarchy != one.hierarchy)
            continue;
        std::string_view top = m.group;
        if (top.ends_with(own))
            top.remove_suffix(own.size());
        if ((std::string(one.group) + "/").starts_with(std::string(top) + "/"))
            return top;
    }
    return {};
}

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

const std::string& groups_of_systemd() {
    static const std::string text = text_of("/proc/1/cgroup");
    return text;
}

std::string any_unit_of(pid_t pid) {
    return unit_in(text_of("/proc/" + std::to_string(pid) + "/cgroup"), groups_of_systemd());
}

} // namespace

bool process::is_under_ibid() const {
    return seen.error == read_error::none || seen.error == read_error::not_used ||
           seen.error == read_error::memory_not_permitted || seen.error == read_error::unknown_version;
}

bool process::is_unknown() const {
    return seen.error == read_error::not_permitted || seen.error == read_error::no_answer;
}

bool process::has_figures() const {
    return seen.error == read_error::none || seen.error == read_error::not_used ||
           seen.error == read_error::not_under_ibid;
}

bool process::is_forbidden() const {
    return seen.error == read_error::not_permitted || seen.error == read_error::memory_not_permitted;
}

std::string unit_in(std::string_view groups, std::string_view of_systemd) {
    const std::vector<membership> systemds = memberships(of_systemd);
    for (const membership& one : memberships(groups)) {
        std::string_view rest = one.group.substr(top_of(one, systemds).size());
        while (!rest.empty()) {
            rest.remove_prefix(1);
            const std::string_view part = rest.substr(0, rest.find('/'));
            rest.remove_prefix(part.size());
            if (part.ends_with(".slice") || part == "..")
                continue;
            if (part.ends_with(".service"))
                return std::string(part);
            break; // a scope: what is below belongs to it
        }
    }
    return {};
}

std::string unit_of(pid_t pid) {
    std::string unit = any_unit_of(pid);
    return unit.starts_with("user@") ? std::string() : unit;
}

std::vector<process> processes_of(const std::string& unit) {
    std::vector<process> all;
    int silent = 0; // each takes a second
    for (const pid_t pid : shared_statistics::every_process()) {
        if (any_unit_of(pid) != unit)
            continue;
        all.push_back({pid, name_of_process(pid), {read_error::no_answer, {}}});
        if (silent < 3)
            all.back().seen = shared_statistics::read_process(pid);
        silent += all.back().seen.error == read_error::no_answer ? 1 : 0;
    }
    std::erase_if(all, [](const process& p) { return p.seen.error == read_error::no_such_process; });
    return all;
}

} // namespace ibid::cli::systemd
