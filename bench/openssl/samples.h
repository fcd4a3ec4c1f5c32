// SPDX-License-Identifier: Apache-2.0
//
// One figure out of many samples of one run.
#pragma once

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <vector>

namespace bench {

inline double median(std::vector<double> samples) {
    if (samples.empty())
        throw std::runtime_error("nothing was measured");
    std::sort(samples.begin(), samples.end());
    const std::size_t middle = samples.size() / 2;
    return samples.size() % 2 == 1 ? samples[middle] : (samples[middle - 1] + samples[middle]) / 2;
}

} // namespace bench
