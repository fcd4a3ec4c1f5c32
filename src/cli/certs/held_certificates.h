// SPDX-License-Identifier: Apache-2.0
//
// The certificates that a running process shares, read from outside by the anchor that it publishes
// (statistics/layout.h).
//
// Laws:
//  - The process does not notice: no signal, no stop, no word written. Reading needs the permission of a
//    debugger (ptrace(2)).
//  - It goes on meanwhile. So an entry counts only if it is the same before and after its certificate was
//    read, belongs to the table, and the bytes are one well-formed TBSCertificate. Whatever else is read,
//    however often the process changes it, ends in a bounded number of bounded reads.
#pragma once

#include "cli/certs/tbs_certificate.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <sys/types.h>

namespace ibid::cli::certs {

struct held_certificate {
    tbs_certificate shown;
    std::size_t bytes = 0; // of its DER
    bool retained = false; // kept by ibid, too
    std::optional<std::uint32_t>
        holders{}; // references of OpenSSL's, without ibid's own; nothing: not known in this OpenSSL
};

struct reading {
    std::vector<held_certificate> certificates;
    std::size_t missed = 0; // changed while they were read
    bool failed = false;    // the memory could not be read
};

// `anchor`: of libcrypto_figures.
[[nodiscard]] reading read_certificates(pid_t pid, std::uint64_t anchor);

} // namespace ibid::cli::certs
