// SPDX-License-Identifier: Apache-2.0
//
// See opinion.h.
#include "cli/doctor/opinion.h"

#include "cli/doctor/subjects.h"

#include <utility>

namespace ibid::cli::doctor {

namespace {

std::optional<opinion> short_of(std::optional<findings> f) {
    if (!f)
        return std::nullopt;
    return opinion{std::move(f->notes), std::move(f->problems), !f->openssl.libssl.empty() && !f->not_known};
}

} // namespace

std::optional<opinion> opinion_of(const std::string& program) {
    return short_of(look_at_program(program));
}

std::optional<opinion> opinion_of(const std::string& program, const surroundings& of_unit) {
    return short_of(look_at_program(program, of_unit));
}

std::vector<std::string> obstacles_of(pid_t pid) {
    findings f = look_at_process(pid, shared_statistics::read_process(pid));
    std::erase(f.problems, not_in_it);
    return std::move(f.problems);
}

} // namespace ibid::cli::doctor
