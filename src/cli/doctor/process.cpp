// SPDX-License-Identifier: Apache-2.0
//
// A running process: what is mapped into it, and what its counters say.
#include "cli/doctor/subjects.h"

#include "cli/doctor/environment.h"
#include "cli/doctor/openssl.h"
#include "cli/programs/elf_file.h"
#include "cli/programs/loaded_files.h"
#include "cli/programs/modules.h"
#include "cli/programs/openssl_build.h"
#include "cli/programs/process.h"
#include "cli/programs/program.h"
#include "cli/programs/tls_library.h"
#include "cli/systemd/processes.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <unistd.h>

#include <fmt/format.h>

namespace ibid::cli::doctor {
namespace {

using shared_statistics::read_error;

// Whether the counters' path leads to this file. Once it is replaced, that path leads to another one.
bool is_same(const shared_statistics::libcrypto_figures& one, const loaded_file& file,
             const std::string& version, const std::string& root) {
    std::error_code error;
    if (one.path == file.path || std::filesystem::equivalent(root + one.path, root + file.path, error))
        return true;
    return file.replaced && !version.empty() && one.version == version;
}

// The counters show which libcrypto is helped; the mappings show which ones exist.
void look_at_libcryptos(findings& f, const std::vector<loaded_file>& files, const std::string& root,
                        const shared_statistics::process_result& counters) {
    f.libcryptos = counters.figures.libcryptos;
    for (const loaded_file& file : files) {
        if (!is_libcrypto(file.path))
            continue;
        const std::string version = openssl_version_of(file.at);
        if (std::any_of(f.libcryptos.begin(), f.libcryptos.end(),
                        [&](const auto& one) { return is_same(one, file, version, root); }))
            continue;
        shared_statistics::libcrypto_figures one;
        one.path = file.path;
        one.version = version;
        f.libcryptos.push_back(std::move(one));
    }
    if (f.libcryptos.size() > 1)
        std::erase_if(f.libcryptos, [](const auto& one) { return one.path.empty(); });
}

// Its libcrypto cannot be read: what ibid in it has noted of the version is left.
void take_version_from_counters(findings& f, const std::vector<loaded_file>& files, const std::string& root,
                                const shared_statistics::process_result& counters) {
    const auto file = std::find_if(files.begin(), files.end(),
                                   [&f](const loaded_file& l) { return l.path == f.openssl.libcrypto; });
    for (const auto& one : counters.figures.libcryptos) {
        if (f.openssl.unread && file != files.end() && is_same(one, *file, {}, root))
            f.openssl.version = one.version;
    }
}

// Of what decides about ibid.
void look_at_replaced(findings& f, const std::vector<loaded_file>& files, const std::string& executable,
                      pid_t pid) {
    bool unread = false;
    for (const loaded_file& file : files) {
        if (!file.replaced)
            continue;
        unread |= file.at.empty();
        if (is_libssl(file.path) || is_libcrypto(file.path) || file.path == f.preload.value_or("") ||
            file.path == executable)
            f.notes.push_back(fmt::format(
                "{} was replaced or removed since the process started: the process keeps the former file",
                file.path));
    }
    if (!unread)
        return;
    f.notes.emplace_back(
        "the former files may only be read with CAP_CHECKPOINT_RESTORE: what they would tell "
        "is missing here");
    if (::geteuid() != 0)
        f.next.push_back(fmt::format("'sudo ibid doctor {}'", pid));
}

// The system call filter (seccomp) of a process.
void look_at_sandbox(findings& f, pid_t pid) {
    std::ifstream status(fmt::format("/proc/{}/status", pid));
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("Seccomp:") && line.ends_with("2"))
            f.notes.emplace_back(
                "it has a system call filter (seccomp): if the filter was active when ibid was loaded, "
                "and refused mprotect, futex or getrandom, a feature is off (docs/safety.md)");
    }
}

// It runs without ibid, and nothing is known that would keep ibid from it but what is in `problems`.
void advise_to_start_under_ibid(findings& f, pid_t pid) {
    if (!f.openssl.libssl.empty() && f.problems.size() == 1)
        f.next.push_back(fmt::format("'ibid certs --estimate {}' says what sharing would save", pid));
    const std::string unit = systemd::unit_of(pid);
    f.next.push_back(unit.empty() ? "start it again with 'ibid run' before its command line"
                                  : fmt::format("'ibid enable {}' turns it on for its service", unit));
}

void say_why_unread(findings& f, pid_t pid, const shared_statistics::process_result& counters) {
    f.unread = true;
    f.no_memory = !without_memory(pid).empty();
    const bool answered = counters.error != read_error::no_answer;
    f.problems.push_back(
        explain(answered ? read_error::not_permitted : counters.error, pid, counters.not_started));
    if (!f.no_memory && answered && ::geteuid() != 0)
        f.next.push_back(fmt::format("'sudo ibid doctor {}'", pid));
}

