// SPDX-License-Identifier: Apache-2.0
//
// See doctor.h.
#include "cli/doctor/doctor.h"

#include "cli/base/exit_status.h"
#include "cli/base/say.h"
#include "cli/base/words.h"
#include "cli/doctor/output.h"
#include "cli/doctor/subjects.h"
#include "cli/programs/process.h"
#include "cli/programs/program.h"
#include "cli/systemd/unit.h"

#include <charconv>
#include <optional>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ibid::cli::doctor {
namespace {

using shared_statistics::read_error;

std::optional<pid_t> as_pid(const std::string& text) {
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
    return error == std::errc{} && end == text.data() + text.size() && pid > 0 ? std::optional(pid)
                                                                               : std::nullopt;
}

} // namespace

int doctor(const request& r) {
    std::optional<findings> f;
    if (r.subject.empty()) {
        f = look_at_machine();
    } else if (const std::optional<pid_t> pid = as_pid(r.subject)) {
        const shared_statistics::process_result counters = shared_statistics::read_process(*pid);
        if (counters.error == read_error::no_such_process) {
            complain(explain(counters.error, *pid));
            return exit_no;
        }
        f = look_at_process(*pid, counters);
    } else if (r.subject.ends_with(".service")) {
        std::string error;
        f = look_at_service(r.subject, error);
        if (!f) {
            complain(error);
            return exit_no;
        }
    } else {
        f = look_at_program(r.subject);
        std::string error;
        if (!f) // a service is often named after no program: postgresql
            f = look_at_service(r.subject, error);
        if (!f) {
            const bool is_unit = !systemd::other_kind_of_unit(r.subject).empty();
            complain(is_unit ? error : why_no_program(r.subject));
            return exit_no;
        }
    }
    if (r.json)
        put(json_text(as_json(*f)) + "\n");
    else
        print_text(*f);
    return f->problems.empty() ? exit_ok : exit_no;
}

} // namespace ibid::cli::doctor
