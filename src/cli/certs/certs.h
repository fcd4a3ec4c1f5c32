// SPDX-License-Identifier: Apache-2.0
//
// `ibid certs PID`: the certificates that a process shares, the most shared first; with --estimate, those
// that it could share.
#pragma once

#include <sys/types.h>

namespace ibid::cli::certs {

struct request {
    pid_t pid = 0;
    bool estimate = false; // of a process without ibid: what sharing would save
    bool json = false;
};

[[nodiscard]] int certs(const request& r);

} // namespace ibid::cli::certs
