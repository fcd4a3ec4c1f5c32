// SPDX-License-Identifier: Apache-2.0
#include "mutation.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string_view>

#include <csignal>
#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

#include "settings.h"
#include "uncancelled.h"

namespace ibid::openssl {

namespace {

// One write, so that lines of several threads do not mix. Where nobody reads standard error the line is lost, and the program
// does not die of it: the signal that this call may raise goes to this thread, which takes it back.
void say(std::string_view line) noexcept {
    sigset_t pipe;
    sigset_t before;
    sigset_t pending;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigemptyset(&pending);
    sigpending(&pending);
    const bool some_before = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    ssize_t written = 0;
    do {
        written = write(STDERR_FILENO, line.data(), line.size());
    } while (written < 0 && errno == EINTR);
    if (written < 0 && errno == EPIPE && !some_before) {
        const timespec now{};
        while (sigtimedwait(&pipe, nullptr, &now) < 0 && errno == EINTR) {
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

} // namespace

void tell_mutation(const void* code, const char* what) noexcept {
    const mutation_setting setting = environment().on_mutate;
    if (setting == mutation_setting::detach) {
        return;
    }
    const uncancelled all_of_this;
    const int error = errno;
    Dl_info info{};
    const bool known = dladdr(code, &info) != 0 && info.dli_fname != nullptr;
    const auto offset = known ? static_cast<const char*>(code) - static_cast<const char*>(info.dli_fbase) : 0;
    const char* const name = known ? info.dli_fname : "code at an unknown place";
    // Of a very long path the end, which tells more.
    constexpr std::size_t longest = 384;
    const std::size_t size = std::strlen(name);
    const bool cut = size > longest;
    char line[512];
    const int length =
        std::snprintf(line, sizeof line, "ibid: %s%s+0x%tx writes to a shared %s; it is shared no longer\n",
                      cut ? "..." : "", cut ? name + (size - longest) : name, offset, what);
    say({line, static_cast<std::size_t>(length)});
    errno = error;
    if (setting == mutation_setting::abort) {
        std::abort();
    }
}

} // namespace ibid::openssl
