// SPDX-License-Identifier: Apache-2.0
//
// See exporter.h.
#include "cli/exporter/exporter.h"

#include "cli/base/exit_status.h"
#include "cli/base/say.h"
#include "cli/exporter/collector.h"
#include "cli/exporter/http_server.h"
#include "cli/exporter/metrics.h"
#include "cli/programs/process.h"

#include <chrono>
#include <optional>
#include <stdexcept>

#include <unistd.h>

#include <fmt/format.h>

namespace ibid::cli::exporter {
namespace {

constexpr const char* front_page = "ibid exporter: the metrics are at /metrics\n";

// More frequent requests get the last result again, because a scan is expensive and there may be many
// requests.
constexpr auto freshness = std::chrono::milliseconds(200);

} // namespace

int serve(const request& r) {
    collector host(r.per_process);
    if (const std::string why = without_proc(); !why.empty()) {
        complain(why);
        return exit_no;
    }
    if (r.once) {
        put(metrics_text(host.scan(), format::prometheus));
        return exit_ok;
    }
    std::optional<http_server> server;
    try {
        server.emplace(r.listen);
    } catch (const std::runtime_error& error) {
        complain(error.what());
        return exit_no;
    }
    complain(fmt::format("metrics at http://{}{}/metrics",
                         server->address().starts_with(":") ? "localhost" : "", server->address()));
    const picture* latest = &host.scan();
    auto taken = std::chrono::steady_clock::now();
    if (latest->others_not_shown)
        complain(fmt::format("some processes may not be read: {}",
                             ::geteuid() == 0 ? "they are protected, or root lacks CAP_SYS_PTRACE here"
                                              : "run it as root, or give it CAP_SYS_PTRACE"));
    server->serve([&](const http_request& request) -> http_answer {
        if (request.path == "/")
            return {.body = front_page};
        if (request.path != "/metrics")
            return {.status = 404, .body = front_page};
        if (std::chrono::steady_clock::now() - taken > freshness) {
            latest = &host.scan();
            taken = std::chrono::steady_clock::now();
        }
        const format f = request.accept.find("application/openmetrics-text") != std::string::npos
                             ? format::openmetrics
                             : format::prometheus;
        return {.type = content_type(f), .body = metrics_text(*latest, f)};
    });
    return exit_ok;
}

} // namespace ibid::cli::exporter
