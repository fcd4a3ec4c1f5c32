// SPDX-License-Identifier: Apache-2.0
//
// Which processes use OpenSSL's TLS now, for who does not know yet what to ask `ibid doctor` about.
//
// Law: ends within a tenth of a second on an idle host, whatever the processes are. What could not be looked
// at is missing, and it is said that something is.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

namespace ibid::cli::doctor {

// Processes of one name and service, either under ibid or not.
struct openssl_user {
    std::string name;        // printable
    std::string service;     // systemd's; empty: none
    std::vector<pid_t> pids; // by number
    bool under_ibid = false;
};

struct openssl_users {
    std::vector<openssl_user> all; // those with most processes first
    bool complete = true;          // each process of this host could be looked at
    int not_started = 0;           // errno, if the child that looks could not be made
};

[[nodiscard]] openssl_users find_openssl_users();

} // namespace ibid::cli::doctor
