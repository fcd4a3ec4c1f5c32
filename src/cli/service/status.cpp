// SPDX-License-Identifier: Apache-2.0
//
// `ibid status`.
#include "cli/base/exit_status.h"
#include "cli/base/files.h"
#include "cli/base/numbers.h"
#include "cli/base/say.h"
#include "cli/base/terminal.h"
#include "cli/base/words.h"
#include "cli/programs/process.h"
#include "cli/service/commands.h"
#include "cli/service/drop_in.h"
#include "cli/systemd/processes.h"
#include "cli/systemd/unit.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ibid::cli::service {
namespace {

using shared_statistics::kind;
using systemd::process;

struct service_state {
    std::string name;
    std::string file; // the drop-in, if ibid is enabled
    std::vector<process> running;
    std::string missing;                 // a file that the drop-in names and that does not exist
    std::vector<std::string> overridden; // what takes the drop-in's effect away

    [[nodiscard]] auto count(bool (process::*is)() const) const {
        return static_cast<std::uint64_t>(
            std::count_if(running.begin(), running.end(), [is](const process& p) { return (p.*is)(); }));
    }
    [[nodiscard]] std::uint64_t helped() const {
        return static_cast<std::uint64_t>(std::count_if(
            running.begin(), running.end(), [](const process& p) { return p.seen.figures.helped; }));
    }
    [[nodiscard]] std::uint64_t hits() const {
        std::uint64_t n = 0;
        for (const process& p : running)
            n += p.seen.figures[kind::certificates].hits;
        return n;
    }
    // Whether ibid is in one of its processes; nothing: not known, or there is none.
    [[nodiscard]] std::optional<bool> took() const {
        if (count(&process::is_under_ibid) != 0)
            return true;
        return running.empty() || count(&process::is_unknown) != 0 ? std::nullopt : std::optional(false);
    }
    [[nodiscard]] std::vector<std::string> reasons() const {
        std::vector<std::string> all;
        for (const process& p : running) {
            const std::string& reason = p.seen.figures.reason;
            if (p.seen.figures.is_disabled && std::find(all.begin(), all.end(), reason) == all.end())
                all.push_back(reason);
        }
        return all;
    }
};

// The preload that the drop-in names. Its path contains the loader's token, so this checks the library
// itself.
std::string missing_file(const std::string& root, const std::string& text) {
    constexpr std::string_view start = "LD_PRELOAD=";
    const std::size_t at = text.find(start);
    if (at == std::string::npos)
        return {};
    std::string path =
        text.substr(at + start.size(), text.find_first_of(":\"\n", at + start.size()) - at - start.size());
    path.erase(std::min(path.size(), path.find("/$LIB/")));
    std::error_code error;
    return std::filesystem::exists(inside(root, path), error) ? std::string() : path;
}

service_state look(const std::string& root, const std::string& name) {
    service_state s;
    s.name = name;
    const std::string file = drop_in_file(root, name);
    if (const drop_in there = look_at_drop_in(file); there.state == drop_in_state::ours) {
        s.file = file;
        if (const systemd::unit_result loaded = systemd::load_unit(root, name); loaded.found)
            s.overridden = overridden(*loaded.found, drop_in_path(name));
        s.missing = missing_file(root, there.text);
    }
    if (root.empty())
        s.running = systemd::processes_of(name);
    return s;
}

std::string sentence(const service_state& s, bool image) {
    if (s.file.empty() && image)
        return "off";
    if (s.file.empty() && s.count(&process::is_under_ibid) != 0)
        return "off, but still loaded in processes that were started before: systemctl restart " + s.name;
    if (s.file.empty())
        return fmt::format("off; 'ibid enable {}' turns it on", s.name);
    if (!s.missing.empty())
        return fmt::format(
            "on, but {} does not exist: its programs start without it, and their loader says so", s.missing);
    if (!s.overridden.empty())
        return "on, but " + s.overridden.front();
    if (image)
        return "on";
    if (s.running.empty())
        return "on; the service does not run";
    if (s.took() == false)
        return fmt::format(
            "on, but its processes were started before: systemctl daemon-reload && systemctl restart {}",
            s.name);
    const std::string all = s.running.size() == 1 ? "1 process" : grouped(s.running.size()) + " processes";
    if (!s.took())
        return fmt::format("on; it is not known whether ibid is in its {}", all);
    std::string text = fmt::format("on; {} of {} under ibid", grouped(s.count(&process::is_under_ibid)), all);
    if (const std::uint64_t n = s.count(&process::is_unknown); n != 0)
        text += fmt::format(", {} not known", grouped(n));
    if (s.count(&process::has_figures) == 0)
        return text + "; it is not known whether it is helped";
    return text + fmt::format(", {} helped; {}", grouped(s.helped()), counted(s.hits(), "certificate hit"));
}

nlohmann::ordered_json as_json(const service_state& s) {
    nlohmann::ordered_json processes = nlohmann::ordered_json::array();
    for (const process& p : s.running) {
        nlohmann::ordered_json one = {{"pid", p.pid},
                                      {"name", p.name},
                                      {"under_ibid", nullptr},
                                      {"helped", nullptr},
                                      {"hits", nullptr}};
        if (!p.is_unknown())
            one["under_ibid"] = p.is_under_ibid();
        if (p.has_figures()) {
            one["helped"] = p.seen.figures.helped;
            one["hits"] = p.seen.figures[kind::certificates].hits;
        }
        processes.push_back(std::move(one));
    }
    nlohmann::ordered_json out = {{"service", s.name},
                                  {"enabled", !s.file.empty()},
                                  {"file", nullptr},
                                  {"missing", nullptr},
                                  {"took", nullptr}};
    if (!s.file.empty())
        out["file"] = s.file;
    if (!s.missing.empty())
        out["missing"] = s.missing;
    if (const std::optional<bool> took = s.took(); !s.file.empty() && took)
        out["took"] = *took;
    out["overridden"] = s.overridden;
    out["reasons"] = s.reasons();
    out["processes"] = std::move(processes);
    return out;
}

} // namespace

int status(const request& r) {
    std::vector<std::string> names = services_with_drop_in(r.root);
    if (!r.service.empty()) {
        const systemd::unit_result loaded = systemd::load_unit(r.root, r.service);
        if (!loaded.found) {
            complain(loaded.error);
            return systemd::unit_name(r.service).empty() ? exit_usage : exit_no;
        }
        names = {loaded.found->name};
    }
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    bool good = true;
    for (const std::string& name : names) {
        const service_state s = look(r.root, name);
        const bool fine = !s.file.empty() && s.missing.empty() && s.overridden.empty() &&
                          (s.running.empty() || s.took() == true);
        good &= fine;
        list.push_back(as_json(s));
        if (r.json)
            continue;
        say("{:<30} {}\n", s.name, paint(fine ? colour::good : colour::bad, sentence(s, !r.root.empty())));
        for (const std::string& reason : s.reasons())
            say("{:<30} is disabled: {}\n", "", reason);
        if (const std::uint64_t n = s.count(&process::is_forbidden); n != 0)
            say("{:<30} {} may not be read{}\n", "", grouped(n), with_more_rights());
    }
    if (r.json)
        put(json_text(nlohmann::ordered_json{{"ibid", IBID_VERSION}, {"services", list}}) + "\n");
    else if (names.empty())
        say("ibid is not enabled for any service. 'ibid enable SERVICE' enables it.\n");
    return good ? exit_ok : exit_no;
}

} // namespace ibid::cli::service
