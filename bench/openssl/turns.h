// SPDX-License-Identifier: Apache-2.0
//
// Two runs that are compared take turns: one does a part of its work while the other waits, and then the
// reverse. So other load on the machine affects both, and their ratio is much more stable than that of two
// consecutive runs.
//
// Law: an empty line on standard output means "this run waits"; a line on standard input lets it continue.
// turns.py sends these lines. A run without the option for turns never waits.
#pragma once

#include <iostream>
#include <stdexcept>
#include <string>

namespace bench {

struct turns {
    bool taken = false;

    // Call it before each stretch of work. After the last stretch, the printed figures end the turn.
    void next() const {
        if (!taken)
            return;
        std::cout << std::endl;
        std::string line;
        if (!std::getline(std::cin, line))
            throw std::runtime_error("standard input has ended, so there is no further turn");
    }
};

} // namespace bench
