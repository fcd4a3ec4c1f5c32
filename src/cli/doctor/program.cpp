// SPDX-License-Identifier: Apache-2.0
//
// A program that does not run yet.
#include "cli/doctor/subjects.h"

#include "cli/doctor/environment.h"
#include "cli/doctor/installation.h"
#include "cli/doctor/openssl.h"
#include "cli/doctor/program_advice.h"
#include "cli/programs/forewarning.h"
#include "cli/programs/loader.h"
#include "cli/programs/modules.h"
#include "cli/programs/openssl_build.h"
#include "cli/programs/program.h"

#include <utility>

#include <fmt/format.h>

namespace ibid::cli::doctor {
namespace {

// For a process, the counters tell.
void look_at_reservations(findings& f, const std::vector<loaded_file>& files) {
    if (f.openssl.libcrypto.empty() || !f.problems.empty())
        return;
    const std::vector<reservation> all = reservations(files);
    for (const reservation& r : all)
        f.notes.push_back(
            fmt::format("{} names {}: if {}, ibid is disabled in that process", r.path, r.call, r.when));
    if (all.empty())
        return;
    f.not_known = true;
    f.next.emplace_back("start it under ibid and ask 'ibid doctor PID': there it is known");
}

std::optional<findings> look_at(const std::string& name, const surroundings& s, const char* environment_name,
                                const configuration& config) {
    const std::optional<program> p = find_program(name);
    if (!p)
        return std::nullopt;
    findings f;
    f.subject = p->path;
    for (const std::string& script : p->scripts) {
        if (script != p->shell_script && p->broken.empty())
            f.notes.push_back(fmt::format("{} is a script; {} runs it", script, p->path));
    }
    look_at_installation(f);
    look_at_settings(f, s, environment_name, config, names_of_program(name, config.has_sections()));
    const loader_answer loader = libraries_of_program(p->path);
    std::vector<loaded_file> files = loader.files;
    f.openssl = look_at_openssl(files);
    files.push_back(loaded_file::in_place(p->path));
    f.decisive = classify(files);
    f.own_memory = sets_memory_functions(files);
    judge_openssl(f);
    if (loader.why_not.empty())
        advise_about_program(f, *p, loader.files, name);
    else
        f.problems.push_back(loader.why_not);
    look_at_reservations(f, files);
    for (std::string& warning : forewarnings(name, std::nullopt, {}))
        f.notes.push_back(std::move(warning));
    if (f.notes.empty() || f.notes.back().find("import_environment") == std::string::npos)
        note_scrubbed_environment(f, p->path);
    if (f.problems.empty() && !f.not_known && !f.openssl.libcrypto.empty())
        f.next.push_back(fmt::format(
            "'ibid measure -- {} ...' says how much; a server needs --load and --until", in_command(name)));
    return f;
}

} // namespace

std::optional<findings> look_at_program(const std::string& name) {
    return look_at(name, surroundings(), "environment", configuration::load());
}

std::optional<findings> look_at_program(const std::string& name, const surroundings& of_unit) {
    return look_at(name, of_unit, environment_of_unit, {});
}

} // namespace ibid::cli::doctor
