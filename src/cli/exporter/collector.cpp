// SPDX-License-Identifier: Apache-2.0
//
// See collector.h.
#include "cli/exporter/collector.h"

#include "cli/programs/process.h"
#include "cli/systemd/processes.h"

#include <chrono>
#include <utility>
#include <vector>

namespace ibid::cli::exporter {

using shared_statistics::read_error;

const picture& collector::scan() {
    const auto begin = std::chrono::steady_clock::now();
    std::vector<observation> all;
    for (auto& [pid, process] : host_.scan()) {
        observation o{pid, {}, std::move(process)};
        // Most processes have no ibid, and their names are not needed.
        if (o.read.error != read_error::not_permitted && o.read.error != read_error::not_under_ibid &&
            o.read.error != read_error::no_such_process)
            o.name = {name_of_process(pid), systemd::unit_of(pid), per_process_ ? pid : 0};
        all.push_back(std::move(o));
    }
    latest_ = sums_.add_scan(all);
    latest_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return latest_;
}

} // namespace ibid::cli::exporter
