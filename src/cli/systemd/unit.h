// SPDX-License-Identifier: Apache-2.0
//
// A service's unit as systemd would read it: its file, and its drop-ins. It is read from the files without
// asking systemd, so this also works for an image.
//
// Law: it reads and never writes. It ignores syntax that it does not know; systemd itself checks the files.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ibid::cli::systemd {

struct unit {
    std::string name;               // "nginx.service"; for an alias, the name of its target
    std::vector<std::string> files; // without the root: the unit's own first
    struct setting {
        std::string key;
        std::string value;
        std::string file;
    };
    std::vector<setting> settings; // of [Service], in order

    // All values of a list setting. An empty value removes the earlier ones.
    [[nodiscard]] std::vector<std::string> all(std::string_view key) const;
    // The value of a setting that is not a list.
    [[nodiscard]] std::string value(std::string_view key) const;
    [[nodiscard]] bool is_on(std::string_view key) const; // as a boolean

    // A variable that Environment= sets; its specifiers (%) are not replaced. Variables from files
    // (EnvironmentFile=) override it: `file` says which file.
    struct variable {
        std::string value;
        std::string file;
    };
    [[nodiscard]] std::optional<variable> environment(const std::string& root, std::string_view name) const;
};

struct unit_result {
    std::optional<unit> found;
    std::string error; // why there is no unit, for a person
};

// A drop-in (its path without the root), and the text that it shall have; empty: as if it did not exist.
struct replacement {
    std::string path;
    std::string text;
};

// "nginx" and "nginx.service" are the same. `root`: the folder of an image, or empty.
[[nodiscard]] unit_result load_unit(const std::string& root, const std::string& name,
                                    const replacement& instead = {});

// "nginx.service"; empty when it cannot be the name of a service.
[[nodiscard]] std::string unit_name(std::string name);

// "socket" for "ssh.socket"; empty for a service.
[[nodiscard]] std::string other_kind_of_unit(std::string_view name);

// The words of a value: separated by spaces, with quotes and C's escape sequences.
[[nodiscard]] std::vector<std::string> words_of(std::string_view value);

// NAME=VALUE as a word for Environment=, quoted. Specifiers are not changed.
[[nodiscard]] std::string quoted(std::string_view assignment);
// A text that has no specifiers, for a value that may have some.
[[nodiscard]] std::string without_specifiers(std::string_view text);

// The program of a systemd command line, without prefix characters. Empty: none.
[[nodiscard]] std::string program_of(std::string_view command_line);

} // namespace ibid::cli::systemd
