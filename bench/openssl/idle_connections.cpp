// SPDX-License-Identifier: Apache-2.0
//
// Heap of idle open connections, after one request and its answer. (A client that has read its tickets and
// has not written since would keep a write buffer of 16 KB, both in stock and under ibid.) First only the
// clients are kept, then only the servers.
#include "memory.h"
#include "scenarios.h"

namespace bench {

namespace {

// Heap per connection, for `count` connections of which only one side is kept.
double weigh(const peers& between, int count, owned_ssl connection::*kept, owned_ssl connection::*dropped) {
    std::vector<owned_ssl> sides;
    sides.reserve(static_cast<std::size_t>(count));
    const std::int64_t before = heap_in_use();
    for (int i = 0; i < count; ++i) {
        connection c = between.connect();
        exchange(c);
        hang_up(c.*dropped);
        unplug((c.*kept).get());
        sides.push_back(std::move(c.*kept));
    }
    const std::int64_t after = heap_in_use();
    for (owned_ssl& side : sides)
        hang_up(side);
    return static_cast<double>(after - before) / count;
}

} // namespace

figures measure_idle_connections(const peers_options& options, int count) {
    const peers between(options);
    // One-time allocations (fetched algorithms, the first copy of everything) are not counted for a
    // connection.
    [[maybe_unused]] const connection first = between.connect();
    return {{"client_heap_bytes", weigh(between, count, &connection::client, &connection::server)},
            {"server_heap_bytes", weigh(between, count, &connection::server, &connection::client)}};
}

} // namespace bench
