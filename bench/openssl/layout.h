// SPDX-License-Identifier: Apache-2.0
//
// Where on the heap things come to lie is an accident that lasts for a whole process, and the same in each
// run of one program: a table of OpenSSL's that is walked 250 times for each certificate may share lines of
// the cache with something, and cost two per cent of all, on one side only.
//
// Law: so each run begins with another layout, and the accident falls on some runs of both sides.
#pragma once

#include <memory>
#include <random>
#include <vector>

namespace bench {

// Blocks of random sizes, kept until this ends.
class another_layout {
public:
    another_layout() {
        std::random_device seed;
        std::minstd_rand random(seed());
        for (std::unique_ptr<char[]>& block : blocks_) {
            block.reset(new char[16 + random() % 4096]);
        }
    }

private:
    std::vector<std::unique_ptr<char[]>> blocks_{1 + std::random_device()() % 16};
};

} // namespace bench
