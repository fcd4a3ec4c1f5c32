// SPDX-License-Identifier: Apache-2.0
//
// `ibid doctor`. First it collects the facts, for any kind of subject; then it shows them, as text or JSON.
#include "cli/doctor/doctor.h"

#include "cli/base/exit_status.h"
#include "cli/base/terminal.h"
#include "cli/base/words.h"
#include "cli/doctor/judgement.h"
#include "cli/doctor/openssl_users.h"
#include "cli/live/stat.h"
#include "cli/programs/elf_file.h"
#include "cli/programs/environment.h"
#include "cli/programs/forewarning.h"
#include "cli/programs/loader.h"
#include "cli/programs/mapped_file.h"
#include "cli/programs/modules.h"
#include "cli/programs/program.h"
#include "cli/settings/effective_settings.h"
#include "cli/systemd/processes.h"
#include "openssl/binding/versions.h"
#include "statistics/printable.h"
#include "statistics/reading_child.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h> // fmt::join, since fmt 11
#include <nlohmann/json.hpp>

namespace ibid::cli {
namespace {

using shared_statistics::printable;
using shared_statistics::read_error;

// The variables that disable ibid in a program, if they are set for it.
class surroundings {
public:
    // This command's environment, which a program would inherit.
    surroundings() {
        for (const char* const* at = environ; *at != nullptr; ++at)
            settings_.emplace_back(*at);
    }
    // The environment of a process at its start; nothing if it may not be read.
    explicit surroundings(pid_t pid) {
        std::istringstream file(
            shared_statistics::read_in_time(fmt::format("/proc/{}/environ", pid)).value_or(""));
        for (std::string setting; std::getline(file, setting, '\0');)
            settings_.push_back(setting);
    }
    [[nodiscard]] std::string operator[](std::string_view name) const {
        for (const std::string& setting : settings_) {
            if (setting.size() > name.size() && setting.starts_with(name) && setting[name.size()] == '=')
                return setting.substr(name.size() + 1);
        }
        return {};
    }

