// SPDX-License-Identifier: Apache-2.0
//
// CPU time of handshakes. The server runs in the same thread, but its CPU time is not counted for the client.
#include "samples.h"
#include "scenarios.h"

namespace bench {

namespace {

constexpr int stretch = 10; // handshakes between two turns

struct totals {
    nanoseconds client_handshake = 0;
    nanoseconds server_handshake = 0;
    nanoseconds client_connection = 0; // from SSL_new to SSL_free
    nanoseconds server_connection = 0;
};

totals run_stretch(const peers& between) {
    totals spent;
    for (int i = 0; i < stretch; ++i) {
        connection c = between.connect();
        timed(c.client_cpu, [&] { hang_up(c.client); });
        timed(c.server_cpu, [&] { hang_up(c.server); });
        spent.client_handshake += c.client_handshake;
        spent.server_handshake += c.server_handshake;
        spent.client_connection += c.client_cpu;
        spent.server_connection += c.server_cpu;
    }
    return spent;
}

} // namespace

figures measure_handshakes(const peers_options& options, int count, const turns& turns) {
    const peers between(options);
    run_stretch(between);
    std::vector<totals> stretches;
    for (int i = 0; i < count; i += stretch) {
        turns.next();
        stretches.push_back(run_stretch(between));
    }
    // Rare and expensive events (a table that grows, an eviction) count in the mean of their stretch; a
    // moment of other load affects only one stretch of many.
    const auto each = [&](nanoseconds totals::*part) {
        std::vector<double> means;
        for (const totals& spent : stretches)
            means.push_back(microseconds(spent.*part) / stretch);
        return median(std::move(means));
    };
    return {{"client_handshake_us", each(&totals::client_handshake)},
            {"server_handshake_us", each(&totals::server_handshake)},
            {"client_connection_us", each(&totals::client_connection)},
            {"server_connection_us", each(&totals::server_connection)}};
}

} // namespace bench
