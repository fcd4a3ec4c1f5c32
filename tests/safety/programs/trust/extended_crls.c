// SPDX-License-Identifier: Apache-2.0
//
// With extended CRL support, OpenSSL looks for the issuer of a CRL among all certificates that the peer has
// sent, and compares a candidate by what it has read of it before. Contexts connect to one server in turn;
// its second authority's certificate is in no chain.
#include "support.h"

int main(void) {
    SSL_CTX* const server = server_context("server");
    MUST(SSL_CTX_add1_chain_cert(server, certificate_in("second-mid.cert.pem")) == 1);
    struct tls kept[8];
    for (int i = 0; i < 8; ++i) {
        SSL_CTX* const client = client_context("second-crl.bundle.pem", NULL);
        X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(client),
                                    X509_V_FLAG_CRL_CHECK | X509_V_FLAG_EXTENDED_CRL_SUPPORT);
        kept[i] = handshake(client, server);
        show_result("extended", &kept[i]);
        show_errors("extended");
        if (i % 2 != 0) {
            finish(&kept[i]);
        }
    }
    for (int i = 0; i < 8; i += 2) {
        STACK_OF(X509)* const sent = SSL_get_peer_cert_chain(kept[i].client);
        STACK_OF(X509)* const verified = SSL_get0_verified_chain(kept[i].client);
        printf("sent %d, verified %d, the leaf is one object %d\n", sk_X509_num(sent), sk_X509_num(verified),
               sk_X509_num(verified) > 0 && sk_X509_value(sent, 0) == sk_X509_value(verified, 0));
        finish(&kept[i]);
    }
    tell_hits();
    puts("end");
    return 0;
}
