// SPDX-License-Identifier: Apache-2.0
//
// The command line of `ibid`, with CLI11.
#include "cli/arguments.h"

#include "cli/doctor.h"
#include "cli/exit_status.h"
#include "cli/run.h"
#include "cli/run_arguments.h"
#include "cli/stat.h"
#include "cli/top.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ibid::cli {
namespace {

constexpr const char* description =
    "Keeps one copy of each certificate in programs that use OpenSSL 3, without changing them.\n"
    "Put 'ibid run' before a command line.\n";

constexpr const char* run_footer =
    "With --stats, ibid stays as the program's parent, passes signals on, ends as the program ends, and "
    "then\n"
    "writes one summary of all processes that used OpenSSL. Without it, ibid becomes the program.\n"
    "\n"
    "Environment (read inside the program):\n"
    "  IBID_SCOPE=openssl|all             openssl: what OpenSSL parses for its own use; all: also what the\n"
    "                                     application parses (default: openssl)\n"
    "  IBID_RETAIN=BYTES[:ENTRIES]        what to keep after the last user is gone; K, M, G; 0: none "
    "(default: 4M:1024)\n"
    "  IBID_VERIFY_MEMO=0                 verify every signature again\n"
    "  IBID_PRIVACY=strict|default|off    what is remembered of peers may shorten (docs/safety.md)\n"
    "  IBID_EXCLUDE=NAME[:NAME...]        stand aside in programs of these names (--exclude)\n"
    "  IBID_CHILDREN=0                    not for programs that this one starts (--no-children)\n"
    "  IBID_DISABLE=1                     stand aside\n"
    "\n"
    "Exit status: the program's own; 2 for a wrong command line, 126 when the program cannot be run, 127 "
    "when there is none.\n"
    "\n"
    "Examples:\n"
    "  ibid run curl https://example.org/\n"
    "  ibid run --stats -- nginx -g 'daemon off;'\n"
    "  ibid run --stats=figures.json python3 crawl.py";

constexpr const char* footer = "'ibid COMMAND --help' says more. Begin with 'ibid doctor'.";

// The program's words are not CLI11's, and a flag that may have a value is shown by it in a way of its own.
struct run_formatter : CLI::Formatter {
    [[nodiscard]] std::string make_usage(const CLI::App*, std::string) const override {
        return "Usage: ibid run [--stats[=FILE]] [--exclude NAME]... [--no-children] [--] PROGRAM "
               "[ARG...]\n";
    }
    [[nodiscard]] std::string make_option_name(const CLI::Option* option, bool positional) const override {
        return option->check_name("--stats")         ? "--stats[=FILE]"
               : option->check_name("--no-children") ? "--no-children"
                                                     : CLI::Formatter::make_option_name(option, positional);
    }
};

// CLI11's own messages name the limits of a double.
std::string is_pid(const std::string& text) {
    const bool digits =
        !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == std::string::npos;
    return digits && text != "0" ? "" : fmt::format("'{}' is not a process id", text);
}
std::string is_name(const std::string& text) {
    return can_be_excluded(text) ? "" : fmt::format("'{}' is not the name of a program", text);
}
std::string is_interval(const std::string& text) {
    char* end = nullptr;
    const double seconds = std::strtod(text.c_str(), &end);
    return *end == '\0' && !text.empty() && seconds >= 0.1 && seconds <= 3600
               ? ""
               : fmt::format("'{}' is not a number of seconds from 0.1 to 3600", text);
}

// How many letters to change, add or leave out.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j)
        row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0]++;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
        }
    }
    return row[b.size()];
}

// The command that was probably meant.
std::string hint(const std::vector<std::string>& words, const std::vector<std::string>& commands) {
    for (const std::string& word : words) {
        if (word.starts_with("-"))
            continue;
        for (const std::string& command : commands) {
            if (word == command)
                return fmt::format("'ibid {} --help' explains it.", command);
        }
        for (const std::string& command : commands) {
            if (distance(word, command) <= 2)
                return fmt::format("Did you mean 'ibid {}'?", command);
        }
        return fmt::format("Did you mean 'ibid run {}'?", word);
    }
    return "'ibid --help' explains it.";
}

