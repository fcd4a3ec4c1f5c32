// SPDX-License-Identifier: Apache-2.0
//
// Varies the heap layout. Without this, positions on the heap would be the same in each run of one program.
// For example, an OpenSSL table that is read 250 times for each certificate may share cache lines with other
// data, which costs two per cent, on one side only. Law: each run begins with a different layout, so that
// such an effect occurs in some runs of both sides.
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
