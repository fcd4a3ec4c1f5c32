// SPDX-License-Identifier: Apache-2.0
//
// What stock_twin.h begins: plays each input that comes on its standard input, a socket, on OpenSSL alone,
// and tells there what it saw. Linked without ibid, and without sanitizers: what OpenSSL does is measured
// here, not looked into.
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
