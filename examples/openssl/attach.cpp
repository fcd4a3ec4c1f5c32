// SPDX-License-Identifier: Apache-2.0
//
// The third way, in C++: ibid/openssl.h. The program keeps its own verify callback, which first shares the
// chain. Everything happens inside this process, over memory BIOs.
//
//     attach CA CERTIFICATE KEY        (of a server named localhost)
#include <ibid/openssl.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace {

template <auto Free>
struct freed_by {
    template <class T>
    void operator()(T* t) const noexcept {
        Free(t);
    }
};
using context = std::unique_ptr<SSL_CTX, freed_by<SSL_CTX_free>>;
using tls = std::unique_ptr<SSL, freed_by<SSL_free>>;

// The program's existing callback for each verification; one line is new.
int verify(X509_STORE_CTX* verification, void* count) {
    ibid_openssl_share_chain(verification);
    ++*static_cast<int*>(count);
    return X509_verify_cert(verification);
}

std::pair<tls, tls> connection(SSL_CTX* client, SSL_CTX* server) {
    std::pair<tls, tls> c{tls(SSL_new(client)), tls(SSL_new(server))};
    BIO* a = nullptr;
    BIO* b = nullptr;
    BIO_new_bio_pair(&a, 0, &b, 0);
    SSL_set_bio(c.first.get(), a, a);
    SSL_set_bio(c.second.get(), b, b);
    SSL_set_connect_state(c.first.get());
    SSL_set_accept_state(c.second.get());
    for (int done = 0; done != 2;) {
        done = 0;
        for (SSL* const side : {c.first.get(), c.second.get()}) {
            const int result = SSL_do_handshake(side);
            if (result != 1 && SSL_get_error(side, result) != SSL_ERROR_WANT_READ) {
                return {};
            }
            done += result == 1 ? 1 : 0;
        }
    }
    return c;
}

std::vector<unsigned char> der_of(const char* pem_file) {
    BIO* const in = BIO_new_file(pem_file, "r");
    X509* const x = PEM_read_bio_X509(in, nullptr, nullptr, nullptr);
    BIO_free(in);
    unsigned char* bytes = nullptr;
    const int size = i2d_X509(x, &bytes);
    std::vector<unsigned char> der(bytes, bytes + (size > 0 ? size : 0));
    OPENSSL_free(bytes);
    X509_free(x);
    return der;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fprintf(stderr, "attach CA CERTIFICATE KEY\n");
        return 2;
    }
    const context server(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_use_certificate_chain_file(server.get(), argv[2]);
    SSL_CTX_use_PrivateKey_file(server.get(), argv[3], SSL_FILETYPE_PEM);

    int verified = 0;
    const context plain(SSL_CTX_new(TLS_client_method()));
    const context with_callback(SSL_CTX_new(TLS_client_method()));
    for (SSL_CTX* const c : {plain.get(), with_callback.get()}) {
        if (!ibid::openssl::load_trust_store(SSL_CTX_get_cert_store(c), argv[1])) {
            std::fprintf(stderr, "attach: %s cannot be read\n", argv[1]);
            return 1;
        }
        SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
    }
    ibid::openssl::attach(plain.get());
    SSL_CTX_set_cert_verify_callback(with_callback.get(), &verify, &verified);

    const auto one = connection(plain.get(), server.get());
    const auto two = connection(with_callback.get(), server.get());
    if (one.first == nullptr || two.first == nullptr) {
        ERR_print_errors_fp(stderr);
        return 1;
    }
    const X509* const peer = SSL_get0_peer_certificate(one.first.get());
    const bool shared = peer == SSL_get0_peer_certificate(two.first.get());

    const std::vector<unsigned char> der = der_of(argv[2]);
    const ibid::openssl::certificate parsed = ibid::openssl::parse_certificate(der);
    std::printf("two connections, %s; %d verification by the program; parsed by the program: %s\n",
                shared ? "one certificate" : "a certificate each", verified,
                parsed.get() == peer ? "the same one" : "another one");
    return shared && verified == 1 && parsed.get() == peer ? 0 : 1;
}
