// SPDX-License-Identifier: Apache-2.0
//
// `ibid doctor [PROGRAM|PID|SERVICE]`: whether ibid helps here, with which features, why or why not, and what
// to do next. First it collects the findings, for any kind of subject; then it shows them.
#pragma once

#include <string>

namespace ibid::cli::doctor {

struct request {
    std::string subject; // a program, a PID, a service ("nginx.service"), or nothing: this machine in general
    bool json = false;
};

// exit_ok if ibid helps, exit_no if there is an obstacle.
[[nodiscard]] int doctor(const request& r);

} // namespace ibid::cli::doctor
