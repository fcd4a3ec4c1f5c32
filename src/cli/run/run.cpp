// SPDX-License-Identifier: Apache-2.0
//
// `ibid run`. Without --stats: sets LD_PRELOAD and executes the program. With --stats: supervises the program
// and prints a summary.
#include "cli/run/run.h"

#include "cli/base/exit_status.h"
#include "cli/base/files.h"
#include "cli/base/say.h"
#include "cli/base/words.h"
#include "cli/programs/forewarning.h"
#include "cli/programs/installation.h"
#include "cli/programs/program.h"
#include "cli/run/descriptors.h"
#include "cli/run/summary.h"
#include "cli/run/supervise.h"
#include "cli/settings/effective_settings.h"
#include "cli/settings/known_settings.h"
#include "statistics/observe.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ibid::cli {
namespace {

// A message and an exit status like a shell's.
int cannot_run(const std::string& name, int error) {
    if (error == ENOENT && name.find('/') == std::string::npos)
        complain(fmt::format("{}: command not found{}", name.empty() ? "''" : legible(name),
                             advice_about_quotes(name)));
    else
        complain(fmt::format("{}: {}{}", legible(name), std::strerror(error), advice_about_quotes(name)));
    // A file that is there: execve(2) speaks of its interpreter.
    if (const std::optional<program> p = error == ENOENT ? find_program(name) : std::nullopt;
        p && !p->broken.empty())
        complain(p->broken);
    return error == ENOENT ? exit_not_found : exit_cannot_run;
}

// What is known before the program runs.
struct outlook {
    std::optional<program> target; // examined only if a message can be shown
    std::string not_preloadable;   // why nothing will be preloaded; empty: it will
    bool is_preloaded = false;     // LD_PRELOAD names ibid
};

// Sets LD_PRELOAD for the program.
outlook prepare(const std::string& name, bool look) {
    outlook o;
    const std::optional<std::string> preload = find_preload();
    if (!preload) {
        o.not_preloadable = "libibid_preload.so was not found beside this command";
        complain(o.not_preloadable +
                 "; the program runs without it ('ibid doctor' says where it was looked for)");
        return o;
    }
    if (!fits_into_ld_preload(*preload)) {
        o.not_preloadable = fmt::format(
            "the path {} has a space, a colon or a dollar sign, which LD_PRELOAD cannot contain", *preload);
        complain(o.not_preloadable + "; the program runs without ibid: install it elsewhere");
        return o;
    }
    if (const std::string closed = closed_to_this_user(*preload); !closed.empty()) {
        o.not_preloadable = fmt::format("you may not read {}", closed);
        complain(o.not_preloadable + "; the program runs without ibid");
        return o;
    }
    const preload_entry entry = entry_for(*preload);
    if (look || !entry.harmless)
        o.target = find_program(name);
    if (o.target)
        o.not_preloadable = why_not_preloadable(*o.target);
    if (::isatty(STDERR_FILENO) == 1) {
        for (const std::string& warning : forewarnings(name, o.target, *preload))
            complain(warning);
    }
    if (!entry.harmless && o.target && harmed_by_preload(*o.target))
        return o;
    const char* current = std::getenv("LD_PRELOAD");
    ::setenv("LD_PRELOAD", prepend_preload(entry.text, current != nullptr ? current : "").c_str(), 1);
    o.is_preloaded = true;
    return o;
}

void apply_options(const run_request& request) {
    if (!request.exclude.empty()) {
        const char* current = std::getenv("IBID_EXCLUDE");
        ::setenv("IBID_EXCLUDE", append_names(current != nullptr ? current : "", request.exclude).c_str(), 1);
    }
    if (!request.children)
        ::setenv("IBID_CHILDREN", "0", 1);
}

// The counters, or why there are none. A child tries it first, because a sandbox may kill a process for a
// forbidden call.
struct counting {
    std::optional<shared_statistics::region> region;
    std::string obstacle;
};

counting begin_counting() {
    counting c;
    const pid_t pid = ::fork();
    if (pid == 0) {
        const rlimit none{0, 0};
        ::setrlimit(RLIMIT_CORE, &none);
        try {
            const auto tried = shared_statistics::region::create();
            ::_exit(0);
        } catch (const std::system_error&) {
            ::_exit(1); // the parent then finds the reason
        }
    }
    int status = 0;
    while (pid > 0 && ::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (pid < 0 || WIFSIGNALED(status)) {
        c.obstacle = pid < 0 ? fmt::format("no further process can be created ({})", std::strerror(errno))
                             : "shared memory is not permitted here";
        return c;
    }
    try {
        c.region = shared_statistics::region::create();
    } catch (const std::system_error& error) {
        c.obstacle = error.what();
    }
    return c;
}

bool is_disabled() {
    const char* disabled = std::getenv("IBID_DISABLE");
    return disabled != nullptr && std::strcmp(disabled, "1") == 0;
}

// Prints the summary.
verdict judge(const counting& c, const outlook& o) {
    verdict v;
    if (c.region)
        v.counted = c.region->sum_up();
    if (v.counted && v.counted->helped != 0)
        return v;
    if (!o.not_preloadable.empty())
        v.guess = o.not_preloadable;
    else if (is_disabled())
        v.guess = "IBID_DISABLE=1 is set";
    else if (!c.region)
        v.uncounted = c.obstacle;
    else if (v.counted->loaded == 0)
        v.uncounted =
            "no process with ibid in it could reach the counters (they are in other IPC namespaces, or other "
            "users' whom this one may not let in)";
    else
        v.nothing_seen = "no process that could be counted used an OpenSSL 3 or 4 that is a shared library "
                         "(libssl.so, libcrypto.so)";
    return v;
}

// The summary, where it was asked for. `out`: the file, or standard error.
void report(const run_request& request, int out, const verdict& v) {
    const std::string text = request.json_file ? json_text(summary_json(v)) + "\n" : summary_text(v);
    if (!write_all(out, text) && request.json_file)
        complain(
            fmt::format("cannot write the statistics to {}: {}", *request.json_file, std::strerror(errno)));
}

// The environment of this process as it was. Its strings stay as they are: setenv() makes new ones.
class environment_before {
public:
    environment_before() {
        for (char* const* at = environ; *at != nullptr; ++at)
            strings_.push_back(*at);
        strings_.push_back(nullptr);
    }
    environment_before(const environment_before&) = delete;
    environment_before& operator=(const environment_before&) = delete;
    void restore() { environ = strings_.data(); }

private:
    std::vector<char*> strings_;
};

} // namespace

int run(const run_request& request) {
    const std::string& name = request.command[0];
    environment_before as_it_was;
    for (const std::string& complaint : apply_settings(name))
        complain(complaint);
    outlook before = prepare(name, request.statistics || ::isatty(STDERR_FILENO) == 1);
    apply_options(request);

    // The kernel limits the length of one variable, and of all. What fits without ibid must run.
    const auto runs_without_ibid = [&](int error) {
        if (error != E2BIG || !before.is_preloaded)
            return false;
        before.is_preloaded = false;
        before.not_preloadable = "the environment is too large for one more entry in LD_PRELOAD";
        complain(before.not_preloadable + "; the program runs without ibid");
        as_it_was.restore();
        return true;
    };
    const auto become_program = [&] {
        do
            ::execvp(name.c_str(), pointers_to(request.command).data());
        while (runs_without_ibid(errno));
        return cannot_run(name, errno);
    };
    if (!request.statistics)
        return become_program();

    // Before the program runs, so that an error about the file is reported early.
    int out = STDERR_FILENO;
    if (request.json_file) {
        out = above_standard_streams(
            ::open(request.json_file->c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
        if (out < 0) {
            complain(fmt::format("cannot write the statistics to {}: {}", *request.json_file,
                                 std::strerror(errno)));
            return exit_usage;
        }
    }
    // Counting is optional: without counters the program still runs.
    const counting counters = begin_counting();
    if (counters.region)
        ::setenv("IBID_STATISTICS", counters.region->place().c_str(), 1);
    else
        ::unsetenv("IBID_STATISTICS");

    ending end;
    do
        end = supervise(request.command, {out});
    while (runs_without_ibid(end.exec_error));
    if (end.supervision_error != 0) {
        const std::string why =
            fmt::format("no further process can be created ({})", std::strerror(end.supervision_error));
        complain("not counted: " + why);
        if (request.json_file)
            report(request, out, {.counted = {}, .guess = {}, .nothing_seen = {}, .uncounted = why});
        return become_program();
    }
    if (end.exec_error != 0) {
        if (request.json_file) // else the message of cannot_run() says it
            report(request, out,
                   {.counted = {},
                    .guess = fmt::format("the program could not be run: {}", std::strerror(end.exec_error)),
                    .nothing_seen = {},
                    .uncounted = {}});
        return cannot_run(name, end.exec_error);
    }
    report(request, out, judge(counters, before));
    end_as(end.status);
}

} // namespace ibid::cli
