// SPDX-License-Identifier: Apache-2.0
//
// The `ibid` command.
#include "cli/arguments.h"
#include "cli/exit_status.h"

#include <cstdio>
#include <exception>

int main(int count, char** words) {
    try {
        return ibid::cli::command_line(count, words);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "ibid: %s\n", error.what());
        return ibid::cli::exit_cannot_run;
    }
}
