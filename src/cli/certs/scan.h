// SPDX-License-Identifier: Apache-2.0
//
// Finds the certificates of a running process without ibid: it searches the memory for OpenSSL's X509
// objects.
//
// Laws:
//  - The process does not notice, as in held_certificates.h. Pages that are not in memory are not read,
//    because reading would load them.
//  - An object counts if it has, at the offsets of OpenSSL 3.0 to 4.0, the address and the length of a
//    well-formed TBSCertificate and a reference count that is not 0. (A freed object has 0.)
//  - The memory may be very large, or forged to look like certificates. So the time, the bytes read and the
//    bytes kept are limited, and `cut` says so.
//  - The process keeps running, so the number is not that of a single moment.
#pragma once

#include "cli/certs/tbs_certificate.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include <sys/types.h>

namespace ibid::cli::certs {

struct copied_certificate {
    tbs_certificate shown;
    std::uint64_t copies = 0;
    std::uint64_t weight =
        0; // of one copy, in bytes, as openssl/certificates/certificate_weight.h estimates it
};

struct scan {
    bool failed = false;                          // the memory may not be read
    bool cut = false;                             // it was not read to its end
    int not_started = 0;                          // errno, if the child that reads could not be made
    std::vector<copied_certificate> certificates; // each once

    [[nodiscard]] std::uint64_t objects() const;
    // The memory of all copies except the first.
    [[nodiscard]] std::uint64_t saves() const;
};

// `progress` is called now and then with the fraction that was read, and at the end with 1. A child does the
// reading (statistics/reading_child.h). Nothing: reading did not finish.
[[nodiscard]] std::optional<scan> scan_in_time(pid_t pid, const std::function<void(double)>& progress);

} // namespace ibid::cli::certs
