// SPDX-License-Identifier: Apache-2.0
//
// `ibid exporter`: the counters of all processes of this host, for Prometheus.
#pragma once

#include <string>

namespace ibid::cli::exporter {

struct request {
    std::string listen = "127.0.0.1:9842";
    bool per_process = false;
    bool once = false; // print, and end
};

[[nodiscard]] int serve(const request& r);

} // namespace ibid::cli::exporter
