// SPDX-License-Identifier: Apache-2.0
//
// A service's unit as systemd would read it: its file, and the drop-ins that change it. Read from the files;
// no manager is asked, so that it serves for an image, too.
//
// Law: reads, never writes. What it does not know of systemd's syntax it passes over; systemd itself judges
// files.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ibid::cli::service {

struct unit {
    std::string name;               // "nginx.service", of an alias the name that it leads to
    std::vector<std::string> files; // without the root: the unit's own first
    std::vector<std::pair<std::string, std::string>> settings; // of [Service], in order

    // All values of a setting that is a list. An empty one takes back those before it.
    [[nodiscard]] std::vector<std::string> all(std::string_view key) const;
    // The value of one that is not.
    [[nodiscard]] std::string value(std::string_view key) const;
    [[nodiscard]] bool is_on(std::string_view key) const; // as a boolean

    // A variable that its Environment= sets. Variables of files (EnvironmentFile=) win over them: `file` says
    // which one set it.
    struct variable {
        std::string value;
        std::string file;
    };
    [[nodiscard]] std::optional<variable> environment(const std::string& root, std::string_view name) const;
};

struct unit_result {
    std::optional<unit> found;
    std::string error; // why there is none, for a person
};

// "nginx" and "nginx.service" are the same. `root`: the folder of an image, or empty. The drop-in `except`
// (without root) is not read.
[[nodiscard]] unit_result load_unit(const std::string& root, std::string name,
                                    const std::string& except = {});

// "nginx.service"; empty when it cannot be the name of a service.
[[nodiscard]] std::string unit_name(std::string name);

// The words of a value: separated by spaces, with quotes and backslashes.
[[nodiscard]] std::vector<std::string> words_of(std::string_view value);

// The program that a command line of systemd's starts, without the characters that stand before it. Empty:
// none.
[[nodiscard]] std::string program_of(std::string_view command_line);

} // namespace ibid::cli::service
