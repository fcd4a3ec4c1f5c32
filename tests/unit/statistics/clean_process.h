// SPDX-License-Identifier: Apache-2.0
//
// A fixture under which each test begins as a program does: with no counters mapped by an earlier one. In real programs the
// mapping ends with the process or its image, so the library has no call for this.
#pragma once

#include "statistics/layout.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>

#include <sys/mman.h>

namespace ibid::testing {

class clean_process : public ::testing::Test {
protected:
    void SetUp() override {
        std::ifstream maps("/proc/self/maps");
        std::stringstream all;
        all << maps.rdbuf();
        for (std::string line; std::getline(all, line);) {
            if (line.find(shared_statistics::mapping_name) == std::string::npos)
                continue;
            const std::uintptr_t start = std::stoull(line, nullptr, 16);
            const std::uintptr_t end = std::stoull(line.substr(line.find('-') + 1), nullptr, 16);
            ::munmap(reinterpret_cast<void*>(start), end - start); // the address comes from /proc, as text
        }
    }
};

} // namespace ibid::testing
