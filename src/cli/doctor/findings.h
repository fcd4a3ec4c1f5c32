// SPDX-License-Identifier: Apache-2.0
//
// What `ibid doctor` finds out about a subject: facts, and what they mean for a person.
#pragma once

#include "cli/doctor/openssl_users.h"
#include "cli/programs/modules.h"
#include "cli/programs/openssl_build.h"
#include "cli/settings/effective_settings.h"
#include "openssl/api/features.h"
#include "statistics/observe.h"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace ibid::cli::doctor {

struct findings {
    std::string subject; // "/usr/bin/curl", "process 77 (nginx)", "" for the machine
    std::optional<std::string> preload;
    openssl_build openssl;
    std::vector<shared_statistics::libcrypto_figures>
        libcryptos; // of a process with several, or with counters
    decisive_module decisive;
    std::string own_memory; // the file that sets OpenSSL's memory functions
    std::array<openssl::feature, 5> features{};
    settings_result settings; // for the subject
    bool unread = false;      // a process that could not be looked at
    bool no_memory = false;   // of these: one that has ended, or a part of the kernel
    bool is_process = false;
    bool not_known = false;               // whether it uses OpenSSL for TLS cannot be seen
    std::vector<std::string> notes;       // further information
    std::vector<std::string> problems;    // why ibid does not help
    std::vector<std::string> next;        // what to do
    std::optional<openssl_users> running; // of the machine: who uses OpenSSL now
};

} // namespace ibid::cli::doctor
