// SPDX-License-Identifier: Apache-2.0
//
// Formats a snapshot of the host for Prometheus: its text format, and OpenMetrics.
// docs/operators/monitoring.md lists the metrics.
#pragma once

#include "cli/exporter/collector.h"

#include <string>

namespace ibid::cli::exporter {

enum class format { prometheus, openmetrics };

[[nodiscard]] const char* content_type(format f);
[[nodiscard]] std::string metrics_text(const picture& p, format f);

} // namespace ibid::cli::exporter
