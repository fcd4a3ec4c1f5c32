// SPDX-License-Identifier: Apache-2.0
//
// See certs.h.
#include "cli/certs/certs.h"

#include "cli/base/exit_status.h"
#include "cli/base/numbers.h"
#include "cli/base/say.h"
#include "cli/base/terminal.h"
#include "cli/base/words.h"
#include "cli/certs/held_certificates.h"
#include "cli/certs/scan.h"
#include "cli/doctor/opinion.h"
#include "cli/programs/loaded_files.h"
#include "cli/programs/modules.h"
#include "cli/programs/process.h"
#include "cli/programs/tls_library.h"
#include "statistics/printable.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ibid::cli::certs {
namespace {

struct row {
    held_certificate of;
    std::string libcrypto;
};

struct view {
    std::vector<row> rows; // the most shared first
    std::size_t missed = 0;
    bool failed = false;
    bool silent = false; // reading did not finish
    bool cut = false;    // there are more
    bool several_libcryptos = false;
};

view look(pid_t pid, const shared_statistics::process_figures& figures) {
    view v;
    std::vector<std::uint64_t> anchors;
    for (const shared_statistics::libcrypto_figures& one : figures.libcryptos)
        anchors.push_back(one.anchor);
    std::optional<std::vector<reading>> readings = read_certificates_in_time(pid, anchors);
    if (!readings || readings->size() != anchors.size()) {
        v.failed = v.silent = true;
        return v;
    }
    for (std::size_t i = 0; i < anchors.size(); ++i) {
        reading& r = (*readings)[i];
        v.missed += r.missed;
        v.failed |= r.failed;
        v.cut |= r.cut;
        for (held_certificate& c : r.certificates)
            v.rows.push_back({std::move(c), figures.libcryptos[i].path});
    }
    v.several_libcryptos = figures.libcryptos.size() > 1;
    std::sort(v.rows.begin(), v.rows.end(), [](const row& a, const row& b) {
        const auto key = [](const row& r) {
            return std::tuple(-std::int64_t{r.of.holders.value_or(0)}, r.of.shown.ends, r.of.shown.subject,
                              r.of.shown.serial);
        };
        return key(a) < key(b);
    });
    return v;
}

// "34 d", "3 h"; a time in the future with a minus.
std::string span_text(std::int64_t seconds) {
    constexpr std::int64_t hour = 3600;
    const std::int64_t hours = seconds / hour;
    return hours > -48 && hours < 48 ? fmt::format("{} h", hours) : fmt::format("{} d", hours / 24);
}

// Subject and issuer, behind `before` columns. On a terminal they are cut to its width, because a name may
// have hundreds of letters and the lines would not look like a table. Elsewhere they are whole.
std::string names_text(std::string_view subject, std::string_view issuer, std::size_t before) {
    const std::size_t width = terminal_width();
    if (width < before + 20)
        return fmt::format("{:<44} {}", subject, issuer);
    const std::size_t of_subject = (width - before) * 3 / 5;
    const std::size_t of_issuer = width - before - of_subject - 1;
    return fmt::format("{0:<{1}.{1}} {2:.{3}}", subject, of_subject, issuer, of_issuer);
}

std::string_view subject_of(const tbs_certificate& c) {
    return c.subject.empty() ? std::string_view("(no subject)") : c.subject;
}

std::string table(const view& v, std::int64_t now) {
    constexpr std::size_t before = 40;
    std::string text =
        fmt::format("{}\n", paint(colour::strong,
                                  fmt::format("{:>9} {:>8} {:>10} {:>8}  {}", "HOLDERS", "RETAINED",
                                              "EXPIRES", "AGE", names_text("SUBJECT", "ISSUER", before))));
    for (const row& r : v.rows) {
        const tbs_certificate& c = r.of.shown;
        const std::string ends = fmt::format("{:>10.10}", c.not_after);
        text += fmt::format("{:>9} {:>8} {} {:>8}  {}\n", r.of.holders ? grouped(*r.of.holders) : "?",
                            r.of.retained ? "yes" : "no",
                            c.ends < now ? paint(colour::bad, ends) : legible_text{ends},
                            span_text(now - c.begins), names_text(subject_of(c), c.issuer, before));
        if (v.several_libcryptos)
            text += fmt::format("{}\n", paint(colour::faint, fmt::format("{:>38}  of {}", "", r.libcrypto)));
    }
    return text;
}

nlohmann::ordered_json as_json(const view& v, pid_t pid, std::int64_t now) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const row& r : v.rows) {
        const tbs_certificate& c = r.of.shown;
        nlohmann::ordered_json one = {
            {"subject", c.subject},         {"issuer", c.issuer},       {"serial", c.serial},
            {"not_before", c.not_before},   {"not_after", c.not_after}, {"age_seconds", now - c.begins},
            {"left_seconds", c.ends - now}, {"bytes", r.of.bytes},      {"holders", nullptr},
            {"retained", r.of.retained},    {"libcrypto", r.libcrypto}};
        if (r.of.holders)
            one["holders"] = *r.of.holders;
        list.push_back(std::move(one));
    }
    return {{"ibid", IBID_VERSION}, {"pid", pid},   {"name", name_of_process(pid)},
            {"missed", v.missed},   {"cut", v.cut}, {"certificates", std::move(list)}};
}

// For a scan. The weight is at least nine tenths of the heap memory, and at most one and a half times as
// much.
std::uint64_t least(std::uint64_t weight) {
    return weight * 2 / 3;
}
std::uint64_t most(std::uint64_t weight) {
    return weight * 10 / 9;
}

