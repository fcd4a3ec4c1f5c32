// SPDX-License-Identifier: Apache-2.0
//
// Ports in the kernel's tables.
#include "cli/measure/ports.h"

#include <gtest/gtest.h>

namespace ibid::cli::measure {
namespace {

constexpr std::string_view table =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 0100007F:20FB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1\n"
    "   1: 0100007F:20FB 0100007F:B1C2 01 00000000:00000000 00:00000000 00000000     0        0 2 1\n"
    "   2: 0100007F:B1C2 0100007F:20FB 01 00000000:00000000 00:00000000 00000000     0        0 3 1\n"
    "   3: 0100007F:20FB 0100007F:B1C4 06 00000000:00000000 00:00000000 00000000     0        0 4 1\n"
    "   4: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 5 "
    "1\n";

TEST(ports, listen_and_have_connections_on_the_side_of_the_server) {
    EXPECT_TRUE(port_in(table, 8443).listens);
    EXPECT_EQ(port_in(table, 8443).connections, 1U); // neither the client's side nor one in TIME_WAIT
    EXPECT_FALSE(port_in(table, 45506).listens);
    EXPECT_TRUE(port_in(table, 8080).listens) << "IPv6";
}

TEST(ports, are_not_found_in_other_text) {
    for (const char* const text :
         {"", "\n", "0:", " 0: x", " 0: :20FB", " 0: 0100007F:ZZZZ 0 0A", "   0: 0100007F:20FB"}) {
        EXPECT_FALSE(port_in(text, 8443).listens) << text;
        EXPECT_EQ(port_in(text, 8443).connections, 0U) << text;
    }
}

} // namespace
} // namespace ibid::cli::measure
