// SPDX-License-Identifier: Apache-2.0
//
// What the counters say. See report.h.
#include "cli/report.h"

#include "cli/numbers.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ibid::cli {
namespace {

using shared_statistics::kinds;
using shared_statistics::totals;

struct kind_name {
    const char* json;
    const char* text;
    const char* bytes; // what a hit saved
};
constexpr std::array<kind_name, kinds> names{{
    {"certificates", "certificates", "of DER not parsed again"},
    {"crls", "CRLs", "of DER not parsed again"},
    {"trust_stores", "trust stores", "not read again"},
    {"signatures", "signatures", "not verified again"},
}};

bool counted_anything(const statistics& s) {
    return (s.hits | s.misses | s.entries | s.evictions | s.detached) != 0;
}

std::string join(const std::vector<std::uint32_t>& pids) {
    constexpr std::size_t most = 8;
    const auto end = pids.begin() + static_cast<std::ptrdiff_t>(std::min(pids.size(), most));
    return fmt::format("{}{}", fmt::join(pids.begin(), end, " "), pids.size() > most ? " ..." : "");
}

std::string processes(std::uint64_t n) {
    return n == 1 ? "1 process" : grouped(n) + " processes";
}

} // namespace

std::string reason_of(const totals& t, const std::string& guess) {
    if (t.helped != 0)
        return {};
    return t.reason.empty() ? guess : t.reason;
}

void add_counters(nlohmann::ordered_json& to, const std::array<statistics, kinds>& of) {
    for (std::size_t k = 0; k < kinds; ++k) {
        const statistics& s = of[k];
        if (k != 0 && !counted_anything(s))
            continue;
        to[names[k].json] = {{"active", s.active},
                             {"retained", s.retained},
                             {"hits", s.hits},
                             {"misses", s.misses},
                             {"evictions", s.evictions},
                             {"detached", s.detached},
                             {"bytes_not_parsed", s.bytes_not_parsed}};
    }
}

std::string counter_lines(const std::array<statistics, kinds>& of, std::string_view line_start) {
    std::string text;
    for (std::size_t k = 0; k < kinds; ++k) {
        const statistics& s = of[k];
        if (k != 0 && !counted_anything(s))
            continue;
        text += fmt::format("{}{}: {} active, {} retained; {}, {}, {}", line_start, names[k].text,
                            grouped(s.active), grouped(s.retained), counted(s.hits, "hit"),
                            s.misses == 1 ? "1 miss" : grouped(s.misses) + " misses",
                            counted(s.evictions, "eviction"));
        if (s.detached != 0)
            text += fmt::format(", {} detached", grouped(s.detached));
        text += fmt::format("; {} {}\n", bytes_text(s.bytes_not_parsed), names[k].bytes);
    }
    return text;
}

std::string summary_text(const totals& t, const std::string& guess) {
    std::string text;
    if (t.helped == 0)
        text += fmt::format("ibid: not helped: {}\n", reason_of(t, guess));
    else
        text += counter_lines(t.of, "ibid: ");
    if (t.processes > 1 || !t.still_running.empty()) {
        text += fmt::format("ibid: {} used OpenSSL", processes(t.processes));
        if (!t.still_running.empty())
            text += fmt::format("; still running, with figures as of now: {}", join(t.still_running));
        text += "\n";
    }
    if (t.refused != 0)
        text += fmt::format("ibid: {} more found no room to count in; their figures are missing\n",
                            processes(t.refused));
    return text;
}

nlohmann::ordered_json summary_json(const totals& t, const std::string& guess) {
    const std::string reason = reason_of(t, guess);
    nlohmann::ordered_json out = {{"ibid", IBID_VERSION},       {"helped", t.helped != 0},
                                  {"reason", nullptr},          {"processes", t.processes},
                                  {"running", t.still_running}, {"uncounted", t.refused}};
    if (t.helped == 0)
        out["reason"] = reason;
    add_counters(out, t.of);
    return out;
}

} // namespace ibid::cli
