// SPDX-License-Identifier: Apache-2.0
//
// See opinion.h.
#include "cli/doctor/opinion.h"

#include "cli/doctor/subjects.h"

#include <utility>

namespace ibid::cli::doctor {

std::optional<opinion> opinion_of(const std::string& program) {
    std::optional<findings> f = look_at_program(program);
    return f ? std::optional(opinion{std::move(f->notes), std::move(f->problems)}) : std::nullopt;
}

std::vector<std::string> obstacles_of(pid_t pid) {
    findings f = look_at_process(pid, shared_statistics::read_process(pid));
    std::erase(f.problems, not_in_it);
    return std::move(f.problems);
}

} // namespace ibid::cli::doctor
