// SPDX-License-Identifier: Apache-2.0
//
// A C++ callback throws through OpenSSL. Stock's frames can be unwound, so the program catches the exception:
// throws FROM.
#include <stdexcept>
#include <string>

#include "support.h"

static bool armed;

static void fling() {
    if (armed) {
        armed = false;
        throw std::runtime_error("out of a callback");
    }
}

static int on_verify(int ok, X509_STORE_CTX*) {
    fling();
    return ok;
}

static int on_whole(X509_STORE_CTX* c, void*) {
    fling();
    return X509_verify_cert(c);
}

static void on_info(const SSL*, int, int) {
    fling();
}

static int on_certificate(SSL*, void*) {
    fling();
    return 1;
}

static int on_issuer(X509** issuer, X509_STORE_CTX* c, X509* x) {
    fling();
    return X509_STORE_CTX_get1_issuer(issuer, c, x);
}

static void on_new(void*, void*, CRYPTO_EX_DATA*, int, long, void*) {
    fling();
}

int main(int argc, char** argv) {
    MUST(argc > 1);
    const std::string from = argv[1];
    if (from == "key-new") {
        CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_EVP_PKEY, 0, nullptr, on_new, nullptr, nullptr);
    }
    SSL_CTX* const server = server_context("server");
    demand(server, "trust.bundle.pem");
    SSL_CTX* const client = client_context("trust.bundle.pem", "client");
    MUST(visit(client, server) == 1);
    SSL_CTX* const mine = client_context("trust.bundle.pem", "client");
    if (from == "verify") {
        SSL_CTX_set_verify(mine, SSL_VERIFY_PEER, on_verify);
    } else if (from == "verify-whole") {
        SSL_CTX_set_cert_verify_callback(mine, on_whole, nullptr);
    } else if (from == "info") {
        SSL_CTX_set_info_callback(mine, on_info);
    } else if (from == "certificate") {
        SSL_CTX_set_cert_cb(mine, on_certificate, nullptr);
    } else if (from == "issuer") {
        X509_STORE_set_get_issuer(SSL_CTX_get_cert_store(mine), (X509_STORE_CTX_get_issuer_fn)on_issuer);
    }
    for (int i = 0; i < 3; ++i) {
        try {
            armed = true;
            if (from == "key-new") {
                X509_STORE_load_file(SSL_CTX_get_cert_store(mine),
                                     pki(i == 0 ? "chain.bundle.pem" : "crls.bundle.pem"));
                puts("loaded");
            } else {
                printf("handshake %d\n", visit(mine, server));
            }
        } catch (const std::exception& e) {
            printf("caught: %s\n", e.what());
        }
        armed = false;
        ERR_clear_error();
    }
    printf("afterwards: %d\n", visit(client, server));
    X509* const a = certificate_in("client.cert.pem");
    X509* const b = certificate_in("client.cert.pem");
    printf("two parses: %s\n", a == b ? "one object" : "two objects");
    tell_hits();
    return 0;
}
