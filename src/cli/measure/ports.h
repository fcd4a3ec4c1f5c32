// SPDX-License-Identifier: Apache-2.0
//
// What the kernel says about a TCP port of this machine (/proc/net/tcp, /proc/net/tcp6: proc(5)). No
// connection is made, which a server would take for a client that fails.
#pragma once

#include <cstddef>
#include <string_view>

namespace ibid::cli::measure {

struct port_state {
    bool listens = false;        // somebody listens on it, on some address
    std::size_t connections = 0; // established ones of the side that listens
};

[[nodiscard]] port_state look_at_port(unsigned port);

// The same, from the text of such a file.
[[nodiscard]] port_state port_in(std::string_view table, unsigned port);

} // namespace ibid::cli::measure
