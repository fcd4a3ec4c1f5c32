// SPDX-License-Identifier: Apache-2.0
//
// `ibid doctor`. First the facts are gathered, whoever is asked about; then they are shown, as text or JSON.
#include "cli/doctor.h"

#include "cli/elf_file.h"
#include "cli/environment.h"
#include "cli/exit_status.h"
#include "cli/loader.h"
#include "cli/program.h"
#include "cli/stat.h"
#include "cli/terminal.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ibid::cli {
namespace {

using shared_statistics::read_error;

struct findings {
    std::string subject; // "/usr/bin/curl", "process 77 (nginx)", "" for the machine
    std::optional<std::string> preload;
    openssl_build openssl;
    std::array<openssl::feature, 5> features{};
    std::vector<std::string> notes;    // good to know
    std::vector<std::string> problems; // why ibid does not help
    std::vector<std::string> next;     // what to do
};

bool is_three(const std::string& version) {
    return version.starts_with("3.");
}

void look_at_installation(findings& f) {
    f.preload = find_preload();
    if (!f.preload) {
        f.problems.emplace_back(
            "libibid_preload.so is neither in ../lib beside this command nor in " IBID_INSTALL_FULL_LIBDIR);
        f.next.emplace_back("install ibid as a whole ('cmake --install build/release'), or './dev build'");
    } else if (!fits_into_ld_preload(*f.preload)) {
        f.problems.push_back(
            "the path of libibid_preload.so has a space or a colon, which LD_PRELOAD cannot hold");
        f.next.emplace_back("move the installation to a path without them");
    }
    if (const std::string wrong = wrong_setting(); !wrong.empty())
        f.problems.push_back(wrong);
    if (const char* disabled = std::getenv("IBID_DISABLE");
        disabled != nullptr && std::string_view(disabled) == "1") {
        f.problems.emplace_back("IBID_DISABLE=1 is set: ibid stands aside");
        f.next.emplace_back("unset IBID_DISABLE");
    }
}

void judge_openssl(findings& f) {
    f.features = features_of(f.openssl);
    if (f.openssl.libcrypto.empty())
        return;
    if (!is_three(f.openssl.version)) {
        f.problems.push_back(
            fmt::format("{} is not OpenSSL 3{}", f.openssl.libcrypto,
                        f.openssl.version.empty() ? "" : fmt::format(" (version {})", f.openssl.version)));
        f.next.emplace_back("use a build of the program that is linked with OpenSSL 3");
    }
}

findings look_at_machine() {
    findings f;
    look_at_installation(f);
    std::vector<std::string> libraries;
    for (const char* name : {"libssl.so.3", "libcrypto.so.3"}) {
        if (std::string path = library_by_name(name); !path.empty())
            libraries.push_back(std::move(path));
    }
    f.openssl = look_at_openssl(libraries);
    judge_openssl(f);
    if (f.openssl.libcrypto.empty()) {
        f.problems.emplace_back("no libcrypto.so.3 is installed where the loader looks");
        f.next.emplace_back("Debian 12: apt-get install libssl3; Ubuntu 24.04: apt-get install libssl3t64");
    }
    return f;
}

void advise_about_program(findings& f, const program& p, const std::string& name) {
    if (const std::string why = why_not_preloadable(p); !why.empty()) {
        f.problems.push_back(why);
        if (p.privileged)
            f.next.emplace_back(
                "start it from an account that has these privileges already, so that it gains none");
        else
            f.next.emplace_back(
                "use a build of the program that is linked dynamically, with this system's C library");
        return;
    }
    if (!f.openssl.libcrypto.empty())
        return;
    if (!p.elf) {
        f.notes.push_back(p.path + " is neither ELF nor has it a #! line: a shell would run it");
        return;
    }
    // Interpreters and servers load OpenSSL with dlopen, in a module; that cannot be seen from outside.
    f.notes.push_back(
        p.path + " is not linked with OpenSSL itself; a module, or a program that it starts, may use it");
    f.next.push_back(fmt::format("run it once: 'ibid run --stats {}' says whether it used OpenSSL", name));
}

std::optional<findings> look_at_program(const std::string& name) {
    const std::optional<program> p = find_program(name);
    if (!p)
        return std::nullopt;
    findings f;
    f.subject = p->path;
    for (const std::string& script : p->scripts)
        f.notes.push_back(fmt::format("{} is a script; {} runs it", script, p->path));
    look_at_installation(f);
    f.openssl = look_at_openssl(libraries_of_program(p->path));
    judge_openssl(f);
    advise_about_program(f, *p, name);
    return f;
}

findings look_at_process(pid_t pid, read_error counters) {
    findings f;
    f.subject = fmt::format("process {} ({})", pid, name_of_process(pid));
    const std::vector<std::string> libraries = libraries_of_process(pid);
    const std::string mapped = first_named(libraries, "libibid_preload.so");
    f.openssl = look_at_openssl(libraries);
    if (!mapped.empty())
        f.preload = mapped;
    judge_openssl(f);
    if (libraries.empty()) {
        f.problems.push_back(explain(read_error::not_permitted, pid));
        f.next.push_back(fmt::format("'sudo ibid doctor {}'", pid));
        return f;
    }
    if (f.openssl.libcrypto.empty())
        f.problems.emplace_back("it has loaded no libcrypto.so.3 (so far)");
    if (mapped.empty()) {
        f.problems.emplace_back(
            "libibid_preload.so is not in it: it was not started under ibid, or could not be helped");
        const program p = look_at(fmt::format("/proc/{}/exe", pid));
        if (const std::string why = why_not_preloadable(p); !why.empty())
            f.problems.push_back(why);
        else
            f.next.emplace_back("start it again with 'ibid run' before its command line");
    } else if (counters == read_error::none) {
        f.next.push_back(fmt::format("'ibid stat {}' shows what it saves", pid));
    } else if (counters == read_error::not_under_ibid) {
        f.notes.emplace_back("it has not used OpenSSL for certificates so far");
    }
    return f;
}

// Not known (null) when nothing stands in the way, but there is no OpenSSL to be seen yet either.
nlohmann::ordered_json helps(const findings& f) {
    if (!f.problems.empty())
        return false;
    return f.openssl.libcrypto.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(true);
}

nlohmann::ordered_json as_json(const findings& f) {
    const auto or_null = [](const std::string& s) {
        return s.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(s);
    };
    nlohmann::ordered_json features = nlohmann::ordered_json::array();
    for (const openssl::feature& one : f.features)
        features.push_back({{"name", one.name}, {"active", one.active}, {"why", one.why}});
    nlohmann::ordered_json out = {{"ibid", IBID_VERSION},
                                  {"helps", helps(f)},
                                  {"subject", or_null(f.subject)},
                                  {"preload", or_null(f.preload.value_or(""))},
                                  {"openssl",
                                   {{"libssl", or_null(f.openssl.libssl)},
                                    {"libcrypto", or_null(f.openssl.libcrypto)},
                                    {"version", or_null(f.openssl.version)},
                                    {"symbolic", f.openssl.symbolic}}},
                                  {"notes", f.notes},
                                  {"problems", f.problems},
                                  {"next", f.next}};
    out["features"] = std::move(features);
    return out;
}

void print_text(const findings& f) {
    fmt::print("{} {}\n", paint(colour::strong, "ibid"), IBID_VERSION);
    if (!f.subject.empty())
        fmt::print("about      {}\n", f.subject);
    fmt::print("preload    {}\n", f.preload ? *f.preload : paint(colour::bad, "not found"));
    if (f.openssl.libcrypto.empty()) {
        fmt::print("OpenSSL    none found\n");
    } else {
        fmt::print("OpenSSL    {}{}\n", f.openssl.version.empty() ? "unknown version" : f.openssl.version,
                   f.openssl.symbolic ? ", bound to itself (-Bsymbolic, as by upstream and Ubuntu)" : "");
        fmt::print("           {}\n", f.openssl.libcrypto);
        if (!f.openssl.libssl.empty())
            fmt::print("           {}\n", f.openssl.libssl);
        fmt::print("features\n");
        for (const openssl::feature& one : f.features)
            fmt::print("  {}  {:<20} {}\n",
                       one.active ? paint(colour::good, "yes") : paint(colour::bad, "no "), one.name,
                       one.why);
    }
    for (const std::string& note : f.notes)
        fmt::print("note       {}\n", note);
    for (const std::string& problem : f.problems)
        fmt::print("{}    {}\n", paint(colour::bad, "problem"), problem);
    for (const std::string& step : f.next)
        fmt::print("next       {}\n", step);
    if (f.problems.empty() && !f.openssl.libcrypto.empty())
        fmt::print("{}\n", paint(colour::good, "ibid helps here."));
}

std::optional<pid_t> as_pid(const std::string& text) {
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
    return error == std::errc{} && end == text.data() + text.size() && pid > 0 ? std::optional(pid)
                                                                               : std::nullopt;
}

} // namespace

