// SPDX-License-Identifier: Apache-2.0
//
// See carry_out.h.
#include "cli/command_line/carry_out.h"

#include "cli/base/exit_status.h"
#include "cli/base/say.h"
#include "cli/certs/certs.h"
#include "cli/doctor/doctor.h"
#include "cli/exporter/exporter.h"
#include "cli/live/stat.h"
#include "cli/live/top.h"
#include "cli/measure/measure.h"
#include "cli/run/run.h"
#include "cli/service/commands.h"
#include "cli/usage/definition.h"

#include <cstdlib>
#include <utility>

#include <fmt/format.h>

namespace ibid::cli {
namespace {

int carry_out_run(const given_words& given, std::vector<std::string> program) {
    run_request request;
    request.command = std::move(program);
    request.statistics = given.has("--stats");
    if (const std::string file = given.value("--stats"); !file.empty() && file != "-")
        request.json_file = file;
    request.exclude = given.all("--exclude");
    request.children = !given.has("--no-children");
    return run(request);
}

int carry_out_measure(const given_words& given, std::vector<std::string> program) {
    measure::request request;
    request.what.command = std::move(program);
    request.what.load = given.value("--load");
    const bool has_load = request.what.load.find_first_not_of(" \t\n") != std::string::npos;
    if (given.has("--load") != has_load || (given.has("--until") && !has_load)) {
        complain(given.has("--load") ? "--load: it is empty"
                                     : "--until needs --load: without a load, the program runs to its end",
                 "'ibid measure --help' explains it.");
        return exit_usage;
    }
    if (given.has("--until"))
        request.what.until = static_cast<unsigned>(std::stoul(given.value("--until")));
    if (given.has("--rounds"))
        request.rounds = static_cast<unsigned>(std::stoul(given.value("--rounds")));
    request.json = given.has("--json");
    return measure::measure(request);
}

int carry_out_stat(const given_words& given, bool json) {
    stat_request request;
    request.pid = static_cast<pid_t>(std::stol(given.value("PID")));
    request.watch = given.has("--watch");
    if (given.has("--interval"))
        request.interval = std::strtod(given.value("--interval").c_str(), nullptr);
    request.json = json;
    return stat(request);
}

int carry_out_service(const std::string& command, const given_words& given) {
    service::request request;
    request.service = given.value("SERVICE");
    request.root = given.value("--root");
    request.json = given.has("--json");
    if (!service::normalize_root(request.root)) {
        complain(fmt::format("there is no folder {}", request.root));
        return exit_usage;
    }
    if (command == "status")
        return service::status(request);
    request.dry_run = given.has("--dry-run");
    if (command == "enable") {
        request.force = given.has("--force");
        request.settings = given.all("--set");
        return service::enable(request);
    }
    request.all = given.has("--all");
    if (request.all != request.service.empty()) {
        complain(request.all ? "disable needs either the name of a service or --all, not both"
                             : "disable needs the name of a service, or --all",
                 "'ibid disable --help' explains it.");
        return exit_usage;
    }
    return service::disable(request);
}

} // namespace

int carry_out(const std::string& command, const given_words& given, std::vector<std::string> program) {
    if (const usage::command* const c = usage::find(command); !c->program.empty() && program.empty()) {
        complain("no program is given", fmt::format("'ibid {} --help' explains it.", command));
        return exit_usage;
    }
    if (command == "measure")
        return carry_out_measure(given, std::move(program));
    if (command == "run")
        return carry_out_run(given, std::move(program));
    const bool json = command != "exporter" && given.has("--json");
    if (command == "stat")
        return carry_out_stat(given, json);
    if (command == "certs")
        return certs::certs(
            {static_cast<pid_t>(std::stol(given.value("PID"))), given.has("--estimate"), json});
    if (command == "top") {
        top_request request;
        if (given.has("--interval"))
            request.interval = std::strtod(given.value("--interval").c_str(), nullptr);
        request.once = given.has("--once");
        request.sort = given.value("--sort");
        request.filter = given.value("--filter");
        request.json = json;
        return top(request);
    }
    if (command == "doctor")
        return doctor::doctor({.subject = given.value("PROGRAM|PID|SERVICE"), .json = json});
    if (command == "exporter") {
        exporter::request request;
        if (given.has("--listen"))
            request.listen = given.value("--listen");
        request.per_process = given.has("--per-process");
        request.once = given.has("--once");
        return exporter::serve(request);
    }
    return carry_out_service(command, given);
}

} // namespace ibid::cli
