// SPDX-License-Identifier: Apache-2.0
//
// See script.h.
#include "cli/programs/script.h"

#include "cli/base/words.h"
#include "cli/programs/executable.h"
#include "cli/programs/file_bytes.h"

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <vector>

#include <fmt/format.h>

namespace ibid::cli {
namespace {

std::string file_name(const std::string& path) {
    return std::filesystem::path(path).filename().string();
}

// The words of env -S, without its quotes and escapes.
std::vector<std::string> split_words(std::string_view text) {
    std::istringstream words{std::string(text)};
    std::vector<std::string> all;
    for (std::string word; words >> word;)
        all.push_back(std::move(word));
    return all;
}

// The program that env(1) starts for the argument of a "#!" line; empty: none that could be named. The kernel
// passes the whole argument as one word; only -S makes several of it.
std::string program_of_env(std::string_view argument) {
    std::vector<std::string> words{std::string(argument)};
    for (const std::string_view option : {"-S", "--split-string=", "--split-string", "-vS", "-iS"}) {
        if (argument.starts_with(option)) {
            words = split_words(argument.substr(option.size()));
            break;
        }
    }
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        if (word == "-u" || word == "-C" || word == "--unset" || word == "--chdir")
            ++i; // its value
        else if (!word.starts_with("-") && word.find('=') == std::string::npos)
            return word;
    }
    return {};
}

} // namespace

std::string interpreter_of_script(const std::string& path) {
    const file_bytes file(path);
    const std::string_view text = file.slice(0, 256);
    if (!text.starts_with("#!"))
        return {};
    std::string_view line = text.substr(2, text.find('\n') - 2);
    const auto trim = [&line] {
        line.remove_prefix(std::min(line.size(), line.find_first_not_of(" \t")));
        line = line.substr(0, line.find_last_not_of(" \t") + 1);
    };
    trim();
    std::string interpreter(line.substr(0, line.find_first_of(" \t")));
    line.remove_prefix(interpreter.size());
    trim();
    if (file_name(interpreter) != "env")
        return interpreter;
    const std::string name = program_of_env(line);
    if (name.empty())
        return interpreter;
    const std::string found = find_executable(name);
    return found.empty() ? name : found;
}

std::string probable_mistake(const std::string& interpreter) {
    if (interpreter.ends_with("\r"))
        return ": the line ends with a carriage return, as on Windows";
    if (interpreter.find(' ') != std::string::npos)
        return fmt::format(": env takes the rest of the line as one name; '#!/usr/bin/env -S {}' splits it",
                           legible(interpreter));
    return {};
}

bool is_shell(const std::string& path) {
    const std::string name = file_name(path);
    return name == "sh" || name == "bash" || name == "dash" || name == "ash" || name == "ksh" ||
           name == "zsh" || name == "mksh" || name == "busybox";
}

std::string target_of_shell_script(std::string_view text) {
    const auto is_plain = [](std::string_view word) {
        return word.find_first_of("$`\"'\\*?[~(){}<>|&;!") == std::string_view::npos;
    };
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        line.remove_prefix(std::min(line.size(), line.find_first_not_of(" \t")));
        if (line.empty() || line.starts_with("#") || line.starts_with("set -"))
            continue;
        if (line.starts_with("exec /")) {
            const std::string_view path = line.substr(5, line.find_first_of(" \t", 5) - 5);
            return is_plain(path) ? std::string(path) : std::string();
        }
        const std::string_view setting = line.starts_with("export ") ? line.substr(7) : line;
        const std::size_t equals = setting.find('=');
        const std::string_view name = setting.substr(0, equals);
        if (equals == std::string_view::npos || name.empty() || name == "PATH" || name.starts_with("LD_") ||
            name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") !=
                std::string_view::npos ||
            !is_plain(setting) || setting.find(' ') != std::string_view::npos)
            return {};
    }
    return {};
}

} // namespace ibid::cli
