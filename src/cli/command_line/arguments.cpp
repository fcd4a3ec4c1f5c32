// SPDX-License-Identifier: Apache-2.0
//
// The command line of `ibid`: CLI11 parses it, by the definition in usage/.
#include "cli/command_line/arguments.h"

#include "cli/base/exit_status.h"
#include "cli/base/terminal.h"
#include "cli/base/words.h"
#include "cli/certs/certs.h"
#include "cli/command_line/run_arguments.h"
#include "cli/command_line/wrong_words.h"
#include "cli/doctor/doctor.h"
#include "cli/exporter/exporter.h"
#include "cli/exporter/http_server.h"
#include "cli/live/stat.h"
#include "cli/live/top.h"
#include "cli/measure/measure.h"
#include "cli/programs/program.h"
#include "cli/run/run.h"
#include "cli/service/commands.h"
#include "cli/usage/definition.h"
#include "cli/usage/help.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ibid::cli {
namespace {

// CLI11's own messages name the limits of a double.
std::string is_pid(const std::string& text) {
    const bool digits =
        !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == std::string::npos;
    return digits && text != "0"
               ? ""
               : fmt::format("'{}' is not a process id; 'ibid top' and 'ibid doctor' list them",
                             legible(text));
}
std::string is_name(const std::string& text) {
    return can_be_excluded(text) ? "" : fmt::format("'{}' is not the name of a program", legible(text));
}
std::string is_interval(const std::string& text) {
    char* end = nullptr;
    const double seconds = std::strtod(text.c_str(), &end);
    return *end == '\0' && !text.empty() && seconds >= 0.1 && seconds <= 3600
               ? ""
               : fmt::format("'{}' is not a number of seconds from 0.1 to 3600", legible(text));
}

std::string is_count(const std::string& text) {
    const bool digits =
        !text.empty() && text.size() < 6 && text.find_first_not_of("0123456789") == std::string::npos;
    return digits && std::stoul(text) >= 1 && std::stoul(text) <= 65535
               ? ""
               : fmt::format("'{}' is not a whole number from 1 to 65535", legible(text));
}

// What is wrong with the words, and what was probably meant. `error` is CLI11's opinion.
std::pair<std::string, std::string> complaint(const std::vector<std::string>& words,
                                              const std::string& error) {
    if (words.empty())
        return {"no command is given", "'ibid --help' explains it."};
    const std::string& first = words[0];
    if (usage::find(first) != nullptr)
        return {legible(error), fmt::format("'ibid {} --help' explains it.", first)};
    if (first.starts_with("-")) {
        const std::string meant = did_you_mean(similar(first, {"--help", "--version"}), "ibid ");
        return {fmt::format("there is no option {} before a command", legible(first)),
                meant.empty() ? "'ibid --help' explains it." : meant};
    }
    const std::string wrong = fmt::format("ibid has no command '{}'", legible(first));
    std::vector<std::string> names;
    for (const usage::command& c : usage::commands())
        names.push_back(c.name);
    if (const std::string meant = did_you_mean(similar(first, names), "ibid "); !meant.empty())
        return {wrong, meant};
    return {wrong, find_program(first) ? fmt::format("Did you mean 'ibid run {}'?", legible(first))
                                       : std::string("'ibid --help' lists them.")};
}

// The options of a command before its program. run_arguments.h has the same for `run` alone, without this
// definition.
run_words split_at_program(const usage::command& c, const std::vector<std::string>& words) {
    std::size_t at = 1;
    while (at < words.size() && words[at].starts_with("-")) {
        if (words[at] == "--")
            return {at, at + 1};
        const bool has_value = std::any_of(c.options.begin(), c.options.end(), [&](const usage::option& o) {
            return o.name == words[at] && !o.value.empty() && !o.value_may_be_left_out;
        });
        at += has_value && at + 1 < words.size() ? 2 : 1;
    }
    return {at, at};
}

// Removes the program and its arguments from the end.
std::vector<std::string> take_program(std::vector<std::string>& words) {
    const usage::command* const c = words.empty() ? nullptr : usage::find(words[0]);
    if (c == nullptr || c->program.empty())
        return {};
    const run_words split = split_at_program(*c, words);
    const auto at = [&words](std::size_t i) { return words.begin() + static_cast<std::ptrdiff_t>(i); };
    std::vector<std::string> command(at(split.program), words.end());
    words.erase(at(split.options), words.end());
    return command;
}

// An error message for a word of this kind; empty if it is valid.
std::string wrong_word(usage::word is, const std::string& text) {
    switch (is) {
    case usage::word::pid:
        return is_pid(text);
    case usage::word::program_name:
        return is_name(text);
    case usage::word::seconds:
        return is_interval(text);
    case usage::word::count:
        return is_count(text);
    case usage::word::address:
        return exporter::wrong_address(text);
    default:
        // Of a shell variable that is not set: "" as --root would be the running system.
        return text.empty() && is != usage::word::any ? "it is empty" : "";
    }
}

// The options and operands that were given for one command. An option that was given without a value has the
// value "-".
class given_words {
public:
    void add_to(CLI::App& app, const usage::command& c) {
        for (const usage::option& o : c.options) {
            std::vector<std::string>& values = values_[o.name];
            if (o.value.empty() || o.value_may_be_left_out) {
                app.add_flag(o.name + "{-}", values);
            } else {
                const auto policy =
                    o.repeats ? CLI::MultiOptionPolicy::TakeAll : CLI::MultiOptionPolicy::TakeLast;
                app.add_option(o.name, values)
                    ->expected(1)
                    ->allow_extra_args(false)
                    ->multi_option_policy(policy)
                    ->check([is = o.is](const std::string& text) { return wrong_word(is, text); });
            }
        }
        for (const usage::operand& o : c.operands)
            app.add_option(o.name, values_[o.name])
                ->required(o.required)
                ->expected(1)
                ->allow_extra_args(false)
                ->check([is = o.is](const std::string& text) { return wrong_word(is, text); });
    }
    [[nodiscard]] bool has(const std::string& name) const { return !all(name).empty(); }
    [[nodiscard]] std::string value(const std::string& name) const {
        return has(name) ? all(name).back() : std::string();
    }
    [[nodiscard]] const std::vector<std::string>& all(const std::string& name) const {
        return values_.at(name);
    }

private:
    std::map<std::string, std::vector<std::string>> values_;
};

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
        fmt::print(stderr, "ibid: {}\n'ibid measure --help' explains it.\n",
                   given.has("--load") ? "--load: it is empty"
                                       : "--until needs --load: without a load, the program runs to its end");
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
        fmt::print(stderr, "ibid: there is no folder {}\n", request.root);
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
        fmt::print(stderr, "ibid: disable needs {}\n'ibid disable --help' explains it.\n",
                   request.all ? "either the name of a service or --all, not both"
                               : "the name of a service, or --all");
        return exit_usage;
    }
    return service::disable(request);
}

