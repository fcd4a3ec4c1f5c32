// SPDX-License-Identifier: Apache-2.0
//
// The measurements, one function and one file for each. run.py runs each in its own process, stock and under
// ibid.
#pragma once

#include "peers.h"
#include "turns.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace bench {

// The figures of one run, by name; the name ends with the unit.
using figures = std::map<std::string, double>;

// CPU time of each side of a handshake, and of a whole connection from SSL_new to SSL_free.
figures measure_handshakes(const peers_options& options, int count, const turns& turns);

// Heap of an idle connection's client and of its server.
figures measure_idle_connections(const peers_options& options, int count);

// A further SSL_CTX with a CA bundle (without one if the path is empty) while others exist, and contexts that
// exist one after another.
figures measure_contexts(const std::filesystem::path& bundle, int count, const turns& turns);

// First sight: each certificate of a file of concatenated DER is parsed once, and all are kept until the end.
figures measure_first_sight(const std::filesystem::path& certificates, const turns& turns);

// The same certificate again and again while it is held, on one thread and on two, and the lower bound: hash,
// compare, and one atomic increment and decrement.
figures measure_hits(const std::vector<std::filesystem::path>& certificates, int windows, const turns& turns);

// One CRL loaded into `count` trust stores that are all kept.
figures measure_crl(const std::filesystem::path& crl, int count, const turns& turns);

// `count` connections with rotating chains, a window of them open at any time; the heap after `early`
// connections and at the end.
figures measure_churn(const std::filesystem::path& fixtures, int count, int early);

} // namespace bench