openssl_build look_at_openssl(const std::vector<std::string>& libraries) {
    openssl_build build;
    build.libcrypto = first_named(libraries, "libcrypto.so");
    build.libssl = first_named(libraries, "libssl.so");
    if (build.libcrypto.empty())
        return build;
    build.version = openssl_version_of(build.libcrypto);
    if (const std::optional<elf_file> elf = read_elf(build.libcrypto))
        build.symbolic = elf->symbolic;
    return build;
}

std::array<openssl::feature, 5> features_of(const openssl_build& build) {
    const char* const memo = std::getenv("IBID_VERIFY_MEMO");
    const char* const scope = std::getenv("IBID_SCOPE");
    openssl::circumstances here;
    if (build.libcrypto.empty() || !is_three(build.version))
        here.obstacle = "there is no OpenSSL 3";
    here.libssl = !build.libssl.empty();
    here.symbolic = build.symbolic;
    here.verify_memo = memo == nullptr || std::string_view(memo) != "0";
    here.everything = scope != nullptr && std::string_view(scope) == "all";
    return openssl::features_of(here);
}

int doctor(const doctor_request& request) {
    std::optional<findings> f;
    if (request.subject.empty()) {
        f = look_at_machine();
    } else if (const std::optional<pid_t> pid = as_pid(request.subject)) {
        const read_error counters = shared_statistics::read_process(*pid).error;
        if (counters == read_error::no_such_process) {
            fmt::print(stderr, "ibid: {}\n", explain(counters, *pid));
            return exit_no;
        }
        f = look_at_process(*pid, counters);
    } else {
        f = look_at_program(request.subject);
        if (!f) {
            fmt::print(stderr, "ibid: there is no program {}{}\n", request.subject,
                       request.subject.find('/') == std::string::npos ? " in PATH" : "");
            return exit_no;
        }
    }
    if (request.json)
        fmt::print("{}\n", as_json(*f).dump(2));
    else
        print_text(*f);
    return f->problems.empty() ? exit_ok : exit_no;
}

} // namespace ibid::cli
