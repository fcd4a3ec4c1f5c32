// SPDX-License-Identifier: Apache-2.0
//
// See definition.h.
#include "cli/usage/definition.h"

#include <algorithm>

namespace ibid::cli::usage {
namespace {

option json() {
    return {.name = "--json", .help = "JSON instead of text"};
}

command run() {
    return {
        .name = "run",
        .summary = "Run a program under ibid",
        .description =
            {"Sets LD_PRELOAD and executes the program. A program that ibid cannot help runs normally.",
             "Settings come from the environment, then from /etc/ibid.conf and /etc/ibid.conf.d/*.conf: "
             "lines of "
             "NAME=VALUE, for all programs or below a [PROGRAM].",
             "With --stats, ibid stays as the program's parent, forwards signals, ends as the program ends, "
             "and then writes "
             "one summary of all processes that used OpenSSL."},
        .options = {{.name = "--stats",
                     .value = "FILE",
                     .is = word::file,
                     .value_may_be_left_out = true,
                     .help = "Print a summary at the end: on standard error, or as JSON in FILE"},
                    {.name = "--exclude",
                     .value = "NAME",
                     .is = word::program_name,
                     .repeats = true,
                     .help = "Do nothing in programs of this name, also as children"},
                    {.name = "--no-children", .help = "Programs that this one starts run without ibid"}},
        .program = "PROGRAM [ARG...]",
        .exit_status = "The program's own; 2 for a wrong command line, 126 if the program cannot be run, "
                       "127 if there is "
                       "none.",
        .examples = {{"ibid run curl https://example.org/", ""},
                     {"ibid run --stats -- nginx -g 'daemon off;'", ""},
                     {"ibid run --stats=figures.json python3 crawl.py", ""}},
    };
}

command measure() {
    return {
        .name = "measure",
        .summary = "Measure the effect of ibid on a program",
        .description =
            {"Runs the program alternately without and under ibid, and compares memory, CPU and time. If the "
             "runs do not show "
             "a difference, it says so. The program's output is discarded.",
             "With --load the program is a server: when it is ready, the load is run against it by a shell, "
             "and then "
             "the server is ended (SIGTERM). The latencies that the load prints (wrk --latency, ab, hey, "
             "vegeta and others) are compared, too."},
        .options = {{.name = "--load",
                     .value = "COMMAND",
                     .is = word::any,
                     .help = "What to run against the program, as 'wrk --latency -d 5 https://localhost/'"},
                    {.name = "--until",
                     .value = "PORT",
                     .is = word::count,
                     .help =
                         "The program is ready when it listens on this TCP port (default: after one second)"},
                    {.name = "--rounds",
                     .value = "N",
                     .is = word::count,
                     .help = "Counted runs of each kind (default: 5)"},
                    json()},
        .program = "PROGRAM [ARG...]",
        .exit_status = "0; 1 if the program or the load cannot be run, or ends differently from run to run.",
        .examples = {{"ibid measure -- python3 crawl.py", ""},
                     {"ibid measure --until 8443 --load 'wrk --latency https://localhost:8443/' -- nginx",
                      ""}},
    };
}

command stat() {
    return {
        .name = "stat",
        .summary = "Show the counters of a running process",
        .description = {"Reads from outside: the program does not notice."},
        .options = {{.name = "--watch", .help = "Repeat until the process ends"},
                    {.name = "--interval",
                     .value = "SECONDS",
                     .is = word::seconds,
                     .help = "Seconds between two views (default: 2)"},
                    json()},
        .operands = {{.name = "PID", .is = word::pid, .required = true, .help = "The process"}},
        .exit_status = "0; 1 if there is no such process, it may not be read, or it does not run under ibid.",
    };
}

command certs() {
    return {
        .name = "certs",
        .summary = "List the certificates that a running process shares",
        .description = {"Reads from outside, with the permission that a debugger needs: the program does not "
                        "notice. The most shared one comes first.",
                        "With --estimate the process need not run under ibid: its memory is searched for "
                        "OpenSSL certificates, and the command prints how much one copy of each would save."},
        .options = {{.name = "--estimate",
                     .help = "What sharing would save, for any process with OpenSSL 3 or 4"},
                    json()},
        .operands = {{.name = "PID", .is = word::pid, .required = true, .help = "The process"}},
        .exit_status = "0; 1 if there is no such process, it may not be read, or it does not run under ibid.",
    };
}

command top() {
    return {
        .name = "top",
        .summary = "Watch all processes under ibid",
        .description =
            {"Shows the counters of all processes that you may read, the one that saved most "
             "first, and updates them. On a terminal the last line lists the keys: order, filter, q to "
             "quit. Without a terminal it continues until it is interrupted."},
        .options = {{.name = "--sort",
                     .value = "COLUMN",
                     .is = word::any,
                     .help = "Order: pid, name, active, retained, hits, misses, rate, saved (default)"},
                    {.name = "--filter",
                     .value = "TEXT",
                     .is = word::any,
                     .help = "Only processes with this in their name, or at the start of their PID"},
                    {.name = "--interval",
                     .value = "SECONDS",
                     .is = word::seconds,
                     .help = "Seconds between two views (default: 2)"},
                    {.name = "--once", .help = "One view, then exit"},
                    {.name = "--json", .help = "JSON instead of text, one object per line"}},
        .exit_status = "0; with --once, 1 if no process can be read.",
    };
}

command doctor() {
    return {
        .name = "doctor",
        .summary = "Say whether ibid helps here, and why or why not",
        .description =
            {"Examines a program, a running process, a service, or without an argument this machine. It runs "
             "nothing of the "
             "program."},
        .options = {json()},
        .operands =
            {{.name = "PROGRAM|PID|SERVICE",
              .is = word::subject,
              .help = "A program, a running process, or a service (NAME.service); default: this machine"}},
        .exit_status = "0 if ibid helps or it is not known; 1 if there is an obstacle, or a process runs "
                       "without ibid.",
        .examples = {{"ibid doctor nginx", ""},
                     {"sudo ibid doctor 4711", ""},
                     {"ibid doctor nginx.service", ""}},
    };
}

option root() {
    return {.name = "--root",
            .value = "DIR",
            .is = word::folder,
            .help = "The system in this folder (an image, for example) instead of the running one"};
}

option dry_run() {
    return {.name = "--dry-run", .help = "Only show what would be done"};
}

command enable() {
    return {
        .name = "enable",
        .summary = "Enable ibid for a systemd service",
        .description = {"Examines the service's unit and program, and writes one file next to the unit (a "
                        "drop-in), which it shows. Nothing "
                        "is started, stopped or reloaded; the command prints what to do next."},
        .options = {dry_run(),
                    {.name = "--force", .help = "Ignore problems"},
                    {.name = "--set",
                     .value = "NAME=VALUE",
                     .is = word::any,
                     .repeats = true,
                     .help = "A setting of ibid for the service, such as IBID_PRIVACY=strict"},
                    root(),
                    json()},
        .operands = {{.name = "SERVICE",
                      .is = word::service,
                      .required = true,
                      .help = "Its name, with or without .service"}},
        .exit_status = "0 if it is enabled, or would be; 1 if there is a problem, or the file "
                       "cannot be written.",
        .examples = {{"ibid enable --dry-run nginx", ""},
                     {"sudo ibid enable --set IBID_PRIVACY=strict nginx", ""}},
    };
}

command disable() {
    return {
        .name = "disable",
        .summary = "Disable ibid for a systemd service",
        .description = {"Removes only the file that ibid enable wrote. Running processes keep "
                        "what they have loaded."},
        .options = {{.name = "--all", .help = "For every service for which it is enabled"},
                    dry_run(),
                    root(),
                    json()},
        .operands = {{.name = "SERVICE", .is = word::service, .help = "Its name, with or without .service"}},
        .exit_status = "0; 1 if ibid is not enabled for it.",
    };
}

command exporter() {
    return {
        .name = "exporter",
        .summary = "Serve the counters of all processes to Prometheus",
        .description = {"Answers GET /metrics in Prometheus' text format, or as OpenMetrics if requested, "
                        "until it is "
                        "interrupted. Counters are summed by program and service, including processes that "
                        "have ended."},
        .options = {{.name = "--listen",
                     .value = "HOST:PORT",
                     .is = word::address,
                     .help = "Address to listen on (default: 127.0.0.1:9842); without HOST, all addresses"},
                    {.name = "--per-process", .help = "A series for each process, with its PID"},
                    {.name = "--once", .help = "Print the metrics and exit"}},
        .exit_status = "0; 1 if it cannot listen there, or /proc is not mounted.",
        .examples = {{"ibid exporter --once", ""}, {"sudo ibid exporter --listen :9842", ""}},
    };
}

command status() {
    return {
        .name = "status",
        .summary = "Say for which services ibid is enabled, and whether it is loaded",
        .description = {"Examines the files of ibid enable, and the running processes."},
        .options = {root(), json()},
        .operands = {{.name = "SERVICE",
                      .is = word::service,
                      .help = "Its name (default: all services for which ibid is enabled)"}},
        .exit_status = "0 if it is enabled and loaded in the running processes; otherwise 1.",
    };
}

} // namespace

const std::string& summary() {
    static const std::string text = "keep one copy of each certificate in programs that use OpenSSL 3 or 4";
    return text;
}

const std::vector<std::string>& description() {
    static const std::vector<std::string> text{
        "Keeps one copy of each certificate in programs that use "
        "OpenSSL 3 or 4, without changing them. Put 'ibid run' before a "
        "command line."};
    return text;
}

const std::vector<command>& commands() {
    static const std::vector<command> all{run(),    doctor(), measure(), enable(), disable(),
                                          status(), stat(),   certs(),   top(),    exporter()};
    return all;
}

const std::vector<variable>& variables() {
    static const std::vector<variable> all{
        {"IBID_SCOPE", "openssl|all", "openssl",
         "openssl: share what OpenSSL parses for its own use; all: also what the application parses"},
        {"IBID_RETAIN", "BYTES[:ENTRIES]", "4M:1024",
         "The retention budget: what to keep also without a user; suffixes K, M, G; 0: nothing"},
        {"IBID_VERIFY_MEMO", "0", "on", "0: verify every signature again"},
        {"IBID_PRIVACY", "strict|default|off", "default",
         "How much of what is remembered of peers may shorten a handshake: nothing, only issuers, all"},
        {"IBID_EXCLUDE", "NAME[:NAME...]", "unset", "Do nothing in programs of these names (--exclude)"},
        {"IBID_CHILDREN", "0", "unset", "0: programs that this one starts run without ibid (--no-children)"},
        {"IBID_DISABLE", "1", "unset", "1: do nothing"},
        {"IBID_STATISTICS", "PLACE", "unset", "Where the counters are; set by ibid run --stats"},
        {"LD_PRELOAD", "FILE[:FILE...]", "unset", "Set by ibid run; existing entries stay, after ibid",
         false},
        {"IBID_CONFIG", "FILE", "/etc/ibid.conf",
         "Read settings from FILE and FILE.d/*.conf; empty: from no file. Read by ibid run, doctor and "
         "enable",
         false},
        {"NO_COLOR", "any text", "unset", "Not empty: no colours", false},
    };
    return all;
}

const std::vector<exit_status>& exit_statuses() {
    static const std::vector<exit_status> all{
        {0, "Done."},
        {1,
         "The answer is no: no such process, no permission to read it, not under ibid; doctor: not helped; "
         "enable and status of a service: not enabled. Or standard output could not be written."},
        {2, "The command line, or the name of a file, is wrong."},
        {126, "ibid run: the program was found but cannot be run."},
        {127, "ibid run: there is no such program."},
    };
    return all;
}

const command* find(const std::string& name) {
    const auto at = std::find_if(commands().begin(), commands().end(),
                                 [&name](const command& c) { return c.name == name; });
    return at == commands().end() ? nullptr : &*at;
}

std::string shown(const option& o) {
    return o.value.empty() ? o.name
                           : o.name + (o.value_may_be_left_out ? "[=" + o.value + "]" : " " + o.value);
}

std::string synopsis(const command& c) {
    std::string text = "ibid " + c.name;
    for (const option& o : c.options)
        text += " [" + shown(o) + "]" + (o.repeats ? "..." : "");
    for (const operand& o : c.operands)
        text += o.required ? " " + o.name : " [" + o.name + "]";
    if (!c.program.empty())
        text += " [--] " + c.program;
    return text;
}

} // namespace ibid::cli::usage
