// SPDX-License-Identifier: Apache-2.0
//
// example_gc_connections [CONNECTIONS]: a TLS client with garbage-collected connections.
//
// Opens CONNECTIONS connections (2,000 by default), one after another, to four servers in the same process,
// through memory. 200 are open at any time; a random one is dropped for the next, by overwriting a pointer.
// Each connection is a collected object on a cycle with its server's side, and holds tokens: one for its SSL,
// and one for each certificate of its peer's chain. There is no finalizer and no destructor: an SSL is freed
// and a certificate released when the collector no longer reaches the tokens.
//
// Prints counts and memory while it runs. Exit status 0: memory was constant, and at the end no certificate
// was left.
#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <malloc.h>
#include <unistd.h>

#include "ibid/gc.h"
#include "ibid/openssl.h"

#include "tls.h"

namespace {

constexpr int servers = 4;
constexpr std::size_t open_at_once = 200;

// Collected.
struct connection {
    ibid::gc::token<tls::ssl> ssl;
    std::array<ibid::gc::token<tls::certificate>, 2> peer; // leaf, intermediate
    connection* other_side = nullptr;
};

connection* make(tls::ssl ssl) {
    return new (GC_MALLOC(sizeof(connection)))
        connection{ibid::gc::token<tls::ssl>(std::move(ssl)), {}, nullptr};
}

connection* connect(SSL_CTX* client, SSL_CTX* server) {
    connection* const c = make(tls::ssl(tls::check(SSL_new(client), "SSL")));
    connection* const s = make(tls::ssl(tls::check(SSL_new(server), "SSL")));
    c->other_side = s;
    s->other_side = c;
    tls::handshake(c->ssl.get(), s->ssl.get());
    std::vector<tls::certificate> chain = tls::peer_chain(c->ssl.get());
    for (std::size_t i = 0; i < c->peer.size(); ++i) {
        c->peer[i] = ibid::gc::token<tls::certificate>(std::move(chain.at(i)));
    }
    return c;
}

ibid_openssl_statistics certificates() {
    ibid_openssl_statistics s{};
    s.size = sizeof s;
    ibid_openssl_get_statistics(IBID_OPENSSL_CERTIFICATES, &s);
    return s;
}

struct memory {
    double resident; // MB
    double malloced;
    double collected;
};

memory use() {
    std::ifstream statm("/proc/self/statm");
    double total = 0;
    double resident = 0;
    statm >> total >> resident;
    return {resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6,
            static_cast<double>(mallinfo2().uordblks) / 1e6, static_cast<double>(GC_get_heap_size()) / 1e6};
}

void print(long opened) {
    const memory m = use();
    std::printf("%8ld  %4" PRIu64 "  %8zu  %8.1f  %8.1f  %8.1f\n", opened, certificates().active,
                ibid::gc::statistics().tokens, m.malloced, m.collected, m.resident);
    std::fflush(stdout);
}

// The collector scans the table of open connections, and this function's stack while it runs.
[[gnu::noinline]] double open_and_drop(long connections) {
    const tls::credential root = tls::issue("root", nullptr, false);
    const tls::credential intermediate = tls::issue("intermediate", &root, false);
    std::vector<tls::context> contexts;
    for (int i = 0; i < servers; ++i) {
        const tls::credential leaf = tls::issue("server" + std::to_string(i) + ".test", &intermediate, true);
        contexts.push_back(tls::server_context(leaf, intermediate));
    }
    const tls::context client = tls::client_context(root);
    ibid::openssl::attach(client.get());

    auto** const open = static_cast<connection**>(GC_MALLOC(open_at_once * sizeof(connection*)));
    std::mt19937 random(1);
    std::printf("  opened  active    tokens    malloc  collector  resident (MB)\n");
    double early = 0;
    double late = 0;
    for (long i = 1; i <= connections; ++i) {
        open[random() % open_at_once] =
            connect(client.get(), contexts[static_cast<std::size_t>(i % servers)].get());
        if (i % (connections / 10) == 0) {
            print(i);
            const double now = use().malloced;
            (i <= connections / 2 ? early : late) = std::max(i <= connections / 2 ? early : late, now);
        }
    }
    return late / early;
}

} // namespace

int main(int argc, char** argv) {
    const long connections = argc > 1 ? std::atol(argv[1]) : 2000;
    if (connections < 1000) {
        std::fprintf(stderr, "usage: %s [CONNECTIONS], at least 1000\n", argv[0]);
        return 2;
    }
    ibid::gc::start();
    ibid_openssl_retain(0, 0); // only tokens keep a certificate
    const double growth = open_and_drop(connections);
    GC_gcollect();
    print(connections);
    // A conservative collector may take a word for a pointer to a connection, and keep it and its chain.
    const bool gone = certificates().active <= 4 && ibid::gc::statistics().tokens <= 40;
    std::printf("%" PRIu64 " hits, %" PRIu64
                " misses; second half's memory / first half's: %.2f; after the last collection %s\n",
                certificates().hits, certificates().misses, growth,
                gone ? "all is gone" : "something is left");
    return growth < 1.5 && gone ? 0 : 1;
}