void look_at_root_directory(findings& f, pid_t pid) {
    std::error_code error;
    const std::string folder =
        std::filesystem::read_symlink(fmt::format("/proc/{}/root", pid), error).string();
    if (!error && folder != "/")
        f.notes.push_back(
            fmt::format("its root directory is {}: programs that it starts there run without ibid", folder));
}

// TLS that is no shared library: inside the executable (a path of this command's), or inside one of the
// `files`.
void look_for_tls_inside(findings& f, const std::string& executable, const std::vector<loaded_file>& files,
                         const std::string& name_of_executable) {
    if (f.openssl.libcrypto.empty()) {
        const std::string how = openssl_inside(executable);
        const std::string whose = other_tls_inside(executable);
        f.problems.push_back(
            !whose.empty() ? fmt::format("its TLS is {}; ibid helps programs whose TLS is OpenSSL", whose)
            : how.empty()  ? no_libcrypto_so_far
                           : fmt::format("OpenSSL is inside the executable ({}): ibid cannot help", how));
    }
    for (const loaded_file& file : files_with_openssl_inside(files)) {
        if (f.openssl.libcrypto.empty() && file.path == name_of_executable)
            continue; // it is a problem already
        f.notes.push_back(
            fmt::format("{} contains an OpenSSL of its own: what that one parses is not shared", file.path));
    }
}

// It has loaded libcrypto, and no libssl.
void look_for_other_tls(findings& f, const std::vector<loaded_file>& files) {
    f.not_known = true;
    for (const loaded_file& file : files) {
        if (const std::string other = other_tls_library(file.path); !other.empty()) {
            f.problems.push_back(fmt::format("its TLS is {} ({}); ibid helps programs whose TLS is OpenSSL",
                                             other, file.path));
            break;
        }
    }
}

void judge_without_preload(findings& f, pid_t pid, const program& p) {
    const bool hopeless = !f.problems.empty() && f.problems.back() != no_libcrypto_so_far;
    f.problems.emplace_back(not_in_it);
    if (const std::string why = why_not_preloadable(p); !why.empty())
        f.problems.push_back(why);
    else if (!hopeless)
        advise_to_start_under_ibid(f, pid);
}

void judge_counters(findings& f, pid_t pid, const shared_statistics::process_result& counters) {
    if (counters.error == read_error::none) {
        if (!counters.figures.helped && !counters.figures.reason.empty() && !f.openssl.libcrypto.empty())
            f.problems.push_back("ibid is disabled in it: " + counters.figures.reason);
        else if (counters.figures.is_disabled)
            f.notes.push_back("with one of its libcryptos ibid is disabled: " + counters.figures.reason);
        if (counters.figures.helped)
            f.next.push_back(fmt::format("'ibid stat {}' shows what it saves", pid));
    } else if (counters.error == read_error::not_used && counters.figures.is_disabled) {
        if (f.problems.empty()) // otherwise its environment already says so
            f.problems.push_back("ibid is disabled in it: " + counters.figures.reason);
    } else if (counters.error == read_error::not_used) {
        f.notes.emplace_back("it has not used OpenSSL for certificates so far");
    }
}

} // namespace

findings look_at_process(pid_t pid, const shared_statistics::process_result& counters) {
    findings f;
    f.subject = fmt::format("process {} ({})", pid, name_of_process(pid));
    f.is_process = true;
    const std::string root = root_of_process(pid);
    const std::vector<loaded_file> files = files_of_process(pid);
    const std::string mapped = first_named(files, "libibid_preload.so");
    f.openssl = look_at_openssl(files);
    take_version_from_counters(f, files, root, counters);
    if (!mapped.empty())
        f.preload = mapped;
    f.decisive = classify(files);
    f.own_memory = sets_memory_functions(files);
    const std::string executable = fmt::format("/proc/{}/exe", pid);
    const std::string name_of_executable = executable_of_process(pid);
    look_at_settings(f, surroundings(pid), "environment", {},
                     {std::filesystem::path(name_of_executable).filename().string()});
    judge_openssl(f);
    if (counters.error == read_error::no_answer || files.empty()) {
        say_why_unread(f, pid, counters);
        return f;
    }
    look_at_libcryptos(f, files, root, counters);
    look_at_replaced(f, files, name_of_executable, pid);
    look_at_root_directory(f, pid);
    look_at_sandbox(f, pid);
    if (mapped.empty())
        note_scrubbed_environment(f, name_of_executable);
    look_for_tls_inside(f, executable, files, name_of_executable);
    program p = look_at(executable);
    p.path = name_of_executable; // for messages
    if (p.elf && p.elf->audited)
        f.problems.emplace_back("its executable names an auditor (DT_AUDIT): ibid is disabled");
    if (!f.openssl.libcrypto.empty() && f.openssl.libssl.empty())
        look_for_other_tls(f, files);
    if (mapped.empty())
        judge_without_preload(f, pid, p);
    else
        judge_counters(f, pid, counters);
    return f;
}

} // namespace ibid::cli::doctor
