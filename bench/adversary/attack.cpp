// SPDX-License-Identifier: Apache-2.0
#include "adversary.h"
#include "openssl/memory.h"
#include "openssl/samples.h"

namespace bench {

namespace {

constexpr int stretch = 20; // hostile connections between two honest ones, and between two turns
constexpr int honest_servers = 64;

class honest_set {
public:
    explicit honest_set(const std::filesystem::path& folder)
        : client_(new_client_context(folder / "root.cert.pem")) {
        for (int i = 0; i < honest_servers; ++i) {
            const std::string name = "server-" + std::to_string(i);
            owned_context context = new_server_context();
            use_credential(context.get(), folder / (name + ".chain.pem"), folder / (name + ".key.pem"));
            servers_.push_back(std::move(context));
        }
    }

    // Connects to the next honest server. Returns the client's CPU time.
    nanoseconds visit() {
        connection c;
        c.client = timed(c.client_cpu, [&] { return new_client(client_.get()); });
        c.server = new_server(servers_[next_++ % servers_.size()].get());
        join(c);
        if (!shake_hands(c) || SSL_get_verify_result(c.client.get()) != X509_V_OK)
            fail("an honest handshake failed");
        timed(c.client_cpu, [&] { c.client.reset(); });
        return c.client_cpu + c.client_handshake;
    }

private:
    owned_context client_;
    std::vector<owned_context> servers_;
    std::size_t next_ = 0;
};

} // namespace

figures measure_attack(attack how, const std::filesystem::path& fixtures, int count, const turns& turns) {
    const auto folder = fixtures / "churn";
    honest_set honest(folder);
    const hostile_certificates hostile(how, folder / "server-0.chain.pem");
    const owned_context victim = new_victim((folder / "root.cert.pem").c_str());
    for (int i = 0; i < 2 * honest_servers; ++i)
        honest.visit(); // their chains have verified, so they are protected
    std::uint64_t n = 0;
    for (; n < stretch; ++n)
        (void)meet_hostile_server(victim.get(), hostile.chain(n));
    const std::int64_t heap = heap_in_use();
    const std::int64_t pages = resident();
    std::vector<double> hostile_us;
    std::vector<double> honest_us;
    double visits = 0;
    while (n < static_cast<std::uint64_t>(count)) {
        turns.next();
        nanoseconds spent = 0;
        for (int i = 0; i < stretch; ++i)
            spent += meet_hostile_server(victim.get(), hostile.chain(n++));
        hostile_us.push_back(microseconds(spent) / stretch);
        honest_us.push_back(microseconds(honest.visit()));
        ++visits;
    }
    return {{"hostile_us", median(std::move(hostile_us))},
            {"honest_us", median(std::move(honest_us))},
            {"honest_visits", visits + 2 * honest_servers},
            {"grown_heap_bytes", static_cast<double>(heap_in_use() - heap)},
            {"grown_resident_bytes", static_cast<double>(resident() - pages)}};
}

} // namespace bench
