// SPDX-License-Identifier: Apache-2.0
//
// The program that stock_twin.h starts: its standard input is a socket. It plays each input from there on
// OpenSSL alone, and sends the outcome back. Linked without ibid, and without sanitizers, because OpenSSL
// itself is not under test.
#include <csignal>
#include <vector>

#include <sys/prctl.h>
#include <unistd.h>

#include "blocks.h"
#include "scenes.h"

int main() {
    using namespace ibid::fuzz;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::vector<std::uint8_t> bytes;
    while (read_block(STDIN_FILENO, bytes)) {
        outcome seen;
        play(input(bytes), seen);
        if (!write_block(STDIN_FILENO, seen.text().data(), seen.text().size())) {
            break;
        }
    }
}
