// SPDX-License-Identifier: Apache-2.0
//
// The certificates of a running process without ibid: its memory is looked through for what OpenSSL's X509
// objects look like.
//
// Laws:
//  - The process does not notice, as in held_certificates.h. Pages that are not in memory are not read:
//    reading would bring them in.
//  - An object counts if, where OpenSSL 3.0 to 4.0 have them, there are the address and the length of a
//    well-formed TBSCertificate and a count of references that is not 0. A freed one has 0 there.
//  - It may be larger than anybody wants to wait for, and may have written all of it to look like
//    certificates: the time, what is read and what is kept are limited, and `cut` says so.
//  - It goes on meanwhile, so the number is that of no single moment.
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
    std::vector<copied_certificate> certificates; // each once

    [[nodiscard]] std::uint64_t objects() const;
    // What all copies but the first take.
    [[nodiscard]] std::uint64_t saves() const;
};

// `progress` is called now and then, with the part that is read, and at the end with 1. Done in a child
// (statistics/reading_child.h). Nothing: reading did not come to an end.
[[nodiscard]] std::optional<scan> scan_in_time(pid_t pid, const std::function<void(double)>& progress);

} // namespace ibid::cli::certs
