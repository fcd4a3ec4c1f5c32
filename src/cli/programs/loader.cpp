// SPDX-License-Identifier: Apache-2.0
//
// Queries the dynamic loader. See loader.h.
#include "cli/programs/loader.h"

#include "cli/programs/installation.h"
#include "cli/programs/process.h"
#include "cli/programs/program.h"
#include "openssl/modules/linker_functions.h"
#include "statistics/reading_child.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string_view>

#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ibid::cli {
namespace {

struct output {
    std::string text;
    std::string why_not; // why there is none, for a person
};

// A loader opens the libraries that it finds by name. With a FIFO it waits for a writer, perhaps for ever.
constexpr auto longest_wait = std::chrono::seconds(5);

std::string not_asked(int error) {
    return "the loader could not be asked: " + why_no_child(error);
}
constexpr const char* no_end =
    "the loader does not get to the end of its libraries: one of them may be a FIFO or a device";

// Reads to the end. False: it did not come in time.
bool read_to_end(int from, std::string& to) {
    const auto end = std::chrono::steady_clock::now() + longest_wait;
    std::array<char, 4096> part{};
    for (;;) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        pollfd input{from, POLLIN, 0};
        const int ready = ::poll(&input, 1, left.count() > 0 ? static_cast<int>(left.count()) : 0);
        if (ready == 0)
            return false;
        const ssize_t n = ready < 0 ? -1 : ::read(from, part.data(), part.size());
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return true;
        to.append(part.data(), static_cast<std::size_t>(n));
    }
}

// The standard output of `command`; standard error is discarded. `variable`: a NAME=VALUE to add to our
// environment for it, or empty.
output output_of(std::vector<std::string> command, std::string variable = {}) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return {{}, not_asked(errno)};
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
    output found;
    if (error == 0) {
        if (!read_to_end(ends[0], found.text)) {
            found.why_not = no_end;
            ::kill(pid, SIGKILL);
        }
        while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
        }
    } else if (error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE) {
        found.why_not = not_asked(error);
    }
    ::close(ends[0]);
    return found;
}

// "\tlibssl.so.3 => /lib/x86_64-linux-gnu/libssl.so.3 (0x00007f...)"; relative where LD_LIBRARY_PATH is.
loader_answer answer_in(const output& listing) {
    loader_answer answer{{}, listing.why_not};
    for (std::string_view rest = listing.text; !rest.empty() && answer.why_not.empty();) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(line.size() < rest.size() ? line.size() + 1 : line.size());
        const std::size_t arrow = line.find("=> ");
        const std::size_t end = line.rfind(" (0x");
        if (arrow != std::string_view::npos && end != std::string_view::npos && end > arrow + 3)
            answer.files.push_back(loaded_file::in_place(
                std::filesystem::absolute(line.substr(arrow + 3, end - arrow - 3)).string()));
    }
    return answer;
}

} // namespace

loader_answer libraries_of_program(const std::string& path) {
    const program p = look_at(path);
    if (!p.elf || !p.elf->native || p.elf->interpreter.empty() || p.elf->interpreter != own_interpreter())
        return {};
    return answer_in(output_of({own_interpreter(), "--list", p.path}));
}

loader_answer library_by_name(const std::string& soname) {
    // Before glibc 2.34 this program has no dlopen(). Then the loader lists what it would load in front of
    // this program.
    auto* const open = reinterpret_cast<decltype(&dlopen)>(openssl::modules::first_function("dlopen"));
    if (open == nullptr) {
        loader_answer answer =
            answer_in(output_of({own_interpreter(), "--list", own_path()}, "LD_PRELOAD=" + soname));
        std::erase_if(answer.files,
                      [&soname](const loaded_file& f) { return first_named({f}, soname).empty(); });
        return answer;
    }
    // In a child, because it may not return. What a handle points to is the loader's own record of the module
    // (dlinfo(3), RTLD_DI_LINKMAP).
    shared_statistics::reading_child child([&](shared_statistics::reading_child::answers& out) {
        const auto* const module = static_cast<const link_map*>(open(soname.c_str(), RTLD_LAZY | RTLD_LOCAL));
        out.send(module == nullptr ? "" : module->l_name);
    });
    const std::optional<std::string> path = child.next(longest_wait);
    if (!path)
        return {{}, child.not_started() != 0 ? not_asked(child.not_started()) : no_end};
    return path->empty() ? loader_answer{} : loader_answer{{loaded_file::in_place(*path)}, {}};
}

} // namespace ibid::cli
