// SPDX-License-Identifier: Apache-2.0
//
// Asking the dynamic loader. See loader.h.
#include "cli/loader.h"

#include "cli/program.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string_view>

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ibid::cli {
namespace {

// What `command` writes to standard output; its errors go nowhere.
std::string output_of(std::vector<std::string> command) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return {};
    std::vector<char*> words;
    for (std::string& word : command)
        words.push_back(word.data());
    words.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t pid = 0;
    const int error = ::posix_spawn(&pid, words[0], &actions, nullptr, words.data(), environ);
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

} // namespace

std::vector<std::string> libraries_of_program(const std::string& path) {
    const program p = look_at(path);
    if (!p.elf || !p.elf->native || p.elf->interpreter.empty() || p.elf->interpreter != own_interpreter())
        return {};
    std::vector<std::string> paths;
    std::string_view rest;
    const std::string listing = output_of({own_interpreter(), "--list", p.path});
    rest = listing;
    while (!rest.empty()) {
        // "\tlibssl.so.3 => /lib/x86_64-linux-gnu/libssl.so.3 (0x00007f...)"; relative where LD_LIBRARY_PATH is
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(line.size() < rest.size() ? line.size() + 1 : line.size());
        const std::size_t arrow = line.find("=> ");
        const std::size_t end = line.rfind(" (0x");
        if (arrow != std::string_view::npos && end != std::string_view::npos && end > arrow + 3)
            paths.push_back(std::filesystem::absolute(line.substr(arrow + 3, end - arrow - 3)).string());
    }
    return paths;
}

std::vector<std::string> libraries_of_process(pid_t pid) {
    std::vector<std::string> paths;
    std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
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
    void* handle = ::dlopen(soname.c_str(), RTLD_LAZY | RTLD_LOCAL);
    if (handle == nullptr)
        return {};
    link_map* map = nullptr;
    std::string path;
    if (::dlinfo(handle, RTLD_DI_LINKMAP, static_cast<void*>(&map)) == 0 && map != nullptr)
        path = map->l_name;
    ::dlclose(handle);
    return path;
}

std::string first_named(const std::vector<std::string>& paths, const std::string& name) {
    for (const std::string& path : paths) {
        if (path.compare(path.rfind('/') + 1, name.size(), name) == 0)
            return path;
    }
    return {};
}

} // namespace ibid::cli
