// SPDX-License-Identifier: Apache-2.0
//
// Finds programs and decides whether something can be preloaded into them.
#include "cli/programs/program.h"

#include "cli/base/words.h"
#include "cli/programs/installation.h"
#include "cli/programs/mapped_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ibid::cli {
namespace {

std::string file_name(const std::string& path) {
    return std::filesystem::path(path).filename().string();
}

bool is_executable_file(const std::string& path) {
    struct stat s {};
    return ::stat(path.c_str(), &s) == 0 && S_ISREG(s.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

// Empty when there is none.
std::string find_executable(const std::string& name) {
    if (name.find('/') != std::string::npos)
        return is_executable_file(name) ? name : std::string();
    const char* variable = std::getenv("PATH");
    std::string_view rest = variable != nullptr ? variable : "/bin:/usr/bin";
    while (!name.empty()) {
        const std::string_view folder = rest.substr(0, rest.find(':'));
        std::string path = fmt::format("{}/{}", folder.empty() ? "." : folder, name);
        if (is_executable_file(path))
            return path;
        if (folder.size() == rest.size())
            break;
        rest.remove_prefix(folder.size() + 1);
    }
    return {};
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

// The interpreter of a script; empty if the file is not a script. execve(2): after "#!" comes a path up to a
// space or tab, then one argument. For env(1), the program that env finds along PATH.
std::string interpreter_of_script(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::array<char, 256> start{};
    file.read(start.data(), start.size());
    const std::string_view text(start.data(), static_cast<std::size_t>(file.gcount()));
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

// Why an interpreter of that name is probably not there.
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

// ld.so(8), secure-execution mode: the loader ignores LD_PRELOAD when the kernel sets AT_SECURE.
bool gains_privileges(const std::string& path) {
    struct stat s {};
    if (::stat(path.c_str(), &s) != 0)
        return false;
    if ((s.st_mode & S_ISUID) != 0 && s.st_uid != ::getuid())
        return true;
    if ((s.st_mode & S_ISGID) != 0 && (s.st_mode & S_IXGRP) != 0 && s.st_gid != ::getgid())
        return true;
    return ::getuid() != 0 && ::getxattr(path.c_str(), "security.capability", nullptr, 0) > 0;
}

} // namespace

program look_at(const std::string& path) {
    program p;
    p.path = path;
    for (int depth = 0;; ++depth) {
        const std::string interpreter = interpreter_of_script(p.path);
        if (interpreter.empty())
            break;
        if (depth == 5) { // the kernel follows five at most
            p.broken = fmt::format("its interpreter is a script, and so on: the kernel gives up at {}",
                                   legible(p.path));
            break;
        }
        if (!is_executable_file(interpreter)) {
            p.broken = fmt::format("{} is a script whose interpreter {} is not there{}", legible(p.path),
                                   legible(interpreter), probable_mistake(interpreter));
            break;
        }
        p.scripts.push_back(p.path);
        p.path = interpreter;
        if (!is_shell(interpreter))
            continue;
        const std::string target = target_of_shell_script(mapped_file(p.scripts.back()).bytes());
        if (!is_executable_file(target)) {
            p.shell_script = p.scripts.back();
            break;
        }
        p.path = target;
    }
    p.elf = read_elf(p.path);
    p.privileged = gains_privileges(p.path);
    if (p.elf && p.elf->is_cut)
        p.broken = legible(p.path) + " is damaged: parts of it are not there";
    return p;
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

std::optional<program> find_program(const std::string& name) {
    const std::string path = find_executable(name);
    return path.empty() ? std::nullopt : std::optional(look_at(path));
}

std::string advice_about_quotes(const std::string& name) {
    const std::string first = name.substr(0, name.find(' '));
    return first.size() == name.size() || find_executable(first).empty()
               ? std::string()
               : "; leave out the quotes: the program and its arguments are words of their own";
}

std::string why_no_program(const std::string& name) {
    const std::string told = legible(name);
    if (name.empty())
        return "the name of the program is empty";
    if (name == "." || name == "..")
        return told + " is a folder";
    if (name.find('/') == std::string::npos)
        return fmt::format("there is no program {} in PATH{}{}", told,
                           is_executable_file("./" + name) ? fmt::format("; './{}' is one", told) : "",
                           advice_about_quotes(name));
    struct stat s {};
    if (::stat(name.c_str(), &s) != 0)
        return errno == ENOENT ? fmt::format("there is no program {}{}", told, advice_about_quotes(name))
                               : fmt::format("{}: {}", told, std::strerror(errno));
    if (S_ISDIR(s.st_mode))
        return told + " is a folder";
    if (!S_ISREG(s.st_mode))
        return told + " is not a file that can be executed";
    const std::optional<elf_file> elf = read_elf(name);
    const bool is_program = elf ? !elf->interpreter.empty() : !interpreter_of_script(name).empty();
    return told + " may not be executed" + (is_program ? " ('chmod +x' permits it)" : "; it is no program");
}

const std::string& own_interpreter() {
    static const std::string path = [] {
        const std::optional<elf_file> self = read_elf(own_path());
        return self ? self->interpreter : std::string();
    }();
    return path;
}

bool harmed_by_preload(const program& p) {
    if (!p.elf || (p.elf->native && p.elf->interpreter.empty()))
        return false; // not ELF: the shell runs it; static: LD_PRELOAD is ignored
    return !p.elf->native || file_name(p.elf->interpreter) != file_name(own_interpreter());
}

std::string why_not_preloadable(const program& p) {
    const std::string name = file_name(p.path);
    if (!p.elf)
        return {};
    if (!p.elf->native)
        return name + " is built for another processor or word size than ibid";
    if (p.elf->interpreter.empty())
        return name + " is statically linked: nothing can be preloaded into it";
    if (harmed_by_preload(p))
        return name + " uses another C library than ibid (its loader is " + p.elf->interpreter + ")";
    if (p.privileged)
        return name + " runs with privileges of its own (setuid, setgid or file capabilities): the loader "
                      "then ignores "
                      "LD_PRELOAD";
    return {};
}

} // namespace ibid::cli
