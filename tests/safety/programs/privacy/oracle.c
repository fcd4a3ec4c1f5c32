// SPDX-License-Identifier: Apache-2.0
//
// Can an attacker find out whether the owner of a certificate was connected before? The attacker has a
// victim's certificate, which is public, but not its key. It presents the certificate once, with a wrong
// signature, and measures the server's time until the alert: oracle tls12|tls13|later. Figures: `known` and
// `unknown`, microseconds of CPU, each probe in its own process; `signature`: the cost of one verification of
// the leaf.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/ec.h>

#include "support.h"

#include <sys/wait.h>

enum { probes = 60 };

static const char* how;

// The victim's public key, with a private key that does not match.
static EVP_PKEY* forged(const char* name) {
    X509* const x = certificate_in(name);
    EC_KEY* const key = EVP_PKEY_get1_EC_KEY(X509_get0_pubkey(x));
    BIGNUM* const d = BN_new();
    BN_set_word(d, 4711);
    MUST(EC_KEY_set_private_key(key, d));
    EVP_PKEY* const result = EVP_PKEY_new();
    EVP_PKEY_set1_EC_KEY(result, key);
    EC_KEY_free(key);
    BN_free(d);
    X509_free(x);
    return result;
}

// The server's time for everything that the client sends after its first flight.
static double probe(SSL_CTX* client, SSL_CTX* server, int later) {
    struct tls t = prepare(client, server);
    double begin;
    if (later) { // the server asks for a certificate after the handshake
        MUST(SSL_set_session_id_context(t.server, (const unsigned char*)"later", 5));
        SSL_set_verify(t.server, SSL_VERIFY_NONE, NULL);
        SSL_set_post_handshake_auth(t.client, 1);
        MUST(drive(t.client, t.server) == 1);
        SSL_set_verify(t.server, SSL_VERIFY_PEER, NULL);
        MUST(SSL_verify_client_post_handshake(t.server) == 1);
        SSL_do_handshake(t.server);
        char byte;
        SSL_read(t.client, &byte, 1);
        begin = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
        SSL_read(t.server, &byte, 1);
    } else {
        SSL_do_handshake(t.client);
        SSL_do_handshake(t.server);
        SSL_do_handshake(t.client);
        begin = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
        SSL_do_handshake(t.server);
    }
    const double time = cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - begin;
    finish(&t);
    ERR_clear_error();
    return time * 1e6;
}

int main(int argc, char** argv) {
    MUST(argc > 1);
    how = argv[1];
    const int later = strcmp(how, "later") == 0;
    SSL_CTX* const server = server_context("server384");
    demand(server, "root384.cert.pem");
    SSL_CTX* const other = client_context("root384.cert.pem", "other384");
    SSL_CTX* const victim = client_context("root384.cert.pem", "client384");
    SSL_CTX* const stranger = client_context("root384.cert.pem", NULL);
    MUST(SSL_CTX_use_certificate_chain_file(stranger, pki("client384.chain.pem")) == 1);
    MUST(SSL_CTX_use_PrivateKey(stranger, forged("client384.cert.pem")) == 1);
    if (strcmp(how, "tls12") == 0) {
        SSL_CTX_set_max_proto_version(server, TLS1_2_VERSION);
    }
    SSL_CTX_set_num_tickets(server, 0);
    for (int i = 0; i < 20; ++i) { // other clients use the server
        probe(other, server, later);
    }
    for (int known = 0; known < 2; ++known) {
        if (known) {
            for (int i = 0; i < 3; ++i) {
                probe(victim, server, later);
            }
        }
        for (int i = 0; i < probes; ++i) {
            int pipes[2];
            MUST(pipe(pipes) == 0);
            const pid_t child = fork();
            if (child == 0) {
                const double time = probe(stranger, server, later);
                MUST(write(pipes[1], &time, sizeof time) == sizeof time);
                _exit(0);
            }
            double time = 0;
            MUST(read(pipes[0], &time, sizeof time) == sizeof time);
            close(pipes[0]);
            close(pipes[1]);
            waitpid(child, NULL, 0);
            figure(known ? "known" : "unknown", time);
        }
    }
    X509* const leaf = certificate_in("client384.cert.pem");
    X509* const middle = certificate_in("mid384.cert.pem");
    for (int i = 0; i < 20; ++i) {
        const double begin = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
        EVP_MD_CTX* const c = EVP_MD_CTX_new();
        static const unsigned char nothing[64];
        unsigned char signature[104];
        const ASN1_BIT_STRING* s;
        X509_get0_signature(&s, NULL, leaf);
        const int size = ASN1_STRING_length(s) < 104 ? ASN1_STRING_length(s) : 104;
        memcpy(signature, ASN1_STRING_get0_data(s), (size_t)size);
        MUST(EVP_DigestVerifyInit(c, NULL, EVP_sha256(), NULL, X509_get0_pubkey(middle)) == 1);
        EVP_DigestVerify(c, signature, (size_t)size, nothing, sizeof nothing);
        EVP_MD_CTX_free(c);
        figure("signature", (cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - begin) * 1e6);
    }
    ERR_clear_error();
    puts("done");
    tell_hits();
    return 0;
}
