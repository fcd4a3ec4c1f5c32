// SPDX-License-Identifier: Apache-2.0
//
// `ibid enable` and `ibid disable`.
#include "cli/base/exit_status.h"
#include "cli/base/files.h"
#include "cli/base/say.h"
#include "cli/base/terminal.h"
#include "cli/base/words.h"
#include "cli/doctor/unit_judgement.h"
#include "cli/programs/installation.h"
#include "cli/service/commands.h"
#include "cli/service/drop_in.h"
#include "cli/settings/configuration.h"
#include "cli/settings/effective_settings.h"
#include "cli/settings/known_settings.h"
#include "cli/systemd/unit.h"

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ibid::cli::service {
namespace {

namespace fs = std::filesystem;

int refuse(int status, const std::string& what) {
    complain(what);
    return status;
}

// The preload as the service will find it; for an image, the one that is installed in it.
std::string preload_for(const std::string& root, std::string& error) {
    if (root.empty()) {
        const std::optional<std::string> preload = find_preload();
        if (!preload)
            error = "libibid_preload.so was not found; 'ibid doctor' says where it was looked for";
        return preload.value_or("");
    }
    std::string preload = IBID_INSTALL_FULL_LIBDIR "/libibid_preload.so";
    std::error_code ignored;
    if (!fs::exists(inside(root, preload), ignored))
        error = fmt::format("ibid is not installed in {}: there is no {}", root, preload);
    return preload;
}

std::string entry_in(const std::string& root, const std::string& preload) {
    std::string entry = entry_for(root + preload).text;
    return entry.erase(0, root.size());
}

// An error message for a setting such as "IBID_PRIVACY=strict", by the same function as in `ibid run`.
std::string wrong_assignment(const std::string& setting) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos || !setting.starts_with("IBID_") || equals == 5)
        return fmt::format(
            "--set: '{}' is not NAME=VALUE with a setting of ibid's ('ibid run --help' lists them)",
            legible(setting));
    const std::string name = setting.substr(0, equals);
    if (!configuration::can_hold(setting.substr(equals + 1)))
        return fmt::format("--set: {} has control characters, or more than 1024 characters", legible(name));
    if (!is_setting(name))
        return "--set: " + not_a_setting(name);
    return wrong_value(name, setting.substr(equals + 1));
}

// The settings for the drop-in: those of files for its program, if its unit has none of that name, then those
// given by --set. Specifiers in them count.
std::vector<std::string> settings_for(const request& r, const systemd::unit& u, doctor::unit_judgement& j) {
    const configuration files = configuration::load(r.root);
    const std::vector<std::string> names =
        names_of_program(inside(r.root, j.program, false), files.has_sections());
    for (const std::string& complaint : files.complaints_of(names))
        j.notes.push_back(complaint);
    std::vector<std::string> all;
    const auto put = [&](const configuration::setting& from_file, const std::string& value) {
        all.push_back(fmt::format("{}={}", from_file.name, value));
        j.notes.push_back(fmt::format("{} comes from {}", all.back(), from_file.place()));
    };
    // Of a program that a section disables, wherever it is started.
    const auto put_longer = [&](const std::string& exclude) {
        const auto longer = files.with_disabled_programs(exclude, names);
        if (longer)
            put(*longer, longer->value);
        return longer.has_value();
    };
    const auto is_given = [&r](const std::string& name) {
        return std::any_of(r.settings.begin(), r.settings.end(),
                           [&name](const std::string& given) { return given.starts_with(name + "="); });
    };
    for (const configuration::setting& s : files.settings_of(names)) {
        const auto of_unit = u.environment(r.root, s.name);
        if (is_given(s.name))
            continue;
        if (!of_unit)
            put(s, systemd::without_specifiers(s.value));
        else if (s.name == "IBID_EXCLUDE")
            put_longer(of_unit->value);
        if (!of_unit && s.name == "IBID_DISABLE" && s.value == "1")
            j.problems.push_back(fmt::format("{} disables ibid in it (IBID_DISABLE=1)", s.place()));
    }
    for (const std::string& given : r.settings) {
        constexpr std::string_view exclude = "IBID_EXCLUDE=";
        const std::string text = systemd::without_specifiers(given);
        if (!text.starts_with(exclude) || !put_longer(text.substr(exclude.size())))
            all.push_back(text);
    }
    return all;
}

// What the file of an earlier `ibid enable --set` sets, and the new one does not, for a person.
std::vector<std::string> no_longer_set(const std::string& before, const std::vector<std::string>& now) {
    constexpr std::string_view key = "Environment=";
    std::vector<std::string> gone;
    std::istringstream lines(before);
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with(key))
            continue;
        for (const std::string& word : systemd::words_of(line.substr(key.size()))) {
            const std::string name = word.substr(0, word.find('=') + 1);
            if (std::none_of(now.begin(), now.end(),
                             [&name](const std::string& one) { return one.starts_with(name); }))
                gone.push_back(
                    fmt::format("{0} was set in this file and no longer is; to keep it: --set {0}", word));
        }
    }
    return gone;
}

std::vector<std::string> next_steps(const request& r, const systemd::unit& u) {
    if (!r.root.empty())
        return {};
    return {fmt::format("systemctl daemon-reload && systemctl restart {}", u.name),
            fmt::format("ibid status {}", u.name)};
}

void print_list(const char* label, const std::vector<std::string>& lines, bool bad = false) {
    for (const std::string& line : lines)
        say("{}{:{}} {}\n", bad ? paint(colour::bad, label) : legible_text{label}, "",
            std::max<std::size_t>(10, std::strlen(label)) - std::strlen(label), line);
}

} // namespace