int carry_out(const std::string& command, const given_words& given, std::vector<std::string> program) {
    if (const usage::command* const c = usage::find(command); !c->program.empty() && program.empty()) {
        fmt::print(stderr, "ibid: no program is given\n'ibid {} --help' explains it.\n", command);
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
        return doctor({.subject = given.value("PROGRAM|PID|SERVICE"), .json = json});
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

std::size_t help_width() {
    const std::size_t terminal = terminal_width();
    return terminal == 0 ? 100 : std::clamp<std::size_t>(terminal, 60, 100);
}

// Handles --help and --version at any position; then nothing else is done.
std::optional<std::string> asked_for(const std::vector<std::string>& words) {
    const usage::command* const command = words.empty() ? nullptr : usage::find(words[0]);
    for (const std::string& word : words) {
        if (word == "-h" || word == "--help")
            return command != nullptr ? usage::help_of(*command, help_width()) : usage::help(help_width());
        if (word == "--version" && command == nullptr)
            return std::string("ibid " IBID_VERSION "\n");
    }
    return std::nullopt;
}

} // namespace

int command_line(int count, const char* const* given) {
    std::vector<std::string> words(given + 1, given + count);
    if (!words.empty() && words[0] == "help") // as git and others have it
        words = words.size() > 1 && usage::find(words[1]) != nullptr
                    ? std::vector<std::string>{words[1], "--help"}
                    : std::vector<std::string>{"--help"};
    const std::vector<std::string> all = words;
    std::vector<std::string> program = take_program(words);
    if (const std::optional<std::string> text = asked_for(words)) {
        fmt::print("{}", *text);
        return exit_ok;
    }

    const usage::command* const known = words.empty() ? nullptr : usage::find(words[0]);
    if (known != nullptr) {
        if (const std::optional<mistake> m = wrong_words(*known, {words.begin() + 1, words.end()})) {
            fmt::print(stderr, "ibid: {}\n{}\n", m->what, m->advice);
            return exit_usage;
        }
    }

    CLI::App app;
    app.set_help_flag();
    app.require_subcommand(1);
    std::map<std::string, given_words> of;
    for (const usage::command& c : usage::commands()) {
        CLI::App* const sub = app.add_subcommand(c.name);
        sub->set_help_flag();
        of[c.name].add_to(*sub, c);
    }
    try {
        std::reverse(words.begin(), words.end()); // CLI11 expects them in reverse order
        app.parse(words);
    } catch (const CLI::ParseError& error) {
        const auto [wrong, advice] = complaint(all, error.what());
        fmt::print(stderr, "ibid: {}\n{}\n", wrong, advice);
        return exit_usage;
    }
    const std::string command = app.get_subcommands().front()->get_name();
    return carry_out(command, of[command], std::move(program));
}

} // namespace ibid::cli
