// SPDX-License-Identifier: Apache-2.0
//
// Like nginx: the program attaches data to its own certificates, which it has read from files, while its
// peers' certificates are shared: own_data
#include "support.h"

int main(void) {
    const int index = X509_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    const int next = X509_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    SSL_CTX* servers[3];
    X509* own[3];
    char names[3][16];
    for (int i = 0; i < 3; ++i) {
        servers[i] = server_context("server");
        demand(servers[i], "trust.bundle.pem");
        X509* const presented = SSL_CTX_get0_certificate(servers[i]);
        own[i] = certificate_in("client.cert.pem"); // the same bytes as its peers' certificates
        snprintf(names[i], sizeof names[i], "server %d", i);
        MUST(X509_set_ex_data(presented, index, names[i]));
        MUST(X509_set_ex_data(presented, next, i ? SSL_CTX_get0_certificate(servers[i - 1]) : NULL));
        MUST(X509_set_ex_data(own[i], index, names[i]));
    }
    SSL_CTX* const client = client_context("trust.bundle.pem", "client");
    struct tls t[6];
    for (int i = 0; i < 6; ++i) {
        t[i] = handshake(client, servers[i % 3]);
        show_result("tls", &t[i]);
        const char* const found = X509_get_ex_data(SSL_get0_peer_certificate(t[i].server), index);
        printf("at the peer: %s\n", found ? found : "nothing");
    }
    for (int i = 0; i < 3; ++i) {
        X509* const presented = SSL_CTX_get0_certificate(servers[i]);
        printf("%s, %s, ", (char*)X509_get_ex_data(presented, index), (char*)X509_get_ex_data(own[i], index));
        X509* const before = X509_get_ex_data(presented, next);
        printf("before it: %s\n", before ? (char*)X509_get_ex_data(before, index) : "nothing");
        printf("distinct: %d %d\n", own[i] != own[(i + 1) % 3],
               presented != SSL_CTX_get0_certificate(servers[(i + 1) % 3]));
    }
    for (int i = 0; i < 6; ++i) {
        finish(&t[i]);
    }
    tell_hits();
    return 0;
}
