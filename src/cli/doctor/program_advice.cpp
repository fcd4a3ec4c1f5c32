// SPDX-License-Identifier: Apache-2.0
//
// See program_advice.h.
#include "cli/doctor/program_advice.h"

#include "cli/base/words.h"
#include "cli/programs/file_bytes.h"
#include "cli/programs/tls_library.h"

#include <algorithm>
#include <filesystem>
#include <string_view>

#include <fmt/format.h>

namespace ibid::cli::doctor {
namespace {

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
void judge_tls(findings& f, const program& p, const std::vector<loaded_file>& libraries,
               const std::string& name) {
    const auto names_itself = [&p](auto&& is) {
        return std::any_of(p.elf->needed.begin(), p.elf->needed.end(), is);
    };
    std::string other;
    std::string other_file;
    for (const loaded_file& library : libraries) {
        if (other.empty() && !(other = other_tls_library(library.path)).empty())
            other_file = library.path;
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
    const file_bytes file(script);
    const std::string_view text = file.slice(0, 4096);
    for (const char* const manager :
         {"pyenv", "rbenv", "nodenv", "goenv", "plenv", "phpenv", "jenv", "asdf", "mise"}) {
        if (text.find(manager) != std::string_view::npos ||
            script.find(fmt::format("/.{}/", manager)) != std::string::npos ||
            script.find(fmt::format("/{}/shims/", manager)) != std::string::npos)
            return manager;
    }
    return {};
}

} // namespace

std::string in_command(const std::string& word) {
    return word.find_first_of(" \t()&;|<>*?[]#~'") == std::string::npos
               ? legible(word)
               : fmt::format("\"{}\"", legible(word));
}

void advise_about_program(findings& f, const program& p, const std::vector<loaded_file>& libraries,
                          const std::string& name) {
    if (!p.broken.empty()) {
        f.problems.push_back(p.broken);
        return;
    }
    if (const std::string why = why_not_preloadable(p); !why.empty()) {
        f.problems.push_back(why);
        const std::string whose = p.elf && p.elf->native ? other_tls_inside(p.path) : std::string();
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
    if (!p.unread.empty()) {
        f.not_known = true;
        f.notes.push_back(
            fmt::format("{} may not be read ({}): which libraries it has cannot be seen", p.path, p.unread));
        f.next.push_back(fmt::format("'sudo ibid doctor {}'", in_command(name)));
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

} // namespace ibid::cli::doctor
