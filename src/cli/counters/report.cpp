// SPDX-License-Identifier: Apache-2.0
//
// Prints the counters. See report.h.
#include "cli/counters/report.h"

#include "cli/base/numbers.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ibid::cli {
namespace {

using shared_statistics::kinds;
using shared_statistics::libcrypto_figures;

struct kind_name {
    const char* json;
    const char* text;
    const char* bytes; // what a hit saved
};
constexpr std::array<kind_name, kinds> names{{
    {"certificates", "certificates", "of DER not parsed again"},
    {"trust_stores", "trust stores", "not read again"},
    {"signatures", "signatures", "not verified again"},
}};

bool counted_anything(const statistics& s) {
    return (s.hits | s.misses | s.entries | s.evictions | s.detached) != 0;
}

std::string name_of(const libcrypto_figures& one) {
    if (!one.path.empty())
        return one.path;
    return one.version.empty() ? "other libcryptos" : "OpenSSL inside an executable";
}

} // namespace

bool counted_anything(const std::array<statistics, kinds>& of) {
    return std::any_of(of.begin(), of.end(), [](const statistics& s) { return counted_anything(s); });
}

std::string processes(std::uint64_t n) {
    return n == 1 ? "1 process" : grouped(n) + " processes";
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

std::string libcrypto_lines(const std::vector<libcrypto_figures>& all, std::string_view line_start) {
    if (all.size() < 2)
        return {};
    std::string text;
    for (const libcrypto_figures& one : all) {
        text += fmt::format("{}{}{}: ", line_start, name_of(one),
                            one.version.empty() ? "" : fmt::format(" ({})", one.version));
        if (!one.helped)
            text += fmt::format("not helped: {}{}", one.reason.empty() ? "it was not used" : one.reason,
                                counted_anything(one.of) ? "; until then " : "\n");
        if (!one.helped && !counted_anything(one.of))
            continue;
        const statistics& s = one.of[0];
        text += fmt::format("certificates: {}, {}{}\n", counted(s.hits, "hit"),
                            s.misses == 1 ? "1 miss" : grouped(s.misses) + " misses",
                            one.helped && one.disabled != 0
                                ? fmt::format("; was disabled in {}: {}", processes(one.disabled), one.reason)
                                : "");
    }
    return text;
}

nlohmann::ordered_json libcryptos_json(const std::vector<libcrypto_figures>& all) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const libcrypto_figures& one : all) {
        nlohmann::ordered_json out = {{"path", one.path},           {"version", one.version},
                                      {"helped", one.helped},       {"reason", nullptr},
                                      {"processes", one.processes}, {"disabled", one.disabled}};
        if (!one.helped && !one.reason.empty())
            out["reason"] = one.reason;
        add_counters(out, one.of);
        list.push_back(std::move(out));
    }
    return list;
}

} // namespace ibid::cli
