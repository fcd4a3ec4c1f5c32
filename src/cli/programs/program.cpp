// SPDX-License-Identifier: Apache-2.0
//
// Finds programs and decides whether something can be preloaded into them.
#include "cli/programs/program.h"

#include "cli/base/words.h"
#include "cli/programs/executable.h"
#include "cli/programs/file_bytes.h"
#include "cli/programs/installation.h"
#include "cli/programs/script.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ibid::cli {
namespace {

std::string file_name(const std::string& path) {
    return std::filesystem::path(path).filename().string();
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
        // At depth 0 a shell has executed it.
        if (depth == 0 && std::find(p.scripts.begin(), p.scripts.end(), p.path) != p.scripts.end()) {
            p.broken = fmt::format("{} starts itself again and again", legible(p.path));
            break;
        }
        if (depth == 5) { // the kernel follows five at most
            p.broken = fmt::format("its interpreter is a script, and so on: the kernel gives up at {}",
                                   legible(p.path));
            break;
        }
        if (!is_executable_file(interpreter)) {
            const bool is_there = ::access(interpreter.c_str(), F_OK) == 0;
            p.broken =
                fmt::format("{} is a script whose interpreter {} is {}{}", legible(p.path),
                            legible(interpreter), is_there ? "nothing that can be executed" : "not there",
                            is_there ? "" : probable_mistake(interpreter));
            break;
        }
        p.scripts.push_back(p.path);
        p.path = interpreter;
        if (!is_shell(interpreter))
            continue;
        constexpr std::size_t most_text = std::size_t{1} << 20; // of a script that only starts a program
        const file_bytes script(p.scripts.back());
        const std::string target = target_of_shell_script(script.slice(0, most_text));
        if (!is_executable_file(target)) {
            p.shell_script = p.scripts.back();
            break;
        }
        p.path = target;
        depth = -1; // the kernel counts again
    }
    p.elf = read_elf(p.path);
    if (!p.elf && ::access(p.path.c_str(), R_OK) != 0)
        p.unread = std::strerror(errno);
    p.privileged = gains_privileges(p.path);
    if (p.elf && p.elf->is_cut)
        p.broken = legible(p.path) + " is damaged: parts of it are not there";
    return p;
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
    if (name.find('/') == std::string::npos) {
        if (const std::string file = find_file_in_path(name); !file.empty())
            return why_no_program(file);
        return fmt::format("there is no program {} in PATH{}{}", told,
                           is_executable_file("./" + name) ? fmt::format("; './{}' is one", told) : "",
                           advice_about_quotes(name));
    }
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
    std::string gains =
        p.privileged ? name + " runs with privileges of its own (setuid, setgid or file capabilities): the "
                              "loader then ignores LD_PRELOAD"
                     : std::string();
    if (!p.elf)
        return p.unread.empty() ? std::string() : gains;
    if (!p.elf->native)
        return name + " is built for another processor or word size than ibid";
    if (p.elf->interpreter.empty())
        return name + " is statically linked: nothing can be preloaded into it";
    if (harmed_by_preload(p))
        return name + " uses another C library than ibid (its loader is " + p.elf->interpreter + ")";
    return gains;
}

} // namespace ibid::cli