bool has_openssl(pid_t pid) {
    const std::vector<loaded_file> files = files_of_process(pid);
    return std::any_of(files.begin(), files.end(),
                       [](const loaded_file& f) { return is_libcrypto(f.path); }) ||
           !openssl_inside(fmt::format("/proc/{}/exe", pid)).empty() ||
           !files_with_openssl_inside(files).empty();
}

int estimate(const request& r) {
    if (::kill(r.pid, 0) != 0 && errno == ESRCH) {
        complain(explain(shared_statistics::read_error::no_such_process, r.pid));
        return exit_no;
    }
    std::optional<scan> read = scan_in_time(r.pid, [](double part) {
        show_progress(part < 1 ? fmt::format("{:3.0f} % of its memory read", part * 100) : "");
    });
    if (!read) {
        complain(fmt::format("the memory of process {} could not be read: reading it did not finish", r.pid));
        return exit_no;
    }
    scan& s = *read;
    if (s.not_started != 0) {
        complain(fmt::format("process {} could not be read: {}", r.pid, why_no_child(s.not_started)));
        return exit_no;
    }
    if (s.failed) {
        const std::string what = without_memory(r.pid);
        complain(what.empty()
                     ? fmt::format("the memory of process {} may not be read{}", r.pid, with_more_rights())
                     : fmt::format("process {} {}", r.pid, what));
        return exit_no;
    }
    std::sort(s.certificates.begin(), s.certificates.end(),
              [](const copied_certificate& a, const copied_certificate& b) {
                  return std::tuple(b.copies, a.shown.subject, a.shown.serial) <
                         std::tuple(a.copies, b.shown.subject, b.shown.serial);
              });
    const std::uint64_t saves = s.saves();
    const std::vector<std::string> obstacles =
        saves != 0 ? doctor::obstacles_of(r.pid) : std::vector<std::string>();
    if (r.json) {
        nlohmann::ordered_json list = nlohmann::ordered_json::array();
        for (const copied_certificate& c : s.certificates)
            list.push_back({{"subject", c.shown.subject},
                            {"issuer", c.shown.issuer},
                            {"serial", c.shown.serial},
                            {"not_after", c.shown.not_after},
                            {"copies", c.copies},
                            {"weight", c.weight}});
        const nlohmann::ordered_json out = {
            {"ibid", IBID_VERSION},
            {"pid", r.pid},
            {"name", name_of_process(r.pid)},
            {"objects", s.objects()},
            {"cut", s.cut},
            {"saves", {{"bytes", saves}, {"least", least(saves)}, {"most", most(saves)}}},
            {"obstacles", obstacles},
            {"certificates", std::move(list)}};
        put(json_text(out) + "\n");
        return exit_ok;
    }
    say("{} ({}): {} of OpenSSL's, {} different\n", r.pid, name_of_process(r.pid),
        counted(s.objects(), "certificate"), grouped(s.certificates.size()));
    if (s.cut)
        say("Its memory was not read to the end: there may be more.\n");
    if (s.objects() == 0)
        say("{}\n", has_openssl(r.pid) ? "It holds none now: repeat this while it has connections."
                                       : "It has loaded no OpenSSL so far.");
    else if (saves == 0)
        say("There are no copies: sharing them would save no memory.\n");
    else
        say("One copy of each would save about {} ({} to {}).\n", bytes_text(saves), bytes_text(least(saves)),
            bytes_text(most(saves)));
    for (const std::string& obstacle : obstacles)
        say("But ibid does not help this program: {}\n", folded(obstacle, 2));
    constexpr std::size_t before = 22;
    // Most copies first. A program with the system's CAs has a hundred certificates of which there is one.
    const auto single = std::find_if(s.certificates.begin(), s.certificates.end(),
                                     [](const copied_certificate& c) { return c.copies < 2; });
    if (single != s.certificates.begin())
        say("{}\n", paint(colour::strong, fmt::format("{:>9} {:>10}  {}", "COPIES", "EXPIRES",
                                                      names_text("SUBJECT", "ISSUER", before))));
    for (auto c = s.certificates.begin(); c != single; ++c)
        say("{:>9} {:>10.10}  {}\n", grouped(c->copies), c->shown.not_after,
            names_text(subject_of(c->shown), c->shown.issuer, before));
    if (single != s.certificates.begin() && single != s.certificates.end())
        say("and {} of which there is one\n",
            counted(static_cast<std::size_t>(s.certificates.end() - single), "certificate"));
    return exit_ok;
}

} // namespace

int certs(const request& r) {
    if (r.estimate)
        return estimate(r);
    const shared_statistics::process_result seen = shared_statistics::read_process(r.pid);
    if (!can_be_shown(seen, r.pid))
        return exit_no;
    const view v = look(r.pid, seen.figures);
    if (v.failed) {
        complain(fmt::format("the certificates of process {} cannot be read{}", r.pid,
                             v.silent ? ": reading its memory did not finish" : ""));
        return exit_no;
    }
    const std::int64_t now = std::time(nullptr);
    if (r.json) {
        put(json_text(as_json(v, r.pid, now)) + "\n");
        return exit_ok;
    }
    say("{} ({}): {}\n", r.pid, name_of_process(r.pid), counted(v.rows.size(), "certificate"));
    if (!seen.figures.helped && !seen.figures.reason.empty())
        say("not helped: {}\n", seen.figures.reason);
    if (!v.rows.empty())
        put(table(v, now));
    if (v.cut)
        say("There are more: not all are shown\n");
    if (v.missed != 0)
        say("{} changed while they were read, and are not shown\n", grouped(v.missed));
    return exit_ok;
}

} // namespace ibid::cli::certs
