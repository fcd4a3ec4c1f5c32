// SPDX-License-Identifier: Apache-2.0
//
// See unit_judgement.h.
#include "cli/doctor/unit_judgement.h"

#include "cli/base/files.h"
#include "cli/doctor/environment.h"
#include "cli/doctor/findings.h"
#include "cli/doctor/opinion.h"
#include "cli/programs/forewarning.h"
#include "cli/programs/installation.h"
#include "cli/programs/program.h"
#include "cli/settings/effective_settings.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include <fmt/format.h>

namespace ibid::cli::doctor {
namespace {

namespace fs = std::filesystem;

bool is_below(const std::string& path, std::string_view folder) {
    while (folder.size() > 1 && folder.ends_with('/'))
        folder.remove_suffix(1);
    return folder == "/" || path == folder || (path.starts_with(folder) && path[folder.size()] == '/');
}

// The paths of a directive that is a list of paths, without prefix characters and without the part after a
// colon.
std::vector<std::string> paths_of(const systemd::unit& u, std::string_view key) {
    std::vector<std::string> paths;
    for (const std::string& value : u.all(key)) {
        for (std::string word : systemd::words_of(value)) {
            word.erase(0, word.find_first_not_of("-+"));
            paths.push_back(word.substr(0, word.find(':')));
        }
    }
    return paths;
}

bool any_is_above(const std::vector<std::string>& folders, const std::string& path) {
    return std::any_of(folders.begin(), folders.end(),
                       [&path](const std::string& folder) { return is_below(path, folder); });
}

// The service sees other files, or some files are hidden from it; its loader must find the preload.
void look_at_files(const systemd::unit& u, const std::string& root, const std::string& preload,
                   unit_judgement& j) {
    for (const char* key : {"RootDirectory", "RootImage"}) {
        const std::string other = u.value(key);
        if (other.empty() || other == "/")
            continue;
        std::error_code error;
        if (std::string_view(key) != "RootDirectory" || !fs::exists(inside(root, other + preload), error))
            j.problems.push_back(fmt::format(
                "{}={}: the service sees the files there, and {} is not among them", key, other, preload));
    }
    if (any_is_above(paths_of(u, "InaccessiblePaths"), preload))
        j.problems.push_back(fmt::format("InaccessiblePaths= hides {} from it", preload));
    if (any_is_above(paths_of(u, "TemporaryFileSystem"), preload) &&
        !any_is_above(paths_of(u, "BindReadOnlyPaths"), preload) &&
        !any_is_above(paths_of(u, "BindPaths"), preload))
        j.problems.push_back(fmt::format("TemporaryFileSystem= hides {} from it", preload));
    if (any_is_above(paths_of(u, "NoExecPaths"), preload) && !any_is_above(paths_of(u, "ExecPaths"), preload))
        j.problems.push_back(
            fmt::format("NoExecPaths= forbids to map {}: ExecPaths= must name its folder", preload));
    const std::string home = u.value("ProtectHome");
    if ((u.is_on("ProtectHome") || home == "tmpfs") &&
        (is_below(preload, "/home") || is_below(preload, "/root") || is_below(preload, "/run/user")))
        j.problems.push_back(
            fmt::format("ProtectHome={} hides {} from it: install ibid elsewhere", home, preload));
    if (u.is_on("PrivateTmp") && (is_below(preload, "/tmp") || is_below(preload, "/var/tmp")))
        j.problems.push_back(fmt::format("PrivateTmp= hides {} from it: install ibid elsewhere", preload));
    const std::string user = u.value("User");
    const bool drops = (!user.empty() && user != "root" && user != "0") || u.is_on("DynamicUser");
    if (const std::string part = closed_to_others(inside(root, preload)); drops && !part.empty())
        j.problems.push_back(fmt::format("other users may not read {}, and the service runs as {}", part,
                                         user.empty() ? "another one" : user));
}

void look_at_environment(const systemd::unit& u, const std::string& root, unit_judgement& j) {
    for (const std::string& value : u.all("UnsetEnvironment")) {
        for (const std::string& name : systemd::words_of(value)) {
            if (name == "LD_PRELOAD") // with a value it removes another one than ibid's
                j.problems.push_back("UnsetEnvironment= removes LD_PRELOAD");
        }
    }
    if (const auto set = u.environment(root, "LD_PRELOAD"); set && !set->file.empty())
        j.problems.push_back(fmt::format("{} sets LD_PRELOAD, and such a file overrides a drop-in: "
                                         "write ibid's path there, before the others",
                                         set->file));
    findings f;
    look_at_settings(f, surroundings(u, root), environment_of_unit, {}, names_of_program(j.program, false));
    j.problems.insert(j.problems.end(), f.problems.begin(), f.problems.end());
    j.notes.insert(j.notes.end(), f.notes.begin(), f.notes.end());
}

// Programs whose use of processes is known.
struct known_program {
    std::string_view name;
    const char* problem; // or null
    const char* note;
};
constexpr const char* one_connection = "each connection is a process of its own, so there is nothing to "
                                       "share, and a process needs some KiB more";
constexpr const char* shared_memory =
    "its OpenSSL uses memory that its processes share, so ibid is disabled in it";
constexpr std::array known_programs{
    known_program{"postgres", one_connection, nullptr},
    known_program{"pg_ctlcluster", one_connection, nullptr},
    known_program{"pg_ctl", one_connection, nullptr},
    known_program{"vsftpd", one_connection, nullptr},
    known_program{"proftpd", one_connection, nullptr},
    known_program{"stunnel3", one_connection, nullptr},
    known_program{"kamailio", shared_memory, nullptr},
    known_program{"opensips", shared_memory, nullptr},
};

bool loads_prefork(const std::string& root) {
    std::error_code error;
    if (fs::exists(
            fs::symlink_status(inside(root, "/etc/apache2/mods-enabled/mpm_prefork.load", false), error)))
        return true;
    const std::string folder = "/etc/httpd/conf.modules.d/";
    for (const auto& entry : fs::directory_iterator(inside(root, folder), error)) {
        const std::string name = entry.path().filename().string();
        for (const std::string& line : lines_of_file(inside(root, folder + name))) {
            if (line.starts_with("LoadModule mpm_prefork_module"))
                return true;
        }
    }
    return false;
}

void look_at_class(const systemd::unit& u, const std::string& root, const std::vector<std::string>& command,
                   unit_judgement& j) {
    const std::string name = fs::path(j.program).filename().string();
    const auto known = std::find_if(known_programs.begin(), known_programs.end(),
                                    [&name](const known_program& k) { return k.name == name; });
    if (known != known_programs.end())
        j.problems.emplace_back(fmt::format("{}: {}", name, known->problem));
    if ((name == "apache2" || name == "apachectl" || name == "apache2ctl" || name == "httpd") &&
        loads_prefork(root))
        j.problems.push_back(fmt::format("{} runs with the prefork MPM: a process has one connection at a "
                                         "time, so there is little to share, and a "
                                         "process needs some KiB more; with the event MPM ibid helps",
                                         name));
    if (name == "socat" && std::any_of(command.begin(), command.end(), [](const std::string& w) {
            return w.find("fork") != std::string::npos;
        }))
        j.problems.push_back(fmt::format("socat with fork: {}", one_connection));
    const std::size_t at = u.name.find('@');
    if (at == std::string::npos)
        return;
    for (const char* folder : {"/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}) {
        const std::string socket = fmt::format("{}/{}.socket", folder, u.name.substr(0, at));
        for (const std::string& line : lines_of_file(inside(root, socket))) {
            if (line == "Accept=yes" || line == "Accept=true") {
                j.problems.push_back(fmt::format("its socket has {}: {}", line, one_connection));
                return;
            }
        }
    }
}

// Servers that give their processes a new environment.
void look_at_scrubbed_environment(const systemd::unit& u, unit_judgement& j) {
    if (u.name == "postfix.service" && fs::path(j.program).filename() == "true")
        j.problems.emplace_back("it starts nothing itself: Postfix is postfix@-.service");
    else if (fs::path(j.program).filename() == "true") // Debian's postgresql.service
        j.problems.push_back(
            fmt::format("it starts nothing itself: 'systemctl list-units \"{}@*\"' lists what does",
                        u.name.substr(0, u.name.find('.'))));
    for (const char* const server : {"postfix", "dovecot"}) {
        if (u.name.starts_with(server) || fs::path(j.program).filename() == server) {
            for (std::string& line : forewarnings(server, std::nullopt, {}))
                j.needed.push_back(std::move(line));
        }
    }
}

void judge_program(const systemd::unit& u, const std::string& root, unit_judgement& j) {
    if (j.program.find('%') != std::string::npos || j.program.find('$') != std::string::npos) {
        j.notes.push_back(fmt::format("only systemd knows, at the start, which program {} is", j.program));
        return;
    }
    if (!root.empty()) {
        std::error_code error;
        const std::string program = inside(root, j.program);
        if (j.program.starts_with("/") && !fs::exists(program, error)) {
            j.notes.push_back(fmt::format("there is no program {} in {} so far", j.program, root));
            return;
        }
        const struct program p = look_at(program);
        if (const std::string why = why_not_preloadable(p); !why.empty())
            j.problems.push_back(why);
        return;
    }
    const std::optional<opinion> of = opinion_of(j.program, surroundings(u, root));
    if (!of) {
        j.problems.push_back(why_no_program(j.program));
        return;
    }
    j.problems.insert(j.problems.end(), of->problems.begin(), of->problems.end());
    for (const std::string& note : of->notes) {
        if (std::find(j.notes.begin(), j.notes.end(), note) == j.notes.end())
            j.notes.push_back(note);
    }
    j.uses_openssl = of->uses_openssl;
}

unit_judgement judge_command(const systemd::unit& u, const std::string& root, const std::string& preload,
                             const std::string& command) {
    unit_judgement j;
    j.program = systemd::program_of(command);
    look_at_files(u, root, preload, j);
    look_at_environment(u, root, j);
    look_at_class(u, root, systemd::words_of(command), j);
    look_at_scrubbed_environment(u, j);
    if (j.problems.empty())
        judge_program(u, root, j);
    // Already reported as a required step.
    std::erase_if(j.notes, [&j](const std::string& note) {
        return std::find(j.needed.begin(), j.needed.end(), note) != j.needed.end();
    });
    return j;
}

// A oneshot service may have several commands; others are refused by systemd if they do.
std::vector<std::string> commands_of(const systemd::unit& u) {
    std::vector<std::string> all = u.all("ExecStart");
    if (all.size() > 1 && u.value("Type") != "oneshot")
        all.erase(all.begin(), all.end() - 1);
    std::vector<std::string> real = all;
    std::erase_if(real, [](const std::string& command) {
        return fs::path(systemd::program_of(command)).filename() == "true";
    });
    return real.empty() ? all : real;
}

} // namespace

unit_judgement judge(const systemd::unit& u, const std::string& root, const std::string& preload) {
    unit_judgement best;
    if (u.all("ExecStart").empty()) {
        best.problems.emplace_back("it starts no program (ExecStart=)");
        return best;
    }
    const std::vector<std::string> commands = commands_of(u);
    const auto worth = [](const unit_judgement& j) {
        return !j.problems.empty() ? 0 : j.uses_openssl ? 2 : 1;
    };
    for (const std::string& command : commands) {
        unit_judgement j = judge_command(u, root, preload, command);
        if (best.program.empty() || worth(j) > worth(best))
            best = std::move(j);
    }
    if (commands.size() > 1)
        best.notes.push_back(fmt::format("it starts several programs; this is about {}", best.program));
    return best;
}

} // namespace ibid::cli::doctor
