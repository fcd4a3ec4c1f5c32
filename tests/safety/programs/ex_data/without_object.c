// SPDX-License-Identifier: Apache-2.0
//
// A program calls the ex_data functions of a class for its own structure: there is no OpenSSL object.
#include "support.h"

int main(void) {
    const int mine = X509_get_ex_new_index(0, NULL, NULL, NULL, NULL); // makes it an attacher
    SSL_CTX* const server = server_context("server");
    demand(server, "trust.bundle.pem");
    SSL_CTX* const client = client_context("trust.bundle.pem", "client");
    for (int round = 0; round < 2; ++round) {
        struct tls t = handshake(client, server);
        show_result("tls", &t);
        X509* const peer = SSL_get1_peer_certificate(t.server);
        MUST(X509_set_ex_data(peer, mine, "mine"));
        X509_free(peer);
        finish(&t);
        static const int classes[] = {CRYPTO_EX_INDEX_X509, CRYPTO_EX_INDEX_EVP_PKEY,
                                      CRYPTO_EX_INDEX_X509_STORE, CRYPTO_EX_INDEX_SSL_SESSION};
        for (size_t i = 0; i < sizeof classes / sizeof *classes; ++i) {
            CRYPTO_EX_DATA data = {0};
            MUST(CRYPTO_new_ex_data(classes[i], NULL, &data));
            for (int index = 1; index < 4; ++index) {
                MUST(CRYPTO_set_ex_data(&data, index, "its own"));
            }
            printf("class %d: %s\n", classes[i], (const char*)CRYPTO_get_ex_data(&data, 1));
            CRYPTO_free_ex_data(classes[i], NULL, &data);
        }
    }
    SSL_CTX_free(client);
    SSL_CTX_free(server);
    puts("end");
    tell_hits();
    return 0;
}
