// SPDX-License-Identifier: Apache-2.0
//
// The findings as text.
#include "cli/doctor/output.h"

#include "cli/base/say.h"
#include "cli/base/terminal.h"
#include "cli/doctor/subjects.h"
#include "statistics/printable.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include <unistd.h>

#include <fmt/format.h>

namespace ibid::cli::doctor {
namespace {

void print_running(const openssl_users& running) {
    constexpr std::size_t most = 10;
    if (running.all.empty())
        return;
    say("running now with OpenSSL's libssl\n");
    for (std::size_t i = 0; i < std::min(most, running.all.size()); ++i) {
        const openssl_user& u = running.all[i];
        std::string more = u.service;
        if (u.under_ibid)
            more += more.empty() ? "under ibid" : ", under ibid";
        say("  {:<16}  {}{}{}\n", u.name,
            u.pids.size() == 1 ? fmt::format("PID {}", u.pids[0])
                               : fmt::format("PID {} and {} more", u.pids[0], u.pids.size() - 1),
            more.empty() ? "" : ": ", more);
    }
    if (running.all.size() > most)
        say("  and {} more: --json has all\n", running.all.size() - most);
    if (!running.complete && ::geteuid() != 0)
        say("  and perhaps other users': 'sudo ibid doctor' lists them\n");
}

// Only settings that are not defaults; JSON has all.
void print_settings(const findings& f) {
    const auto& all = f.settings.settings;
    const bool defaults =
        std::all_of(all.begin(), all.end(), [](const effective_setting& s) { return s.is_default; });
    say("settings{}{}\n", defaults ? "   " : "", paint(colour::faint, defaults ? "all as by default" : ""));
    for (const effective_setting& s : all) {
        if (!s.is_default)
            say("  {:<16}  {:<18}  {}\n", s.name, s.value, s.source);
    }
}

// One line if nothing is active for one reason.
void print_features(const findings& f) {
    const openssl::feature& first = f.features.front();
    if (std::all_of(f.features.begin(), f.features.end(),
                    [&first](const openssl::feature& one) { return !one.active && one.why == first.why; })) {
        say("features   {}: {}\n", paint(colour::bad, "none"), folded(first.why, 17));
        return;
    }
    say("features\n");
    for (const openssl::feature& one : f.features)
        say("  {}  {:<20} {}\n", one.active ? paint(colour::good, "yes") : paint(colour::bad, "no "),
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
    if (f.unread && !f.no_memory) {
        say("Whether ibid helps it could not be seen.\n");
        return;
    }
    const bool is_unread = f.openssl.unread && f.openssl.version.empty();
    if (is_a(not_in_it) && f.problems.size() == (is_a(no_libcrypto_so_far) ? 2U : is_unread ? 1U : 0U)) {
        say("Whether ibid would help it is not known so far.\n");
        return;
    }
    if (f.problems.size() == 1 && is_a(not_in_it) && !f.openssl.libssl.empty() && !f.not_known)
        say("{}, {}\n", paint(colour::good, "ibid would help it"), where);
    else if (!f.problems.empty())
        say("{}\n", paint(colour::bad, f.is_process ? "ibid does not help it." : "ibid does not help here."));
    else if (f.openssl.libcrypto.empty() || f.not_known)
        say("{}\n", f.is_process ? "Whether ibid helps it is not known so far."
                                 : "Whether ibid helps is not known from outside.");
    else
        say("{}, {}\n", paint(colour::good, "ibid helps here"), where);
}

} // namespace

void print_text(const findings& f) {
    say("{} {}\n", paint(colour::strong, "ibid"), IBID_VERSION);
    if (!f.subject.empty())
        say("about      {}\n", f.subject);
    if (!f.unread)
        say("preload    {}\n", f.preload ? legible_text{shared_statistics::printable(*f.preload)}
                                         : paint(colour::bad, f.is_process ? "not in it" : "not found"));
    if (f.openssl.libcrypto.empty()) {
        if (!f.unread)
            say("OpenSSL    none found\n");
    } else {
        say("OpenSSL    {}{}\n", f.openssl.version.empty() ? "unknown version" : f.openssl.version,
            f.openssl.symbolic ? ", linked with -Bsymbolic" : "");
        say("           {}\n", f.openssl.libcrypto);
        if (!f.openssl.libssl.empty())
            say("           {}\n", f.openssl.libssl);
        for (std::size_t i = 0; f.libcryptos.size() > 1 && i < f.libcryptos.size(); ++i) {
            const auto& one = f.libcryptos[i];
            if (i == 0)
                say("           it has {} of them:\n", f.libcryptos.size());
            const std::string reason = one.helped            ? ": helped"
                                       : !one.reason.empty() ? ": not helped: " + one.reason
                                       : f.preload           ? ": not used so far"
                                                             : ""; // not known without ibid
            say("           {}{}{}\n", one.path, one.version.empty() ? "" : fmt::format(" ({})", one.version),
                reason);
        }
        print_features(f);
    }
    if (!f.unread)
        print_settings(f);
    if (f.running)
        print_running(*f.running);
    for (const std::string& note : f.notes)
        say("note       {}\n", folded(note, 11));
    for (const std::string& problem : f.problems)
        say("{}    {}\n", paint(colour::bad, "problem"), folded(problem, 11));
    for (const std::string& step : f.next)
        say("next       {}\n", folded(step, 11));
    print_verdict(f);
}

} // namespace ibid::cli::doctor