// Takes the program and its words off the end.
std::vector<std::string> take_program(std::vector<std::string>& words) {
    if (words.empty() || words[0] != "run")
        return {};
    const run_words split = split_run({words.begin() + 1, words.end()});
    const auto at = [&words](std::size_t i) { return words.begin() + 1 + static_cast<std::ptrdiff_t>(i); };
    std::vector<std::string> command(at(split.program), words.end());
    words.erase(at(split.options), words.end());
    return command;
}

} // namespace

int command_line(int count, const char* const* given) {
    std::vector<std::string> words(given + 1, given + count);
    const std::vector<std::string> all = words;

    CLI::App app{description, "ibid"};
    app.require_subcommand(1);
    app.set_version_flag("--version", "ibid " IBID_VERSION, "Print the version and exit");
    app.get_help_ptr()->description("Print this help and exit");
    app.footer(footer);

    run_request to_run;
    std::string stats;
    CLI::App* run_command = app.add_subcommand("run", "Run a program under ibid");
    run_command->formatter(std::make_shared<run_formatter>());
    auto* stats_flag = run_command->add_flag(
        "--stats{-}", stats, "Sum up at the end: on standard error, or as JSON in FILE (--stats=FILE)");
    run_command
        ->add_option("--exclude", to_run.exclude, "Leave programs of this name alone, also as children")
        ->check(is_name)
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->type_name("NAME");
    run_command->add_flag("--no-children{false}", to_run.children,
                          "Programs that this one starts run without ibid");
    run_command->footer(run_footer);

    bool json = false;
    const auto add_json = [&](CLI::App* command) {
        command->add_flag("--json", json, "JSON instead of text");
    };

    pid_t pid = 0;
    CLI::App* stat_command = app.add_subcommand("stat", "Show the counters of a running process");
    stat_command->add_option("PID", pid, "The process")->required()->check(is_pid)->type_name("");
    add_json(stat_command);

    top_request to_watch;
    CLI::App* top_command = app.add_subcommand("top", "Watch all processes under ibid");
    top_command->add_option("--interval", to_watch.interval, "Seconds from view to view (default: 2)")
        ->check(is_interval)
        ->type_name("SECONDS");
    top_command->add_flag("--once", to_watch.once, "One view, then exit");
    add_json(top_command);

    doctor_request to_examine;
    CLI::App* doctor_command =
        app.add_subcommand("doctor", "Say whether ibid helps here, and why or why not");
    doctor_command
        ->add_option("PROGRAM|PID", to_examine.subject,
                     "A program, or a running process (default: this machine)")
        ->type_name("");
    add_json(doctor_command);
    doctor_command->footer("Exit status: 0 when ibid helps, 1 when something stands in the way.");

    to_run.command = take_program(words);
    try {
        std::reverse(words.begin(), words.end()); // CLI11 takes them from the back
        app.parse(words);
    } catch (const CLI::Success& asked) { // --help, --version
        return app.exit(asked);
    } catch (const CLI::ParseError& error) {
        std::vector<std::string> commands;
        for (const CLI::App* command : app.get_subcommands({}))
            commands.push_back(command->get_name());
        fmt::print(stderr, "ibid: {}\n{}\n", all.empty() ? "no command is given" : error.what(),
                   hint(all, commands));
        return exit_usage;
    }

    if (*stat_command)
        return stat(pid, json);
    if (*top_command) {
        to_watch.json = json;
        return top(to_watch);
    }
    if (*doctor_command) {
        to_examine.json = json;
        return doctor(to_examine);
    }
    if (to_run.command.empty()) {
        fmt::print(stderr, "ibid: no program is given\n'ibid run --help' explains it.\n");
        return exit_usage;
    }
    to_run.statistics = stats_flag->count() != 0;
    if (!stats.empty() && stats != "-")
        to_run.json_file = stats;
    return run(to_run);
}

} // namespace ibid::cli
