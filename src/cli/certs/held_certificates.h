// SPDX-License-Identifier: Apache-2.0
//
// The certificates that a running process shares, read from outside by the anchor that it publishes
// (statistics/layout.h).
//
// Laws:
//  - The process does not notice: no signal, no stop, no word written. Reading needs the permission of a
//    debugger (ptrace(2)).
//  - It keeps running. So an entry counts only if it is the same before and after its certificate was read,
//    if it belongs to the table, and if the bytes are one well-formed TBSCertificate.
//  - It may have forged everything. Whatever the process contains or changes, the number and size of all
//    reads is bounded: `budget`, for one process.
#pragma once

#include "cli/certs/tbs_certificate.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include <sys/types.h>

namespace ibid::cli::certs {

struct held_certificate {
    tbs_certificate shown;
    std::size_t bytes = 0; // of its DER
    bool retained = false; // kept by ibid, too
    std::optional<std::uint32_t>
        holders{}; // OpenSSL references, without ibid's own; nothing: not known for this OpenSSL
};

struct reading {
    std::vector<held_certificate> certificates;
    std::size_t missed = 0; // changed while they were read
    bool failed = false;    // the memory could not be read
    bool cut = false;       // there are more than were read
};

// Limits for one process, all its libcryptos together: ten times what a gateway with a hundred thousand
// clients needs.
struct budget {
    std::size_t slots = std::size_t{4} << 20;
    std::size_t certificates = 100'000;
    std::size_t der_bytes = std::size_t{512} << 20;
    std::size_t text_bytes = std::size_t{64} << 20;
    std::chrono::steady_clock::time_point end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    std::function<void()> alive = [] {}; // called now and then
};

// `anchor`: from libcrypto_figures.
[[nodiscard]] reading read_certificates(pid_t pid, std::uint64_t anchor, budget& left);

// The same in a child (statistics/reading_child.h), for each of these anchors; always returns in time.
// Nothing: reading did not finish.
[[nodiscard]] std::optional<std::vector<reading>>
read_certificates_in_time(pid_t pid, const std::vector<std::uint64_t>& anchors);

} // namespace ibid::cli::certs
