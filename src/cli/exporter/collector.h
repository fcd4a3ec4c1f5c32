// SPDX-License-Identifier: Apache-2.0
//
// The counters of all processes of this host under ibid, summed by program and service (process_sums.h), for
// a monitoring system. Counts after the last scan are missing, and so is a process that lived only between
// two scans.
#pragma once

#include "cli/exporter/process_sums.h"
#include "statistics/host_reader.h"

namespace ibid::cli::exporter {

class collector {
public:
    explicit collector(bool per_process) : per_process_(per_process) {}

    [[nodiscard]] const picture& scan();

private:
    bool per_process_;
    shared_statistics::host_reader host_;
    process_sums sums_;
    picture latest_;
};

} // namespace ibid::cli::exporter
