// SPDX-License-Identifier: Apache-2.0
//
// The command line of `ibid`: CLI11 parses it, by the definition in usage/.
#include "cli/command_line/arguments.h"

#include "cli/base/exit_status.h"
#include "cli/base/say.h"
#include "cli/base/terminal.h"
#include "cli/command_line/carry_out.h"
#include "cli/command_line/given_words.h"
#include "cli/command_line/run_arguments.h"
#include "cli/command_line/wrong_words.h"
#include "cli/usage/definition.h"
#include "cli/usage/help.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace ibid::cli {
namespace {

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

// Tells CLI11 about the options and operands of a command.
void add_to(CLI::App& app, const usage::command& c, given_words& given) {
    for (const usage::option& o : c.options) {
        std::vector<std::string>& values = given.values_of(o.name);
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
        app.add_option(o.name, given.values_of(o.name))
            ->required(o.required)
            ->expected(1)
            ->allow_extra_args(false)
            ->check([is = o.is](const std::string& text) { return wrong_word(is, text); });
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
        put(*text);
        return exit_ok;
    }

    const usage::command* const known = words.empty() ? nullptr : usage::find(words[0]);
    if (known != nullptr) {
        if (const std::optional<mistake> m = wrong_words(*known, {words.begin() + 1, words.end()})) {
            complain(m->what, m->advice);
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
        add_to(*sub, c, of[c.name]);
    }
    try {
        std::reverse(words.begin(), words.end()); // CLI11 expects them in reverse order
        app.parse(words);
    } catch (const CLI::ParseError& error) {
        const mistake m = complaint(all, error.what());
        complain(m.what, m.advice);
        return exit_usage;
    }
    const std::string command = app.get_subcommands().front()->get_name();
    return carry_out(command, of[command], std::move(program));
}

} // namespace ibid::cli
