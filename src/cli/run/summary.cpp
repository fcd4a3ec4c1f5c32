// SPDX-License-Identifier: Apache-2.0
//
// See summary.h.
#include "cli/run/summary.h"

#include "cli/base/numbers.h"
#include "cli/counters/report.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h> // fmt::join, since fmt 11
#include <nlohmann/json.hpp>

namespace ibid::cli {
namespace {

using shared_statistics::totals;

std::string join(const std::vector<std::uint32_t>& pids) {
    constexpr std::size_t most = 8;
    const auto end = pids.begin() + static_cast<std::ptrdiff_t>(std::min(pids.size(), most));
    return fmt::format("{}{}", fmt::join(pids.begin(), end, " "), pids.size() > most ? " ..." : "");
}

// Why no process was helped, or why that is not known: the program's own reason if there is one.
std::string reason_of(const verdict& v) {
    if (v.counted && v.counted->helped != 0)
        return {};
    if (v.counted && !v.counted->reason.empty())
        return v.counted->reason;
    return !v.uncounted.empty() ? v.uncounted : !v.nothing_seen.empty() ? v.nothing_seen : v.guess;
}

} // namespace

std::string summary_text(const verdict& v) {
    const totals t = v.counted.value_or(totals{});
    std::string text;
    if (t.helped != 0) {
        text += counter_lines(t.of, "ibid: ") + libcrypto_lines(t.libcryptos, "ibid: ");
        if (t.disabled != 0)
            text += fmt::format("ibid: was disabled in {} of {}: {}\n", grouped(t.disabled),
                                processes(t.processes), t.reason);
    } else {
        text += fmt::format("ibid: {}: {}\n",
                            !t.reason.empty()         ? "not helped"
                            : !v.uncounted.empty()    ? "not counted"
                            : !v.nothing_seen.empty() ? "nothing to count"
                                                      : "not helped",
                            reason_of(v));
        if (counted_anything(t.of)) // it helped for a while
            text += counter_lines(t.of, "ibid: until then: ") + libcrypto_lines(t.libcryptos, "ibid: ");
    }
    if (t.processes > 1 || !t.still_running.empty()) {
        text += fmt::format("ibid: {} used OpenSSL", processes(t.processes));
        if (!t.still_running.empty())
            text += fmt::format("; still running, with figures as of now: {}", join(t.still_running));
        text += "\n";
    }
    return text;
}

nlohmann::ordered_json summary_json(const verdict& v) {
    const totals t = v.counted.value_or(totals{});
    nlohmann::ordered_json out = {{"ibid", IBID_VERSION},      {"helped", t.helped != 0},
                                  {"reason", nullptr},         {"counted", v.uncounted.empty()},
                                  {"processes", t.processes},  {"disabled", t.disabled},
                                  {"running", t.still_running}};
    if (t.helped == 0) {
        out["reason"] = reason_of(v);
        if (!v.uncounted.empty() && t.reason.empty())
            out["helped"] = nullptr; // not known
    }
    add_counters(out, t.of);
    out["libcryptos"] = libcryptos_json(t.libcryptos);
    return out;
}

} // namespace ibid::cli