    [[nodiscard]] std::vector<std::string> misspelt() const {
        std::vector<std::string> all;
        for (const std::string& setting : settings_) {
            if (std::string wrong = misspelt_setting(setting); !wrong.empty())
                all.push_back(std::move(wrong));
        }
        return all;
    }

private:
    std::vector<std::string> settings_;
};

struct findings {
    std::string subject; // "/usr/bin/curl", "process 77 (nginx)", "" for the machine
    std::optional<std::string> preload;
    openssl_build openssl;
    std::vector<shared_statistics::libcrypto_figures>
        libcryptos; // of a process with several, or with counters
    decisive_module decisive;
    std::string own_memory; // the file that sets OpenSSL's memory functions
    std::array<openssl::feature, 5> features{};
    settings_result settings; // for the subject
    bool unread = false;      // a process that could not be looked at
    bool is_process = false;
    bool not_known = false;               // whether it uses OpenSSL for TLS cannot be seen
    std::vector<std::string> notes;       // further information
    std::vector<std::string> problems;    // why ibid does not help
    std::vector<std::string> next;        // what to do
    std::optional<openssl_users> running; // of the machine: who uses OpenSSL now
};

// The major version of "4.0.3".
openssl::openssl_version parsed(const std::string& version) {
    unsigned parts[3] = {};
    const char* at = version.data();
    const char* const end = at + version.size();
    for (unsigned& part : parts) {
        at = std::from_chars(at, end, part).ptr;
        at += at != end && *at == '.' ? 1 : 0;
    }
    return openssl::openssl_version(static_cast<unsigned long>(parts[0]) << 28 | parts[1] << 20 |
                                    parts[2] << 4);
}

// Where a setting comes from, so that a person can change it.
std::string place_of(const findings& f, std::string_view name) {
    for (const effective_setting& s : f.settings.settings) {
        if (s.name == name)
            return s.source;
    }
    return {};
}

// `files`: the files that `ibid run` would read; nothing for a process, whose environment contains
// everything.
void look_at_settings(findings& f, const surroundings& s, const char* environment_name,
                      const configuration& files, const std::vector<std::string>& names) {
    f.settings =
        effective_settings([&s](std::string_view name) { return s[name]; }, environment_name, files, names);
    f.notes.insert(f.notes.end(), f.settings.complaints.begin(), f.settings.complaints.end());
    for (std::string& misspelt : s.misspelt())
        f.notes.push_back(std::move(misspelt));
    if (f.settings["IBID_DISABLE"] == "1") {
        const std::string where = place_of(f, "IBID_DISABLE");
        f.problems.push_back(fmt::format("IBID_DISABLE=1 is set ({}): ibid is disabled", where));
        f.next.push_back(where == environment_name ? "unset IBID_DISABLE"
                                                   : "take IBID_DISABLE out of " + where);
    }
    if (!s["LD_AUDIT"].empty())
        f.problems.emplace_back(
            "LD_AUDIT is set: an auditor sees each call between libraries, so ibid is disabled");
    const std::string list = fmt::format(":{}:", f.settings["IBID_EXCLUDE"]);
    for (const std::string& name : names) {
        if (name.empty() || list.find(fmt::format(":{}:", name)) == std::string::npos)
            continue;
        f.problems.push_back(fmt::format("IBID_EXCLUDE names {} ({}): ibid is disabled in it", name,
                                         place_of(f, "IBID_EXCLUDE")));
        f.next.push_back(fmt::format("take {} out of IBID_EXCLUDE", name));
    }
}

// Hardly any arm64 machine has them. Their loader prints an error (docs/command.md).
#ifdef __x86_64__
constexpr bool machine_has_32_bit_programs = true;
#else
constexpr bool machine_has_32_bit_programs = false;
#endif

void look_at_installation(findings& f) {
    f.preload = find_preload();
    if (!f.preload) {
        f.problems.emplace_back(
            "libibid_preload.so is neither in ../lib beside this command nor in " IBID_INSTALL_FULL_LIBDIR);
        f.next.emplace_back("install ibid as a whole ('cmake --install build/release'), or './dev build'");
    } else if (!fits_into_ld_preload(*f.preload)) {
        f.problems.push_back(
            "the path of libibid_preload.so has a space, a colon or a dollar sign, which LD_PRELOAD "
            "cannot hold");
        f.next.emplace_back("move the installation to a path without them");
    } else {
        const preload_entry entry = entry_for(*f.preload);
        if (!entry.harmless && (machine_has_32_bit_programs || entry.text == *f.preload))
            f.notes.push_back(
                fmt::format("beside {} is no folder ibid/before-libasan.so, or no empty 32-bit library in "
                            "it: a 32-bit program, or one with the address sanitizer, that a program under "
                            "ibid starts prints an error or does not start",
                            *f.preload));
        if (const std::string part = closed_to_others(*f.preload); !part.empty())
            f.notes.push_back(
                fmt::format("other users may not read {}: programs that are started as another user run "
                            "without ibid, and their loader says so; install ibid where all can read it",
                            part));
    }
#ifndef __GLIBC__
    f.notes.emplace_back(
        "this ibid is built for musl: a program of another C library that is started under it runs without "
        "ibid; and musl does not tell whether a process has one thread, so each fork takes ibid's locks");
#endif
}

// The features. All are inactive without a libcrypto of version 3 or 4.
std::array<openssl::feature, 5> features_of(const findings& f) {
    openssl::circumstances here;
    const openssl::openssl_version version = parsed(f.openssl.version);
    if (f.openssl.libcrypto.empty() || !version.is_known())
        here.obstacle = "there is no OpenSSL 3 or 4";
    else if (version.defect() != nullptr)
        here.obstacle = version.defect();
    else if (!f.own_memory.empty())
        here.obstacle = "the program sets OpenSSL's memory functions (CRYPTO_set_mem_functions)";
    here.libssl = !f.openssl.libssl.empty();
    here.symbolic = f.openssl.symbolic;
    here.verify_memo = f.settings["IBID_VERIFY_MEMO"] != "0";
    here.writer = f.decisive.kind == openssl::module_class::writer;
    here.everything = f.settings["IBID_SCOPE"] == "all";
    return openssl::features_of(here);
}

void judge_openssl(findings& f) {
    f.features = features_of(f);
    if (f.openssl.libcrypto.empty())
        return;
    if (!f.own_memory.empty())
        f.problems.push_back(fmt::format(
            "{} sets OpenSSL's memory functions (CRYPTO_set_mem_functions), and that memory may be "
            "shared between processes: ibid is disabled there (docs/safety.md)",
            f.own_memory));
    if (!f.openssl.fork.empty()) {
        f.problems.push_back(fmt::format("its TLS is {} ({}); ibid helps programs whose TLS is OpenSSL",
                                         f.openssl.fork, f.openssl.libcrypto));
    } else if (const openssl::openssl_version version = parsed(f.openssl.version); !version.is_known()) {
        f.problems.push_back(
            fmt::format("{} is neither OpenSSL 3 nor 4{}", f.openssl.libcrypto,
                        f.openssl.version.empty() ? "" : fmt::format(" (version {})", f.openssl.version)));
        f.next.emplace_back("use a build of the program that is linked with OpenSSL 3 or 4");
    } else if (version.defect() != nullptr) {
        f.problems.emplace_back(version.defect());
        f.next.emplace_back("install OpenSSL 4.0.3 or newer");
    } else if (!version.is_tested()) {
        f.notes.push_back(fmt::format(
            "OpenSSL {} is newer than ibid's tests: at its first use ibid tries it with a certificate of its "
            "own, and is disabled if that fails ('ibid stat' tells)",
            f.openssl.version));
    }
    if (f.decisive.kind == openssl::module_class::writer)
        f.problems.push_back(fmt::format(
            "{} names functions by which it could write to certificates ({}): nothing is shared with it "
            "(docs/safety.md)",
            f.decisive.path, fmt::join(f.decisive.names, ", ")));
    else if (f.decisive.kind == openssl::module_class::attacher)
        f.notes.push_back(
            fmt::format("{} attaches data to certificates ({}): one connection at a time sees a shared one "
                        "(docs/safety.md)",
                        f.decisive.path, fmt::join(f.decisive.names, ", ")));
}

// For servers that start their processes with a new environment; nothing for others.
void note_scrubbed_environment(findings& f, const std::string& path) {
    for (const char* const server : {"postfix", "dovecot"}) {
        if (path.find(fmt::format("/{}", server)) == std::string::npos)
            continue;
        for (std::string& warning : forewarnings(server, std::nullopt, {}))
            f.notes.push_back(std::move(warning));
    }
}

findings look_at_machine() {
    findings f;
    look_at_installation(f);
    look_at_settings(f, surroundings(), "environment", configuration::load(), {});
    std::vector<std::string> libraries;
    // If a system has both, the older one is for old programs.
    for (const int version : {4, 3}) {
        for (const char* const name : {"libssl", "libcrypto"}) {
            std::string path = library_by_name(fmt::format("{}.so.{}", name, version));
            if (!path.empty())
                libraries.push_back(std::move(path));
        }
        if (!libraries.empty())
            break;
    }
    f.openssl = look_at_openssl(libraries);
    judge_openssl(f);
    if (f.openssl.libcrypto.empty()) {
        f.problems.emplace_back("neither libcrypto.so.3 nor libcrypto.so.4 is installed where the loader "
                                "looks: no program of this "
                                "system's uses OpenSSL");
    }
    if (const std::string why = without_proc(); !why.empty())
        f.notes.push_back(why);
    f.running = find_openssl_users();
    if (!f.running->all.empty())
        f.next.emplace_back(
            "'ibid doctor NAME.service', or of a PID, says whether ibid helps it; 'ibid certs "
            "--estimate PID' what it would save");
    else if (f.problems.empty())
        f.next.emplace_back(
            "'ibid doctor PROGRAM' says whether ibid helps it, for example 'ibid doctor nginx'");
    return f;
}

// A word of a command that a user may copy.
std::string in_command(const std::string& word) {
    return word.find_first_of(" \t()&;|<>*?[]#~'") == std::string::npos
               ? legible(word)
               : fmt::format("\"{}\"", legible(word));
}

void advise_to_run(findings& f, const std::string& name) {
    if (!f.problems.empty())
        return; // it is known that ibid does not help
    f.next.push_back(
        fmt::format("run it once: 'ibid run --stats {}' says whether it used OpenSSL", in_command(name)));
}

// TLS of its own inside a program that is also linked with OpenSSL: a Go program with cgo, for example.
void look_for_tls_beside_openssl(findings& f, const std::string& executable, const std::string& name) {
    if (const std::string whose = other_tls_inside(executable); !whose.empty()) {
        f.not_known = true;
        f.notes.push_back(fmt::format("{} has TLS of its own, too ({}); ibid helps where it uses OpenSSL",
                                      executable, whose));
        advise_to_run(f, name);
    }
}

// Which TLS library a program is linked with, when it is not OpenSSL's alone.
void judge_tls(findings& f, const program& p, const std::vector<std::string>& libraries,
               const std::string& name) {
    const auto names_itself = [&p](auto&& is) {
        return std::any_of(p.elf->needed.begin(), p.elf->needed.end(), is);
    };
    std::string other;
    std::string other_file;
    for (const std::string& library : libraries) {
        if (other.empty() && !(other = other_tls_library(library)).empty())
            other_file = library;
    }
    const bool by_itself = names_itself([](const std::string& n) { return !other_tls_library(n).empty(); });
    if (f.openssl.libssl.empty() && !other.empty()) {
        f.problems.push_back(
            fmt::format("its TLS is {} ({}); ibid helps programs whose TLS is OpenSSL", other, other_file));
        f.next.push_back(fmt::format("use a build of {} that is linked with OpenSSL", name));
    } else if (f.openssl.libssl.empty() && !f.openssl.libcrypto.empty()) {
        f.not_known = true;
        f.notes.push_back(
            "it is linked only with OpenSSL's libcrypto, which does no TLS; a module, or a program that it "
            "starts, may use libssl");
        advise_to_run(f, name);
    } else if (by_itself && !names_itself([](const std::string& n) { return is_libssl(n); })) {
        f.not_known = true;
        f.notes.push_back(fmt::format("its own TLS is {} ({}); OpenSSL comes with another of its libraries",
                                      other, other_file));
        advise_to_run(f, name);
    }
}

// The version manager that a script is a shim of, by its path or its text; empty: none that is known.
std::string version_manager_of(const std::string& script) {
    const mapped_file file(script);
    const std::string_view text = file.bytes().substr(0, 4096);
    for (const char* const manager :
         {"pyenv", "rbenv", "nodenv", "goenv", "plenv", "phpenv", "jenv", "asdf", "mise"}) {
        if (text.find(manager) != std::string_view::npos ||
            script.find(fmt::format("/.{}/", manager)) != std::string::npos ||
            script.find(fmt::format("/{}/shims/", manager)) != std::string::npos)
            return manager;
    }
    return {};
}

void advise_about_program(findings& f, const program& p, const std::vector<std::string>& libraries,
                          const std::string& name) {
    if (!p.broken.empty()) {
        f.problems.push_back(p.broken);
        return;
    }
    if (const std::string why = why_not_preloadable(p); !why.empty()) {
        f.problems.push_back(why);
        const std::string whose = p.elf->native ? other_tls_inside(p.path) : std::string();
        if (!whose.empty())
            f.problems.push_back(
                fmt::format("its TLS is {}; ibid helps programs whose TLS is OpenSSL", whose));
        else if (p.privileged)
            f.next.emplace_back(
                "start it from an account that has these privileges already, so that it gains none");
        else if (!is_go_program(p.path)) // a dynamic one would have Go's own TLS
            f.next.emplace_back(
                "use a build of the program that is linked dynamically, with this system's C library");
        return;
    }
    if (!p.shell_script.empty()) {
        f.not_known = true;
        f.notes.push_back(
            fmt::format("{} is a shell script: {} was examined, not the programs that it starts",
                        p.shell_script, p.path));
        const std::string manager = version_manager_of(p.shell_script);
        f.next.push_back(
            manager.empty()
                ? "examine the program that it starts: 'ibid doctor PROGRAM'"
                : fmt::format("examine what it starts: 'ibid doctor \"$({} which {})\"'", manager,
                              in_command(std::filesystem::path(p.shell_script).filename().string())));
        return;
    }
    if (!p.elf) {
        f.notes.push_back(p.path + " is neither ELF nor has it a #! line: a shell would run it");
        return;
    }
    if (p.elf->audited)
        f.problems.push_back(p.path +
                             " names an auditor (DT_AUDIT), which sees each call between libraries: ibid "
                             "is disabled");
    judge_tls(f, p, libraries, name);
    if (!f.openssl.libcrypto.empty())
        look_for_tls_beside_openssl(f, p.path, name);
    if (!f.openssl.libcrypto.empty() || !f.problems.empty())
        return;
    if (const std::string whose = other_tls_inside(p.path); !whose.empty()) {
        f.problems.push_back(fmt::format("its TLS is {}; ibid helps programs whose TLS is OpenSSL", whose));
        return;
    }
    if (const std::string how = openssl_inside(p.path); !how.empty()) {
        f.problems.push_back(fmt::format("OpenSSL is inside the executable ({}): ibid cannot help", how));
        f.next.emplace_back("use a build of the program that is linked with OpenSSL as a shared library");
        return;
    }
    if (std::find(p.elf->needed.begin(), p.elf->needed.end(), "libjli.so") != p.elf->needed.end()) {
        f.notes.push_back(p.path +
                          " starts Java, which has TLS of its own (JSSE): ibid does not help that; only a "
                          "library such as netty-tcnative may bring OpenSSL");
        advise_to_run(f, name);
        return;
    }
    // Interpreters and servers load OpenSSL with dlopen, in a module; that cannot be seen from outside.
    f.notes.push_back(
        p.path + " is not linked with OpenSSL itself; a module, or a program that it starts, may use it");
    advise_to_run(f, name);
}

// For a process, the counters tell.
void look_at_reservations(findings& f, const std::vector<std::string>& files) {
    if (f.openssl.libcrypto.empty() || !f.problems.empty())
        return;
    const std::vector<reservation> all = reservations(files);
    for (const reservation& r : all)
        f.notes.push_back(
            fmt::format("{} names {}: if {}, ibid is disabled in that process", r.path, r.call, r.when));
    if (all.empty())
        return;
    f.not_known = true;
    f.next.emplace_back("start it under ibid and ask 'ibid doctor PID': there it is known");
}

std::optional<findings> look_at_program(const std::string& name) {
    const std::optional<program> p = find_program(name);
    if (!p)
        return std::nullopt;
    findings f;
    f.subject = p->path;
    for (const std::string& script : p->scripts) {
        if (script != p->shell_script && p->broken.empty())
            f.notes.push_back(fmt::format("{} is a script; {} runs it", script, p->path));
    }
    look_at_installation(f);
    const configuration config = configuration::load();
    look_at_settings(f, surroundings(), "environment", config, names_of_program(name, config.has_sections()));
    std::vector<std::string> files = libraries_of_program(p->path);
    f.openssl = look_at_openssl(files);
    const std::vector<std::string> libraries = files;
    files.push_back(p->path);
    f.decisive = classify(files);
    f.own_memory = sets_memory_functions(files);
    judge_openssl(f);
    advise_about_program(f, *p, libraries, name);
    look_at_reservations(f, files);
    for (std::string& warning : forewarnings(name, std::nullopt, {}))
        f.notes.push_back(std::move(warning));
    if (f.notes.empty() || f.notes.back().find("import_environment") == std::string::npos)
        note_scrubbed_environment(f, p->path);
    if (f.problems.empty() && !f.not_known && !f.openssl.libcrypto.empty())
        f.next.push_back(fmt::format(
            "'ibid measure -- {} ...' says how much; a server needs --load and --until", in_command(name)));
    return f;
}

// The counters show which libcrypto is helped; the mappings show which ones exist.
void look_at_libcryptos(findings& f, const std::vector<std::string>& libraries, const std::string& root,
                        const shared_statistics::process_result& counters) {
    f.libcryptos = counters.figures.libcryptos;
    for (const std::string& library : libraries) {
        if (!is_libcrypto(library))
            continue;
        const bool known = std::any_of(f.libcryptos.begin(), f.libcryptos.end(), [&](const auto& one) {
            std::error_code error;
            return one.path == library || std::filesystem::equivalent(root + one.path, root + library, error);
        });
        if (!known) {
            shared_statistics::libcrypto_figures one;
            one.path = library;
            one.version = openssl_version_of(root + library);
            f.libcryptos.push_back(std::move(one));
        }
    }
    if (f.libcryptos.size() > 1)
        std::erase_if(f.libcryptos, [](const auto& one) { return one.path.empty(); });
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

constexpr const char* not_in_it =
    "libibid_preload.so is not in it: it was not started under ibid, or could not be helped";
constexpr const char* no_libcrypto_so_far = "it has loaded no libcrypto (so far)";

// It runs without ibid, and nothing is known that would keep ibid from it but what is in `problems`.
void advise_to_start_under_ibid(findings& f, pid_t pid) {
    if (!f.openssl.libssl.empty() && f.problems.size() == 1)
        f.next.push_back(fmt::format("'ibid certs --estimate {}' says what sharing would save", pid));
    const std::string unit = service::unit_of(pid);
    f.next.push_back(unit.empty() ? "start it again with 'ibid run' before its command line"
                                  : fmt::format("'ibid enable {}' turns it on for its service", unit));
}

// What a process is that has no memory of its own; empty: it has some.
std::string without_memory(pid_t pid) {
    std::ifstream file(fmt::format("/proc/{}/stat", pid));
    std::string text;
    std::getline(file, text, '\0');
    std::istringstream rest(text.substr(std::min(text.size(), text.rfind(')') + 1)));
    char state = 0;
    // proc(5): the flags are the seventh word behind the name; PF_KTHREAD is one of them.
    unsigned long long word[6] = {};
    rest >> state;
    for (unsigned long long& one : word) {
        long long value = 0;
        rest >> value; // some are negative
        one = static_cast<unsigned long long>(value);
    }
    if (state == 'Z' || state == 'X')
        return "has ended; its parent has not asked for its status yet";
    return (word[5] & 0x00200000) != 0 ? "is a part of the kernel" : "";
}

findings look_at_process(pid_t pid, const shared_statistics::process_result& counters) {
    findings f;
    f.subject = fmt::format("process {} ({})", pid, name_of_process(pid));
    f.is_process = true;
    // The kernel shows paths as this command sees them, if both are in the same mounts.
    std::error_code error;
    const std::string mounts = fmt::format("/proc/{}/ns/mnt", pid);
    const std::string root = std::filesystem::equivalent(mounts, "/proc/self/ns/mnt", error) || error
                                 ? std::string()
                                 : fmt::format("/proc/{}/root", pid);
    const std::vector<std::string> libraries = libraries_of_process(pid);
    const std::string mapped = first_named(libraries, "libibid_preload.so");
    f.openssl = look_at_openssl(libraries, root);
    if (!mapped.empty())
        f.preload = mapped;
    std::vector<std::string> files;
    for (const std::string& library : libraries)
        files.push_back(root + library);
    f.decisive = classify(files);
    if (f.decisive.path.starts_with(root))
        f.decisive.path.erase(0, root.size());
    f.own_memory = sets_memory_functions(files);
    if (f.own_memory.starts_with(root))
        f.own_memory.erase(0, root.size());
    const std::string executable =
        std::filesystem::read_symlink(fmt::format("/proc/{}/exe", pid), error).string();
    look_at_settings(f, surroundings(pid), "environment", {},
                     {std::filesystem::path(executable).filename().string()});
    judge_openssl(f);
    if (counters.error == read_error::no_answer) {
        f.unread = true;
        f.problems.push_back(explain(counters.error, pid));
        return f;
    }
    if (libraries.empty()) {
        f.unread = true;
        if (const std::string what = without_memory(pid); !what.empty()) {
            f.problems.push_back(fmt::format("process {} {}", pid, what));
            return f;
        }
        f.problems.push_back(explain(read_error::not_permitted, pid));
        if (::geteuid() != 0)
            f.next.push_back(fmt::format("'sudo ibid doctor {}'", pid));
        return f;
    }
    look_at_libcryptos(f, libraries, root, counters);
    if (const std::string folder =
            std::filesystem::read_symlink(fmt::format("/proc/{}/root", pid), error).string();
        !error && folder != "/")
        f.notes.push_back(
            fmt::format("its root directory is {}: programs that it starts there run without ibid", folder));
    look_at_sandbox(f, pid);
    if (mapped.empty())
        note_scrubbed_environment(f, executable);
    if (f.openssl.libcrypto.empty()) {
        const std::string how = openssl_inside(fmt::format("/proc/{}/exe", pid));
        const std::string whose = other_tls_inside(fmt::format("/proc/{}/exe", pid));
        f.problems.push_back(
            !whose.empty() ? fmt::format("its TLS is {}; ibid helps programs whose TLS is OpenSSL", whose)
            : how.empty()  ? no_libcrypto_so_far
                           : fmt::format("OpenSSL is inside the executable ({}): ibid cannot help", how));
    }
    for (const std::string& file : files_with_openssl_inside(files)) {
        if (f.openssl.libcrypto.empty() && file == root + executable)
            continue; // it is a problem already
        f.notes.push_back(
            fmt::format("{} contains an OpenSSL of its own: what that one parses is not shared",
                        root.empty() || !file.starts_with(root) ? file : file.substr(root.size())));
    }
    program p = look_at(fmt::format("/proc/{}/exe", pid));
    p.path = executable; // for messages
    if (p.elf && p.elf->audited)
        f.problems.emplace_back("its executable names an auditor (DT_AUDIT): ibid is disabled");
    if (!f.openssl.libcrypto.empty() && f.openssl.libssl.empty()) {
        f.not_known = true;
        for (const std::string& library : libraries) {
            if (const std::string other = other_tls_library(library); !other.empty()) {
                f.problems.push_back(fmt::format(
                    "its TLS is {} ({}); ibid helps programs whose TLS is OpenSSL", other, library));
                break;
            }
        }
    }
    if (mapped.empty()) {
        const bool hopeless = !f.problems.empty() && f.problems.back() != no_libcrypto_so_far;
        f.problems.emplace_back(not_in_it);
        if (const std::string why = why_not_preloadable(p); !why.empty())
            f.problems.push_back(why);
        else if (!hopeless)
            advise_to_start_under_ibid(f, pid);
    } else if (counters.error == read_error::none) {
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
    return f;
}

// A service's processes get only the settings of the unit, because systemd does not read ibid's files; `ibid
// enable` copies them.
void look_at_settings_of_service(findings& f, const service::unit& u, const std::string& program) {
    settings_result of_unit = effective_settings(
        [&u](std::string_view name) {
            const auto set = u.environment({}, name);
            return set ? set->value : std::string();
        },
        "its unit", {}, {});
    std::string newer;
    for (const configuration::setting& s :
         configuration::load().settings_of(names_of_program(program, true))) {
        if (of_unit[s.name] != s.value)
            newer += fmt::format("{}{}={} ({})", newer.empty() ? "" : ", ", s.name, s.value, s.place());
    }
    if (!newer.empty())
        f.notes.push_back(fmt::format(
            "its unit does not have {}: 'ibid enable {}' copies settings of the files", newer, u.name));
    f.settings = std::move(of_unit);
}

// The program of a service, and the problems of its unit.
std::optional<findings> look_at_service(const std::string& name, std::string& error) {
    const service::unit_result loaded = service::load_unit({}, name);
    if (!loaded.found) {
        error = loaded.error;
        return std::nullopt;
    }
    const service::judgement j =
        service::judge(*loaded.found, {}, find_preload().value_or(IBID_INSTALL_FULL_LIBDIR));
    std::optional<findings> f = look_at_program(j.program);
    if (!f) {
        error = j.problems.empty() ? fmt::format("there is no program {}", j.program) : j.problems.front();
        return std::nullopt;
    }
    f->subject = fmt::format("{} ({})", loaded.found->name, f->subject);
    look_at_settings_of_service(*f, *loaded.found, j.program);
    for (const std::string& problem : j.problems) {
        if (std::find(f->problems.begin(), f->problems.end(), problem) == f->problems.end())
            f->problems.push_back(problem);
    }
    f->next.insert(f->next.end(), j.needed.begin(), j.needed.end());
    if (!f->problems.empty())
        return f;
    f->next.push_back(fmt::format("'ibid enable {}' enables it", loaded.found->name));
    if (f->openssl.libcrypto.empty() || f->not_known)
        f->next.push_back(fmt::format("then 'ibid status {}' says whether it helped", loaded.found->name));
    return f;
}

// Not known (null) if there is no obstacle, but no OpenSSL is visible yet.
nlohmann::ordered_json helps(const findings& f) {
    if (f.unread)
        return nullptr;
    if (!f.problems.empty())
        return false;
    return f.openssl.libcrypto.empty() || f.not_known ? nlohmann::ordered_json(nullptr)
                                                      : nlohmann::ordered_json(true);
}

nlohmann::ordered_json settings_json(const findings& f) {
    nlohmann::ordered_json all = nlohmann::ordered_json::array();
    for (const effective_setting& s : f.settings.settings)
        all.push_back({{"name", s.name}, {"value", s.value}, {"source", s.source}});
    return all;
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
                                  {"settings", settings_json(f)},
                                  {"notes", f.notes},
                                  {"problems", f.problems},
                                  {"next", f.next}};
    out["features"] = std::move(features);
    out["running"] = nlohmann::ordered_json::array();
    if (f.running) {
        for (const openssl_user& u : f.running->all)
            out["running"].push_back({{"name", u.name},
                                      {"service", or_null(u.service)},
                                      {"pids", u.pids},
                                      {"under_ibid", u.under_ibid}});
    }
    out["libcryptos"] = nlohmann::ordered_json::array();
    for (const auto& one : f.libcryptos)
        out["libcryptos"].push_back({{"path", one.path},
                                     {"version", or_null(one.version)},
                                     {"helped", one.helped},
                                     {"reason", or_null(one.helped ? std::string() : one.reason)}});
    return out;
}

void print_running(const openssl_users& running) {
    constexpr std::size_t most = 10;
    if (running.all.empty())
        return;
    fmt::print("running now with OpenSSL's libssl\n");
    for (std::size_t i = 0; i < std::min(most, running.all.size()); ++i) {
        const openssl_user& u = running.all[i];
        std::string more = u.service;
        if (u.under_ibid)
            more += more.empty() ? "under ibid" : ", under ibid";
        fmt::print("  {:<16}  {}{}{}\n", u.name,
                   u.pids.size() == 1 ? fmt::format("PID {}", u.pids[0])
                                      : fmt::format("PID {} and {} more", u.pids[0], u.pids.size() - 1),
                   more.empty() ? "" : ": ", more);
    }
    if (running.all.size() > most)
        fmt::print("  and {} more: --json has all\n", running.all.size() - most);
    if (!running.complete && ::geteuid() != 0)
        fmt::print("  and perhaps other users': 'sudo ibid doctor' lists them\n");
}

// Only settings that are not defaults; JSON has all.
void print_settings(const findings& f) {
    const auto& all = f.settings.settings;
    const bool defaults =
        std::all_of(all.begin(), all.end(), [](const effective_setting& s) { return s.is_default; });
    fmt::print("settings{}\n", defaults ? "   " + paint(colour::faint, "all as by default") : "");
    for (const effective_setting& s : all) {
        if (!s.is_default)
            fmt::print("  {:<16}  {:<18}  {}\n", s.name, s.value, s.source);
    }
}

// One line if nothing is active for one reason.
void print_features(const findings& f) {
    const openssl::feature& first = f.features.front();
    if (std::all_of(f.features.begin(), f.features.end(),
                    [&first](const openssl::feature& one) { return !one.active && one.why == first.why; })) {
        fmt::print("features   {}: {}\n", paint(colour::bad, "none"), folded(first.why, 17));
        return;
    }
    fmt::print("features\n");
    for (const openssl::feature& one : f.features)
        fmt::print("  {}  {:<20} {}\n", one.active ? paint(colour::good, "yes") : paint(colour::bad, "no "),
                   one.name, folded(one.why, 28));
}

// The last line: the answer.
void print_verdict(const findings& f) {
    constexpr const char* where =
        "where certificates or CA files come again: client certificates, backends, a "
        "context for each request.";
    const auto is_a = [&f](const char* problem) {
        return std::find(f.problems.begin(), f.problems.end(), problem) != f.problems.end();
    };
    if (f.unread)
        return; // the problem says so
    if (f.problems.size() == 2 && is_a(not_in_it) && is_a(no_libcrypto_so_far)) {
        fmt::print("Whether ibid would help it is not known so far.\n");
        return;
    }
    if (f.problems.size() == 1 && is_a(not_in_it) && !f.openssl.libssl.empty() && !f.not_known)
        fmt::print("{}, {}\n", paint(colour::good, "ibid would help it"), where);
    else if (!f.problems.empty())
        fmt::print("{}\n",
                   paint(colour::bad, f.is_process ? "ibid does not help it." : "ibid does not help here."));
    else if (f.openssl.libcrypto.empty() || f.not_known)
        fmt::print("{}\n", f.is_process ? "Whether ibid helps it is not known so far."
                                        : "Whether ibid helps is not known from outside.");
    else
        fmt::print("{}, {}\n", paint(colour::good, "ibid helps here"), where);
}

void print_text(const findings& f) {
    fmt::print("{} {}\n", paint(colour::strong, "ibid"), IBID_VERSION);
    if (!f.subject.empty())
        fmt::print("about      {}\n", printable(f.subject));
    if (!f.unread)
        fmt::print("preload    {}\n", f.preload
                                          ? printable(*f.preload)
                                          : paint(colour::bad, f.is_process ? "not in it" : "not found"));
    if (f.openssl.libcrypto.empty()) {
        if (!f.unread)
            fmt::print("OpenSSL    none found\n");
    } else {
        fmt::print("OpenSSL    {}{}\n", f.openssl.version.empty() ? "unknown version" : f.openssl.version,
                   f.openssl.symbolic ? ", linked with -Bsymbolic" : "");
        fmt::print("           {}\n", printable(f.openssl.libcrypto));
        if (!f.openssl.libssl.empty())
            fmt::print("           {}\n", printable(f.openssl.libssl));
        for (std::size_t i = 0; f.libcryptos.size() > 1 && i < f.libcryptos.size(); ++i) {
            const auto& one = f.libcryptos[i];
            if (i == 0)
                fmt::print("           it has {} of them:\n", f.libcryptos.size());
            const std::string reason = one.helped            ? ": helped"
                                       : !one.reason.empty() ? ": not helped: " + one.reason
                                       : f.preload           ? ": not used so far"
                                                             : ""; // not known without ibid
            fmt::print("           {}{}{}\n", printable(one.path),
                       one.version.empty() ? "" : fmt::format(" ({})", one.version), reason);
        }
        print_features(f);
    }
    if (!f.unread)
        print_settings(f);
    if (f.running)
        print_running(*f.running);
    for (const std::string& note : f.notes)
        fmt::print("note       {}\n", folded(printable(note), 11));
    for (const std::string& problem : f.problems)
        fmt::print("{}    {}\n", paint(colour::bad, "problem"), folded(printable(problem), 11));
    for (const std::string& step : f.next)
        fmt::print("next       {}\n", printable(step));
    print_verdict(f);
}

std::optional<pid_t> as_pid(const std::string& text) {
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
    return error == std::errc{} && end == text.data() + text.size() && pid > 0 ? std::optional(pid)
                                                                               : std::nullopt;
}

} // namespace

openssl_build look_at_openssl(const std::vector<std::string>& libraries, const std::string& root) {
    openssl_build build;
    const auto first = [&libraries](auto&& is) {
        const auto at = std::find_if(libraries.begin(), libraries.end(), is);
        return at == libraries.end() ? std::string() : *at;
    };
    build.libcrypto = first(is_libcrypto);
    build.libssl = first(is_libssl);
    if (build.libcrypto.empty())
        return build;
    build.version = openssl_version_of(root + build.libcrypto);
    if (const bool is_old = build.version.empty() || build.version.starts_with("1.");
        is_old) // else OpenSSL's own
        build.fork = fork_of_openssl(root + build.libcrypto);
    if (const std::optional<elf_file> elf = read_elf(root + build.libcrypto))
        build.symbolic = elf->symbolic;
    return build;
}

std::optional<opinion> opinion_of(const std::string& program) {
    std::optional<findings> f = look_at_program(program);
    return f ? std::optional(opinion{std::move(f->notes), std::move(f->problems)}) : std::nullopt;
}

std::vector<std::string> obstacles_of(pid_t pid) {
    findings f = look_at_process(pid, shared_statistics::read_process(pid));
    std::erase(f.problems, not_in_it);
    return std::move(f.problems);
}

int doctor(const doctor_request& request) {
    std::optional<findings> f;
    if (request.subject.empty()) {
        f = look_at_machine();
    } else if (const std::optional<pid_t> pid = as_pid(request.subject)) {
        const shared_statistics::process_result counters = shared_statistics::read_process(*pid);
        if (counters.error == read_error::no_such_process) {
            fmt::print(stderr, "ibid: {}\n", explain(counters.error, *pid));
            return exit_no;
        }
        f = look_at_process(*pid, counters);
    } else if (request.subject.ends_with(".service")) {
        std::string error;
        f = look_at_service(request.subject, error);
        if (!f) {
            fmt::print(stderr, "ibid: {}\n", error);
            return exit_no;
        }
    } else {
        f = look_at_program(request.subject);
        std::string error;
        if (!f) // a service is often named after no program: postgresql
            f = look_at_service(request.subject, error);
        if (!f) {
            const bool is_unit = !service::other_kind_of_unit(request.subject).empty();
            fmt::print(stderr, "ibid: {}\n", is_unit ? error : why_no_program(request.subject));
            return exit_no;
        }
    }
    if (request.json)
        fmt::print("{}\n", json_text(as_json(*f)));
    else
        print_text(*f);
    return f->problems.empty() ? exit_ok : exit_no;
}

} // namespace ibid::cli