bool normalize_root(std::string& root) {
    std::error_code error;
    if (root.empty())
        return true;
    const fs::path real = fs::canonical(root, error);
    if (error || !fs::is_directory(real, error))
        return false;
    root = real == "/" ? std::string() : real.string();
    return true;
}

int enable(const request& r) {
    for (const std::string& setting : r.settings) {
        if (const std::string wrong = wrong_assignment(setting); !wrong.empty())
            return refuse(exit_usage, wrong);
    }
    const std::string named = systemd::unit_name(r.service);
    const systemd::unit_result loaded =
        systemd::load_unit(r.root, r.service, {named.empty() ? std::string() : drop_in_path(named), {}});
    if (!loaded.found)
        return refuse(named.empty() ? exit_usage : exit_no, loaded.error);
    systemd::unit u = *loaded.found;
    const std::string path = drop_in_path(u.name);
    if (u.name != named) // an alias: its drop-in is that of the service that it leads to
        u = systemd::load_unit(r.root, u.name, {path, {}}).found.value_or(u);
    const std::string file = drop_in_file(r.root, u.name);

    std::string error;
    const std::string preload = preload_for(r.root, error);
    if (!error.empty())
        return refuse(exit_no, error);
    doctor::unit_judgement j = doctor::judge(u, r.root, preload);
    const std::vector<std::string> settings = settings_for(r, u, j);
    const drop_in before = look_at_drop_in(file);
    if (before.state == drop_in_state::foreign)
        return refuse(exit_no, fmt::format("{} exists, and ibid did not write it: it is not changed", file));

    const auto there = u.environment(r.root, "LD_PRELOAD");
    std::vector<std::string> assignments{
        "LD_PRELOAD=" + prepend_preload(systemd::without_specifiers(entry_in(r.root, preload)),
                                        there && there->file.empty() ? there->value : "")};
    assignments.insert(assignments.end(), settings.begin(), settings.end());
    for (std::string& gone : no_longer_set(before.text, assignments))
        j.notes.push_back(std::move(gone));
    const std::string text = drop_in_text(u.name, assignments);
    const systemd::unit_result then = systemd::load_unit(r.root, u.name, {path, text});
    for (std::string& what : overridden(then.found.value_or(u), path))
        j.problems.push_back(std::move(what));
    const bool go = j.problems.empty() || r.force;
    const bool same = before.state == drop_in_state::ours && before.text == text;
    bool written = false;
    if (go && !same && !r.dry_run) {
        if (const std::string failed = write_drop_in(file, text); !failed.empty())
            return refuse(exit_no, failed);
        written = true;
    }
    const std::vector<std::string> next = go && !r.dry_run ? next_steps(r, u) : std::vector<std::string>();
    if (r.json) {
        const nlohmann::ordered_json out = {
            {"ibid", IBID_VERSION}, {"service", u.name},  {"program", j.program}, {"file", file},
            {"content", text},      {"written", written}, {"unchanged", same},    {"problems", j.problems},
            {"notes", j.notes},     {"needed", j.needed}, {"next", next}};
        put(json_text(out) + "\n");
        return go ? exit_ok : exit_no;
    }
    say("service    {}\n", u.name);
    if (!j.program.empty())
        say("program    {}\n", j.program);
    print_list("note", j.notes);
    print_list("problem", j.problems, true);
    if (!go) {
        say("{}\n", paint(colour::bad, "not enabled."));
        say("'--force' enables it nevertheless.\n");
        return exit_no;
    }
    say("file       {}{}\n\n", file, r.dry_run ? " (not written: --dry-run)" : same ? " (unchanged)" : "");
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        say("    {}\n", text.substr(at, end - at));
        at = end + 1;
    }
    say("\n");
    print_list("needed", j.needed);
    print_list("next", next);
    return exit_ok;
}

int disable(const request& r) {
    std::vector<std::string> services;
    if (r.all) {
        services = services_with_drop_in(r.root);
    } else {
        const systemd::unit_result loaded = systemd::load_unit(r.root, r.service);
        const std::string name = loaded.found
                                     ? loaded.found->name
                                     : systemd::unit_name(r.service); // a service that was removed meanwhile
        if (name.empty())
            return refuse(exit_usage, loaded.error);
        services = {name};
    }
    nlohmann::ordered_json removed = nlohmann::ordered_json::array();
    for (const std::string& name : services) {
        const std::string file = drop_in_file(r.root, name);
        switch (look_at_drop_in(file).state) {
        case drop_in_state::none:
            return refuse(exit_no, fmt::format("ibid is not enabled for {}: there is no {}", name, file));
        case drop_in_state::foreign:
            return refuse(exit_no,
                          fmt::format("{} exists, and ibid did not write it: it is not changed", file));
        case drop_in_state::ours:
            break;
        }
        if (!r.dry_run) {
            if (const std::string failed = remove_drop_in(file); !failed.empty())
                return refuse(exit_no, failed);
        }
        removed.push_back(file);
        if (!r.json)
            say("{} {}\n", r.dry_run ? "would remove" : "removed", file);
    }
    std::vector<std::string> next;
    if (!services.empty() && r.root.empty() && !r.dry_run)
        next.push_back(
            fmt::format("systemctl daemon-reload && systemctl restart {}", fmt::join(services, " ")));
    if (r.json) {
        put(json_text(nlohmann::ordered_json{{"ibid", IBID_VERSION}, {"removed", removed}, {"next", next}}) +
            "\n");
    } else {
        if (services.empty())
            say("ibid is not enabled for any service.\n");
        print_list("next", next);
        if (!next.empty())
            say("Running processes keep what they have loaded until then.\n");
    }
    return exit_ok;
}

} // namespace ibid::cli::service
