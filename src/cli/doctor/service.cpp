// SPDX-License-Identifier: Apache-2.0
//
// A systemd service: its program, and its unit.
#include "cli/doctor/subjects.h"

#include "cli/doctor/environment.h"
#include "cli/doctor/unit_judgement.h"
#include "cli/programs/installation.h"
#include "cli/programs/program.h"
#include "cli/settings/configuration.h"
#include "cli/settings/effective_settings.h"
#include "cli/systemd/unit.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace ibid::cli::doctor {
namespace {

// systemd does not read ibid's files; `ibid enable` copies their settings into the unit.
void look_at_files_of_settings(findings& f, const systemd::unit& u, const std::string& program) {
    const configuration files = configuration::load();
    const std::vector<std::string> names = names_of_program(program, true);
    for (std::string& wrong : files.complaints_of(names))
        f.notes.push_back(std::move(wrong));
    std::string newer;
    for (const configuration::setting& s : files.settings_of(names)) {
        if (f.settings[s.name] != s.value)
            newer += fmt::format("{}{}={} ({})", newer.empty() ? "" : ", ", s.name, s.value, s.place());
    }
    if (!newer.empty())
        f.notes.push_back(fmt::format(
            "its unit does not have {}: 'ibid enable {}' copies settings of the files", newer, u.name));
}

} // namespace

std::optional<findings> look_at_service(const std::string& name, std::string& error) {
    const systemd::unit_result loaded = systemd::load_unit({}, name);
    if (!loaded.found) {
        error = loaded.error;
        return std::nullopt;
    }
    const unit_judgement j = judge(*loaded.found, {}, find_preload().value_or(IBID_INSTALL_FULL_LIBDIR));
    std::optional<findings> f = look_at_program(j.program, surroundings(*loaded.found, {}));
    if (!f) {
        error = j.problems.empty() ? why_no_program(j.program) : j.problems.front();
        return std::nullopt;
    }
    f->subject = fmt::format("{} ({})", loaded.found->name, f->subject);
    look_at_files_of_settings(*f, *loaded.found, j.program);
    for (const std::string& problem : j.problems) {
        if (std::find(f->problems.begin(), f->problems.end(), problem) == f->problems.end())
            f->problems.push_back(problem);
    }
    for (const std::string& note : j.notes) {
        if (std::find(f->notes.begin(), f->notes.end(), note) == f->notes.end())
            f->notes.push_back(note);
    }
    f->next.insert(f->next.end(), j.needed.begin(), j.needed.end());
    if (!f->problems.empty())
        return f;
    f->next.push_back(fmt::format("'ibid enable {}' enables it", loaded.found->name));
    if (f->openssl.libcrypto.empty() || f->not_known)
        f->next.push_back(fmt::format("then 'ibid status {}' says whether it helped", loaded.found->name));
    return f;
}

} // namespace ibid::cli::doctor
