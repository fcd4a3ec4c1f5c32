// SPDX-License-Identifier: Apache-2.0
//
// Queries the dynamic loader. See loader.h.
#include "cli/programs/loader.h"

#include "cli/programs/installation.h"
#include "cli/programs/program.h"
#include "openssl/modules/linker_functions.h"
#include "statistics/reading_child.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>

#include <fcntl.h>
#include <link.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ibid::cli {
namespace {

// The standard output of `command`; standard error is discarded. `variable`: a NAME=VALUE to add to our
// environment for it, or empty.
std::string output_of(std::vector<std::string> command, std::string variable = {}) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return {};
    std::vector<char*> words;
    for (std::string& word : command)
        words.push_back(word.data());
    words.push_back(nullptr);
    std::vector<char*> environment;
    const std::string_view name(variable.data(), variable.find('=') + 1);
    for (char** each = environ; *each != nullptr; ++each) {
        if (name.empty() || !std::string_view(*each).starts_with(name))
            environment.push_back(*each);
    }
    if (!name.empty())
        environment.push_back(variable.data());
    environment.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    if (::access("/dev/null", W_OK) == 0) // not in every root directory
        ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    else
        ::posix_spawn_file_actions_addclose(&actions, STDERR_FILENO);
    pid_t pid = 0;
    const int error = ::posix_spawn(&pid, words[0], &actions, nullptr, words.data(), environment.data());
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    std::string output;
    if (error == 0) {
        std::array<char, 4096> part{};
        for (ssize_t n = 0; (n = ::read(ends[0], part.data(), part.size())) > 0 || (n < 0 && errno == EINTR);)
            output.append(part.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
        while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
    ::close(ends[0]);
    return output;
}

// "\tlibssl.so.3 => /lib/x86_64-linux-gnu/libssl.so.3 (0x00007f...)"; relative where LD_LIBRARY_PATH is.
std::vector<std::string> paths_in(const std::string& listing) {
    std::vector<std::string> paths;
    for (std::string_view rest = listing; !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(line.size() < rest.size() ? line.size() + 1 : line.size());
        const std::size_t arrow = line.find("=> ");
        const std::size_t end = line.rfind(" (0x");
        if (arrow != std::string_view::npos && end != std::string_view::npos && end > arrow + 3)
            paths.push_back(std::filesystem::absolute(line.substr(arrow + 3, end - arrow - 3)).string());
    }
    return paths;
}

} // namespace

std::vector<std::string> libraries_of_program(const std::string& path) {
    const program p = look_at(path);
    if (!p.elf || !p.elf->native || p.elf->interpreter.empty() || p.elf->interpreter != own_interpreter())
        return {};
    return paths_in(output_of({own_interpreter(), "--list", p.path}));
}

std::vector<std::string> libraries_of_process(pid_t pid) {
    std::vector<std::string> paths;
    std::istringstream maps(
        shared_statistics::read_in_time("/proc/" + std::to_string(pid) + "/maps").value_or(""));
    for (std::string line; std::getline(maps, line);) {
        // "7f0000000000-7f0000002000 r-xp 00002000 08:01 77    /usr/lib/x86_64-linux-gnu/libssl.so.3"
        const std::size_t slash = line.find('/');
        const std::size_t mode = line.find(' ');
        if (slash == std::string::npos || mode == std::string::npos || line.size() < mode + 4 ||
            line[mode + 3] != 'x')
            continue;
        std::string path = line.substr(slash);
        if (std::find(paths.begin(), paths.end(), path) == paths.end())
            paths.push_back(std::move(path));
    }
    return paths;
}

std::string library_by_name(const std::string& soname) {
    // Before glibc 2.34 this program has no dlopen(). Then the loader lists what it would load in front of
    // this program.
    auto* const open = reinterpret_cast<decltype(&dlopen)>(openssl::modules::first_function("dlopen"));
    if (open == nullptr)
        return first_named(
            paths_in(output_of({own_interpreter(), "--list", own_path()}, "LD_PRELOAD=" + soname)), soname);
    void* handle = open(soname.c_str(), RTLD_LAZY | RTLD_LOCAL);
    if (handle == nullptr)
        return {};
    // It is not closed, because the command ends soon. What a handle points to is the loader's own record of
    // the module (dlinfo(3), RTLD_DI_LINKMAP).
    return static_cast<const link_map*>(handle)->l_name;
}

std::string first_named(const std::vector<std::string>& paths, const std::string& name) {
    for (const std::string& path : paths) {
        if (path.compare(path.rfind('/') + 1, name.size(), name) == 0)
            return path;
    }
    return {};
}

} // namespace ibid::cli
