// SPDX-License-Identifier: Apache-2.0
//
// `ibid run`. Without --stats: set LD_PRELOAD and become the program. With it: stay outside, and sum up.
#include "cli/run.h"

#include "cli/descriptors.h"
#include "cli/environment.h"
#include "cli/exit_status.h"
#include "cli/program.h"
#include "cli/report.h"
#include "cli/supervise.h"
#include "statistics/observe.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ibid::cli {
namespace {

void say(const std::string& text) {
    fmt::print(stderr, "ibid: {}\n", text);
}

// As a shell says it, with a shell's exit status.
int cannot_run(const std::string& name, int error) {
    if (error == ENOENT && name.find('/') == std::string::npos)
        say(fmt::format("{}: command not found", name));
    else
        say(fmt::format("{}: {}", name, std::strerror(error)));
    return error == ENOENT ? exit_not_found : exit_cannot_run;
}

// Sets LD_PRELOAD for the program. Returns why nothing will be preloaded, or nothing.
std::string prepare(const std::optional<program>& target) {
    const std::optional<std::string> preload = find_preload();
    if (!preload) {
        std::string reason = "libibid_preload.so was not found beside this command";
        say(reason + "; the program runs without it ('ibid doctor' says where it was looked for)");
        return reason;
    }
    if (!fits_into_ld_preload(*preload)) {
        std::string reason =
            fmt::format("the path {} has a space or a colon, which LD_PRELOAD cannot hold", *preload);
        say(reason + "; the program runs without ibid: install it elsewhere");
        return reason;
    }
    if (target && harmed_by_preload(*target))
        return why_not_preloadable(*target);
    const char* current = std::getenv("LD_PRELOAD");
    ::setenv("LD_PRELOAD", prepend_preload(*preload, current != nullptr ? current : "").c_str(), 1);
    return target ? why_not_preloadable(*target) : std::string();
}

// Why no process counted anything, as far as it can be known from outside.
std::string guess_reason(const std::string& not_preloadable) {
    if (!not_preloadable.empty())
        return not_preloadable;
    const char* disabled = std::getenv("IBID_DISABLE");
    if (disabled != nullptr && std::strcmp(disabled, "1") == 0)
        return "IBID_DISABLE=1 is set";
    return "no process used an OpenSSL 3 that is a shared library (libssl.so.3, libcrypto.so.3)";
}

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = ::write(fd, text.data(), text.size());
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

} // namespace

int run(const run_request& request) {
    if (const std::string wrong = wrong_setting(); !wrong.empty()) {
        say(wrong);
        return exit_usage;
    }
    const std::string& name = request.command[0];
    const std::optional<program> target = find_program(name);
    const std::string not_preloadable = prepare(target);

    if (!request.statistics) {
        ::execvp(name.c_str(), pointers_to(request.command).data());
        return cannot_run(name, errno);
    }

    // Before the program runs: a file that cannot be written is better known now.
    int out = STDERR_FILENO;
    if (request.json_file) {
        out = above_standard_streams(
            ::open(request.json_file->c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
        if (out < 0) {
            say(fmt::format("cannot write the statistics to {}: {}", *request.json_file,
                            std::strerror(errno)));
            return exit_usage;
        }
    }
    const auto counters = shared_statistics::region::create();
    ::setenv("IBID_STATISTICS", counters.path().c_str(), 1);

    const ending end = supervise(request.command, {counters.fd(), out});
    if (end.exec_error != 0)
        return cannot_run(name, end.exec_error);

    const shared_statistics::totals totals = counters.sum_up();
    const std::string guess = guess_reason(not_preloadable);
    const std::string text =
        request.json_file ? summary_json(totals, guess).dump(2) + "\n" : summary_text(totals, guess);
    if (!write_all(out, text) && request.json_file)
        say(fmt::format("cannot write the statistics to {}: {}", *request.json_file, std::strerror(errno)));
    end_as(end.status);
}

} // namespace ibid::cli
