// SPDX-License-Identifier: Apache-2.0
//
// See metrics.h. Names by https://prometheus.io/docs/practices/naming/: base units, no abbreviations, _total
// for counters.
#include "cli/exporter/metrics.h"

#include "statistics/printable.h"

#include <array>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace ibid::cli::exporter {
namespace {

using shared_statistics::kinds;

constexpr std::array<const char*, kinds> kind_names{"certificate", "trust_store", "signature"};

// The value of a label. Prometheus reads no text with a byte that is no UTF-8.
std::string escaped(std::string_view value) {
    std::string text;
    for (const char c : shared_statistics::printable(value))
        text += c == '\\' ? "\\\\" : c == '"' ? "\\\"" : std::string(1, c);
    return text;
}

std::string labels(const group_name& g) {
    std::string text = fmt::format("program=\"{}\",service=\"{}\"", escaped(g.program), escaped(g.service));
    if (g.pid != 0)
        text += fmt::format(",pid=\"{}\"", g.pid);
    return text;
}

class writer {
public:
    explicit writer(format f) : format_(f) {}

    // A metric's header. OpenMetrics names a counter without the suffix of its samples.
    void begin(std::string_view name, std::string_view type, std::string_view help) {
        name_ = name;
        if (format_ == format::openmetrics && type == "counter")
            name.remove_suffix(std::string_view("_total").size());
        text_ += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
    }
    template <class Value>
    void sample(const std::string& with, Value value) {
        text_ += with.empty() ? fmt::format("{} {}\n", name_, value)
                              : fmt::format("{}{{{}}} {}\n", name_, with, value);
    }
    [[nodiscard]] std::string end() && {
        if (format_ == format::openmetrics)
            text_ += "# EOF\n";
        return std::move(text_);
    }

private:
    format format_;
    std::string name_;
    std::string text_;
};

struct figure {
    const char* name;
    const char* type;
    const char* help;
    std::uint64_t statistics::*value;
};
constexpr std::array figures{
    figure{"ibid_cache_hits_total", "counter", "Lookups that found an object.", &statistics::hits},
    figure{"ibid_cache_misses_total", "counter", "Lookups that had to make the object.", &statistics::misses},
    figure{"ibid_cache_evictions_total", "counter", "Objects that ended.", &statistics::evictions},
    figure{"ibid_cache_detached_total", "counter", "Objects taken out: written to, or out of date.",
           &statistics::detached},
    figure{"ibid_cache_saved_bytes_total", "counter",
           "Bytes whose parsing, reading or verifying a hit saved.", &statistics::bytes_not_parsed},
    figure{"ibid_cache_active_objects", "gauge", "Objects that only their users keep.", &statistics::active},
    figure{"ibid_cache_retained_objects", "gauge",
           "Objects that the retention budget keeps, with or without a user.", &statistics::retained},
    figure{"ibid_cache_retained_bytes", "gauge",
           "Estimated memory of the objects that the retention budget keeps.", &statistics::retained_bytes},
};

} // namespace

const char* content_type(format f) {
    return f == format::openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                    : "text/plain; version=0.0.4; charset=utf-8";
}

std::string metrics_text(const picture& p, format f) {
    writer w(f);
    w.begin("ibid_build_info", "gauge", "Version of the exporter.");
    w.sample("version=\"" IBID_VERSION "\"", 1);
    w.begin("ibid_exporter_scan_duration_seconds", "gauge", "Time that reading all processes took.");
    w.sample({}, p.seconds);
    w.begin("ibid_exporter_sees_all_processes", "gauge", "1: processes of all users may be read.");
    w.sample({}, p.others_not_shown ? 0 : 1);
    w.begin("ibid_exporter_silent_processes", "gauge",
            "Processes that could not be read in time, under ibid or not.");
    w.sample({}, p.silent);
    w.begin("ibid_processes", "gauge", "Processes with ibid in them, by what it does there.");
    for (const auto& [name, g] : p.groups) {
        for (const auto& [state, n] :
             std::vector<std::pair<const char*, std::uint64_t>>{{"helped", g.processes.helped},
                                                                {"disabled", g.processes.disabled},
                                                                {"unused", g.processes.unused},
                                                                {"unreadable", g.processes.unreadable},
                                                                {"silent", g.processes.silent}})
            w.sample(fmt::format("{},state=\"{}\"", labels(name), state), n);
    }
    w.begin("ibid_disabled_processes", "gauge", "Processes in which ibid is disabled, by the reason.");
    for (const auto& [name, g] : p.groups) {
        for (const auto& [reason, n] : g.reasons)
            w.sample(fmt::format("{},reason=\"{}\"", labels(name), escaped(reason)), n);
    }
    for (const figure& one : figures) {
        w.begin(one.name, one.type, one.help);
        for (const auto& [name, g] : p.groups) {
            for (std::size_t k = 0; k < kinds; ++k)
                w.sample(fmt::format("{},kind=\"{}\"", labels(name), kind_names[k]), g.figures[k].*one.value);
        }
    }
    return std::move(w).end();
}

} // namespace ibid::cli::exporter
