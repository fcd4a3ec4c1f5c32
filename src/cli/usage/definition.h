// SPDX-License-Identifier: Apache-2.0
//
// The definition of the command line: commands, options, operands, environment variables. The parser, --help,
// the manual page and the completions of three shells are made from it, so they always agree.
//
// Law: only data. Texts are plain ASCII without markup and without line breaks; the output functions wrap
// them.
#pragma once

#include <string>
#include <vector>

namespace ibid::cli::usage {

// The kind of a word of the command line; it determines validation and completion.
enum class word {
    none,
    file,
    folder,
    program,      // found along PATH
    program_name, // without a folder
    pid,
    subject, // a program, a process or a service
    service, // of systemd
    seconds, // 0.1 to 3600
    count,   // 1 to 65535
    address, // [HOST]:PORT
    any
};

struct option {
    std::string name{};   // "--stats"
    std::string value{};  // "FILE"; empty: it has none
    word is = word::none; // the value
    bool value_may_be_left_out = false;
    bool repeats = false;
    std::string help{};
};

struct operand {
    std::string name{}; // "PROGRAM|PID"
    word is = word::any;
    bool required = false;
    std::string help{};
};

struct example {
    std::string command{};
    std::string what{}; // may be empty
};

struct command {
    std::string name{};
    std::string summary{};                  // one line, without a full stop
    std::vector<std::string> description{}; // paragraphs
    std::vector<option> options{};
    std::vector<operand> operands{};
    std::string program{}; // "PROGRAM [ARG...]": the rest of the command line; or empty
    std::string exit_status{};
    std::vector<example> examples{};
};

struct variable {
    std::string name{};
    std::string values{};
    std::string unset{}; // the default
    std::string help{};
    bool in_program = true; // read inside the program, not by this command
};

struct exit_status {
    int number;
    std::string meaning{};
};

[[nodiscard]] const std::string& summary();
[[nodiscard]] const std::vector<std::string>& description();
[[nodiscard]] const std::vector<command>& commands();
[[nodiscard]] const std::vector<variable>& variables();
[[nodiscard]] const std::vector<exit_status>& exit_statuses();

// The command of this name, or null.
[[nodiscard]] const command* find(const std::string& name);

// "ibid run [--stats[=FILE]] [--exclude NAME]... [--] PROGRAM [ARG...]"
[[nodiscard]] std::string synopsis(const command& c);

// "--stats[=FILE]", "--exclude NAME"
[[nodiscard]] std::string shown(const option& o);

} // namespace ibid::cli::usage
