// SPDX-License-Identifier: Apache-2.0
#include "adversary.h"
#include "openssl/memory.h"
#include "openssl/samples.h"

#include <algorithm>
#include <array>

namespace bench {

namespace {

struct sides {
    owned_context client;
    owned_context server;
};

// Moves at most `left` bytes from one side to the other.
void carry(SSL* from, SSL* to, std::int64_t& left) {
    std::array<unsigned char, 4096> bytes;
    while (left > 0) {
        const int n = BIO_read(SSL_get_wbio(from), bytes.data(),
                               static_cast<int>(std::min<std::int64_t>(left, bytes.size())));
        if (n <= 0)
            return;
        BIO_write(SSL_get_rbio(to), bytes.data(), n);
        left -= n;
    }
}

void give_buffers(SSL* side) {
    BIO* const in = require(BIO_new(BIO_s_mem()), "a buffer");
    BIO* const out = require(BIO_new(BIO_s_mem()), "a buffer");
    BIO_set_mem_eof_return(in, -1);
    SSL_set_bio(side, in, out);
}

// A handshake that ends after `limit` bytes. Returns the number of bytes transferred.
std::int64_t shake_hands_up_to(const sides& by, std::int64_t limit, nanoseconds& spent) {
    std::int64_t left = limit;
    timed(spent, [&] {
        const owned_ssl client = new_client(by.client.get());
        const owned_ssl server = new_server(by.server.get());
        give_buffers(client.get());
        give_buffers(server.get());
        bool done = false;
        std::int64_t before = -1;
        while (!done && left != before) {
            before = left;
            const bool client_done = SSL_do_handshake(client.get()) == 1;
            carry(client.get(), server.get(), left);
            const bool server_done = SSL_do_handshake(server.get()) == 1;
            carry(server.get(), client.get(), left);
            done = client_done && server_done;
        }
        if (limit == INT64_MAX && !done)
            fail("the whole handshake failed");
        ERR_clear_error();
    });
    return limit - left;
}

} // namespace

figures measure_aborts(const std::filesystem::path& fixtures, int step, const turns& turns) {
    const auto folder = fixtures / "ecdsa";
    const auto root = folder / "root.cert.pem";
    sides by{new_client_context(root), new_server_context()};
    use_credential(by.client.get(), folder / "client.chain.pem", folder / "client.key.pem");
    use_credential(by.server.get(), folder / "server.chain.pem", folder / "server.key.pem");
    require(SSL_CTX_load_verify_file(by.server.get(), root.c_str()), root.c_str());
    SSL_CTX_set_verify(by.server.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    nanoseconds whole = 0;
    std::int64_t all = 0;
    for (int i = 0; i < 4; ++i)
        all = shake_hands_up_to(by, INT64_MAX, whole);
    const std::int64_t heap = heap_in_use();
    const std::int64_t pages = resident();
    std::vector<double> stretches;
    std::int64_t limit = 0;
    double count = 0;
    while (limit < all) {
        turns.next();
        nanoseconds spent = 0;
        int n = 0;
        for (; n < 20 && limit < all; ++n, limit += step)
            shake_hands_up_to(by, limit, spent);
        stretches.push_back(microseconds(spent));
        count += n;
    }
    double sum = 0;
    for (const double s : stretches)
        sum += s;
    return {{"hostile_us", sum / count},
            {"aborted", count},
            {"grown_heap_bytes", static_cast<double>(heap_in_use() - heap)},
            {"grown_resident_bytes", static_cast<double>(resident() - pages)}};
}

} // namespace bench
