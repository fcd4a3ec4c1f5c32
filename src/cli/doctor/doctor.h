// SPDX-License-Identifier: Apache-2.0
//
// `ibid doctor [PROGRAM|PID|SERVICE]`: whether ibid helps here, with which features, why or why not, and what
// to do next.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "openssl/api/features.h"

namespace ibid::cli {

// The libcrypto and libssl that a program has or would get.
struct openssl_build {
    std::string libcrypto; // path; empty: none
    std::string libssl;
    std::string version;   // "3.0.19"
    std::string fork;      // "BoringSSL": a fork that uses OpenSSL's file names
    bool symbolic = false; // libcrypto is linked with -Bsymbolic
};

// The first libcrypto and libssl among these files. `root` is prepended to their paths: /proc/PID/root for a
// process with another root directory.
[[nodiscard]] openssl_build look_at_openssl(const std::vector<std::string>& libraries,
                                            const std::string& root = {});

// The findings about a program, for other commands.
struct opinion {
    std::vector<std::string> notes;
    std::vector<std::string> problems; // why ibid does not help
};

// Nothing when there is no such program.
[[nodiscard]] std::optional<opinion> opinion_of(const std::string& program);

// Why ibid would not help a process, besides that it is not in it. Reads as `ibid doctor PID` does.
[[nodiscard]] std::vector<std::string> obstacles_of(pid_t pid);

struct doctor_request {
    std::string subject; // a program, a PID, a service ("nginx.service"), or nothing: this machine in general
    bool json = false;
};

// exit_ok if ibid helps, exit_no if there is an obstacle.
[[nodiscard]] int doctor(const doctor_request& request);

} // namespace ibid::cli
