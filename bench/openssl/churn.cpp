// SPDX-License-Identifier: Apache-2.0
//
// Opens and closes connections for a long time; memory must not grow. Many chains rotate, and a window of
// connections is open at any time, so entries end and return in all orders. One connection in eight uses TLS
// 1.2. One in eight is aborted, because the client does not trust the server's CA.
#include "memory.h"
#include "scenarios.h"

#include <deque>

namespace bench {

namespace {

constexpr std::size_t open_at_once = 100;

std::vector<owned_context> new_servers(const std::filesystem::path& folder) {
    std::vector<owned_context> servers;
    for (int i = 0; exists(folder / ("server-" + std::to_string(i) + ".chain.pem")); ++i) {
        const std::string name = "server-" + std::to_string(i);
        owned_context context = new_server_context();
        use_credential(context.get(), folder / (name + ".chain.pem"), folder / (name + ".key.pem"));
        servers.push_back(std::move(context));
    }
    if (servers.empty())
        throw std::runtime_error("no chains in " + folder.string());
    return servers;
}

} // namespace

figures measure_churn(const std::filesystem::path& fixtures, int count, int early) {
    std::int64_t early_heap = 0;
    std::int64_t early_pages = 0;
    const std::int64_t begin = wall();
    std::vector<owned_context> servers = new_servers(fixtures / "churn");
    owned_context knows = new_client_context(fixtures / "churn" / "root.cert.pem");
    owned_context knows_not = new_client_context(fixtures / "rsa" / "root.cert.pem");
    std::deque<connection> open;
    for (int i = 0; i < count; ++i) {
        const bool to_fail = i % 8 == 3;
        connection c{new_client(to_fail ? knows_not.get() : knows.get()),
                     new_server(servers[static_cast<std::size_t>(i) % servers.size()].get())};
        if (i % 8 == 5)
            require(static_cast<int>(SSL_set_max_proto_version(c.client.get(), TLS1_2_VERSION)), "TLS 1.2");
        join(c);
        if (shake_hands(c) == to_fail)
            fail(to_fail ? "a handshake with a stranger succeeded" : "a handshake failed");
        ERR_clear_error();
        open.push_back(std::move(c));
        if (open.size() > open_at_once)
            open.pop_front();
        if (i + 1 == early) {
            open.clear();
            early_heap = heap_in_use();
            early_pages = resident();
        }
    }
    open.clear();
    const std::int64_t heap = heap_in_use();
    const std::int64_t pages = resident();
    return {{"seconds", static_cast<double>(wall() - begin) / 1e9},
            {"early_heap_bytes", static_cast<double>(early_heap)},
            {"grown_heap_bytes", static_cast<double>(heap - early_heap)},
            {"grown_resident_bytes", static_cast<double>(pages - early_pages)}};
}

} // namespace bench
