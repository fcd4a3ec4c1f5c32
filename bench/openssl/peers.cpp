// SPDX-License-Identifier: Apache-2.0
//
// See peers.h.
#include "peers.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace bench {

namespace {

constexpr const char* host = "www.ibid.test";
constexpr const char* psk_identity = "bench";
constexpr std::array<unsigned char, 32> shared_key{1, 2, 3, 4, 5, 6, 7, 8};

unsigned int client_psk(SSL*, const char*, char* identity, unsigned int identity_size, unsigned char* key,
                        unsigned int key_size) {
    if (identity_size <= std::strlen(psk_identity) || key_size < shared_key.size())
        return 0;
    std::strcpy(identity, psk_identity);
    std::copy(shared_key.begin(), shared_key.end(), key);
    return shared_key.size();
}

unsigned int server_psk(SSL*, const char* identity, unsigned char* key, unsigned int key_size) {
    if (std::strcmp(identity, psk_identity) != 0 || key_size < shared_key.size())
        return 0;
    std::copy(shared_key.begin(), shared_key.end(), key);
    return shared_key.size();
}

owned_context new_context(const SSL_METHOD* method) {
    owned_context context{require(SSL_CTX_new(method), "SSL_CTX_new")};
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
    return context;
}

// One step of one side. True: this side is done.
bool step(SSL* side, nanoseconds& spent, bool& failed) {
    const int result = timed(spent, [side] { return SSL_do_handshake(side); });
    if (result == 1)
        return true;
    failed = SSL_get_error(side, result) != SSL_ERROR_WANT_READ;
    return false;
}

// Reads although there is no data: after the handshake, this processes the server's tickets.
void read_nothing(SSL* side) {
    char nothing = 0;
    const int result = SSL_read(side, &nothing, 1);
    if (result > 0 || SSL_get_error(side, result) != SSL_ERROR_WANT_READ)
        fail("there should be nothing to read");
}

} // namespace

bool shake_hands(connection& between) {
    bool client_done = false;
    bool server_done = false;
    bool failed = false;
    while (!failed && !(client_done && server_done)) {
        if (!client_done)
            client_done = step(between.client.get(), between.client_handshake, failed);
        if (!failed && !server_done)
            server_done = step(between.server.get(), between.server_handshake, failed);
    }
    return !failed;
}

void exchange(const connection& between) {
    std::array<char, 64> message{};
    const int size = static_cast<int>(message.size());
    require(SSL_write(between.client.get(), message.data(), size), "the request");
    require(SSL_read(between.server.get(), message.data(), size), "the request");
    require(SSL_write(between.server.get(), message.data(), size), "the answer");
    require(SSL_read(between.client.get(), message.data(), size), "the answer");
    // A read that finds no data; with SSL_MODE_RELEASE_BUFFERS it frees the read buffer.
    read_nothing(between.client.get());
    read_nothing(between.server.get());
}

void hang_up(owned_ssl& side) {
    SSL_set_shutdown(side.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    side.reset();
}

void join(const connection& between) {
    BIO* const to_server = require(BIO_new(BIO_s_mem()), "a buffer");
    BIO* const to_client = require(BIO_new(BIO_s_mem()), "a buffer");
    BIO_up_ref(to_server);
    BIO_up_ref(to_client);
    SSL_set_bio(between.client.get(), to_client, to_server);
    SSL_set_bio(between.server.get(), to_server, to_client);
}

void unplug(SSL* side) {
    BIO* const nothing = require(BIO_new(BIO_s_null()), "a BIO");
    SSL_set_bio(side, nothing, nothing);
}

owned_context new_client_context(const std::filesystem::path& root) {
    owned_context context = new_context(TLS_client_method());
    require(SSL_CTX_load_verify_file(context.get(), root.c_str()), root.c_str());
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    return context;
}

owned_context new_server_context() {
    owned_context context = new_context(TLS_server_method());
    constexpr std::array<unsigned char, 5> id{'b', 'e', 'n', 'c', 'h'};
    require(SSL_CTX_set_session_id_context(context.get(), id.data(), id.size()), "the session id context");
    return context;
}

void use_credential(SSL_CTX* context, const std::filesystem::path& chain, const std::filesystem::path& key) {
    require(SSL_CTX_use_certificate_chain_file(context, chain.c_str()), chain.c_str());
    require(SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM), key.c_str());
}

owned_ssl new_client(SSL_CTX* context) {
    owned_ssl client{require(SSL_new(context), "SSL_new")};
    SSL_set_connect_state(client.get());
    require(SSL_set1_host(client.get(), host), "the host's name");
    require(static_cast<int>(SSL_set_tlsext_host_name(client.get(), host)), "the host's name");
    return client;
}

owned_ssl new_server(SSL_CTX* context) {
    owned_ssl server{require(SSL_new(context), "SSL_new")};
    SSL_set_accept_state(server.get());
    return server;
}

peers::peers(const peers_options& options) : options_(options) {
    server_ = new_server_context();
    if (options.by == authentication::psk) {
        client_ = new_context(TLS_client_method());
        SSL_CTX_set_psk_client_callback(client_.get(), client_psk);
        SSL_CTX_set_psk_server_callback(server_.get(), server_psk);
        SSL_CTX_set_verify(client_.get(), SSL_VERIFY_PEER, nullptr);
    } else {
        const auto folder = options.fixtures / (options.by == authentication::rsa ? "rsa" : "ecdsa");
        const auto root = folder / "root.cert.pem";
        client_ = new_client_context(root);
        use_credential(server_.get(), folder / "server.chain.pem", folder / "server.key.pem");
        if (options.mutual) {
            use_credential(client_.get(), folder / "client.chain.pem", folder / "client.key.pem");
            require(SSL_CTX_load_verify_file(server_.get(), root.c_str()), root.c_str());
            SSL_CTX_set_verify(server_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
        }
    }
    if (options.resumed) {
        connection first = connect();
        session_.reset(require(SSL_get1_session(first.client.get()), "a session"));
        if (SSL_SESSION_is_resumable(session_.get()) != 1)
            fail("the session cannot be resumed");
        hang_up(first.client);
        hang_up(first.server);
    }
}

owned_ssl peers::new_client() const {
    owned_ssl client = bench::new_client(client_.get());
    if (session_)
        require(SSL_set_session(client.get(), session_.get()), "the session to resume");
    return client;
}

connection peers::connect() const {
    connection made;
    made.client = timed(made.client_cpu, [&] { return new_client(); });
    made.server = timed(made.server_cpu, [&] { return new_server(server_.get()); });
    join(made);
    if (!shake_hands(made))
        fail("the handshake failed");
    check(made);
    timed(made.client_cpu, [&] { read_nothing(made.client.get()); });
    made.client_cpu += made.client_handshake;
    made.server_cpu += made.server_handshake;
    return made;
}

void peers::check(const connection& made) const {
    SSL* const client = made.client.get();
    const bool psk = options_.by == authentication::psk;
    if (SSL_version(client) != TLS1_3_VERSION || SSL_get_verify_result(client) != X509_V_OK)
        fail("the connection is not a verified one of TLS 1.3");
    if (!psk && SSL_get0_peer_certificate(client) == nullptr)
        fail("the server showed no certificate");
    if (options_.mutual && SSL_get0_peer_certificate(made.server.get()) == nullptr)
        fail("the client showed no certificate");
    if ((SSL_session_reused(client) == 1) != (psk || session_ != nullptr))
        fail("the session was resumed, or not, against what was asked");
}

} // namespace bench
