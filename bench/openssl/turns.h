// SPDX-License-Identifier: Apache-2.0
//
// Two runs that are compared take turns: one does a part of its work while the other waits, and then the
// reverse. So other load on the machine affects both, and their ratio is much more stable than that of two
// consecutive runs.
//
// Law: an empty line on standard output says "I wait", a line on standard input gives the turn; turns.py
// hands it on. A run that was not told to take turns never waits.
#pragma once

#include <iostream>
#include <stdexcept>
#include <string>

namespace bench {

struct turns {
    bool taken = false;

    // Call it before each stretch of work. The end of the last one is told by what is printed then.
    void next() const {
        if (!taken)
            return;
        std::cout << std::endl;
        std::string line;
        if (!std::getline(std::cin, line))
            throw std::runtime_error("nobody hands on the turn");
    }
};

} // namespace bench
