// SPDX-License-Identifier: Apache-2.0
//
// Two runs that are held against each other take turns: one does a stretch of its work while the other waits,
// then the other way round. Whatever else the machine does falls on both alike then, and their ratio is much
// steadier than that of two runs one after the other.
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
