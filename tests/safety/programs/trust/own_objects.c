// SPDX-License-Identifier: Apache-2.0
//
// Objects that the program parses or presents are its own: own_objects WHAT. If an object is to be filled, it
// is filled in place. The program may write to everything that it gets.
#include "support.h"

static X509* parsed(const unsigned char* der, long size) {
    const unsigned char* p = der;
    return d2i_X509(NULL, &p, size);
}

static const char* relation(const void* a, const void* b) {
    return a == b ? "one object" : "two objects";
}

int main(int argc, char** argv) {
    MUST(argc > 1);
    const char* const what = argv[1];
    static unsigned char der[8192];
    const long size = read_file(pki("server.cert.der"), der, sizeof der);
    SSL_CTX* const server = server_context("server");
    SSL_CTX* const client = client_context("trust.bundle.pem", NULL);
    struct tls kept = handshake(client, server);
    MUST(kept.done == 1);
    MUST(visit(client, server) == 1);
    if (strcmp(what, "presented") == 0) {
        SSL_CTX* const a = server_context("server");
        SSL_CTX* const b = server_context("server");
        printf("chain file: %s\n", relation(SSL_CTX_get0_certificate(a), SSL_CTX_get0_certificate(b)));
        STACK_OF(X509) * x;
        STACK_OF(X509) * y;
        SSL_CTX_get0_chain_certs(a, &x);
        SSL_CTX_get0_chain_certs(b, &y);
        printf("above: %s\n", relation(sk_X509_value(x, 0), sk_X509_value(y, 0)));
        MUST(SSL_CTX_use_certificate_file(a, pki("server.cert.pem"), SSL_FILETYPE_PEM) == 1);
        MUST(SSL_CTX_use_certificate_file(b, pki("server.cert.pem"), SSL_FILETYPE_PEM) == 1);
        printf("certificate file: %s\n", relation(SSL_CTX_get0_certificate(a), SSL_CTX_get0_certificate(b)));
        MUST(SSL_CTX_use_certificate_file(a, pki("server.cert.der"), SSL_FILETYPE_ASN1) == 1);
        MUST(SSL_CTX_use_certificate_file(b, pki("server.cert.der"), SSL_FILETYPE_ASN1) == 1);
        printf("DER file: %s\n", relation(SSL_CTX_get0_certificate(a), SSL_CTX_get0_certificate(b)));
        MUST(SSL_CTX_use_certificate_ASN1(a, (int)size, der) == 1);
        MUST(SSL_CTX_use_certificate_ASN1(b, (int)size, der) == 1);
        printf("bytes: %s\n", relation(SSL_CTX_get0_certificate(a), SSL_CTX_get0_certificate(b)));
        SSL* const s = SSL_new(a);
        SSL* const t = SSL_new(a);
        MUST(SSL_use_certificate_file(s, pki("server.cert.pem"), SSL_FILETYPE_PEM) == 1);
        MUST(SSL_use_certificate_file(t, pki("server.cert.pem"), SSL_FILETYPE_PEM) == 1);
        printf("connections: %s\n", relation(SSL_get_certificate(s), SSL_get_certificate(t)));
        ASN1_TIME_set(X509_getm_notAfter(SSL_get_certificate(s)), 0);
        show("written to", SSL_get_certificate(s));
        show("other", SSL_get_certificate(t));
        show("peer", SSL_get0_peer_certificate(kept.client));
        printf("client's list %d\n", sk_X509_NAME_num(SSL_load_client_CA_file(pki("chain.bundle.pem"))));
    } else if (strcmp(what, "filled") == 0) {
        for (int way = 0; way < 6; ++way) {
            for (int i = 0; i < 4; ++i) {
                // a failed load frees an address that the allocator may return again
                SSL_CTX_use_certificate_file(client, "/dev/null", SSL_FILETYPE_ASN1);
                ERR_clear_error();
                X509* mine = i % 2 ? X509_new() : X509_new_ex(NULL, NULL);
                X509* const alias = mine;
                X509_up_ref(alias);
                const unsigned char* p = der;
                BIO* const in =
                    BIO_new_file(pki(way == 3 || way == 4 ? "server.cert.der" : "server.cert.pem"), "r");
                if (way == 0) {
                    d2i_X509(&mine, &p, size);
                } else if (way == 1) {
                    PEM_read_bio_X509(in, &mine, NULL, NULL);
                } else if (way == 2) {
                    PEM_read_bio_X509_AUX(in, &mine, NULL, NULL);
                } else if (way == 3) {
                    d2i_X509_bio(in, &mine);
                } else if (way == 4) {
                    ASN1_item_d2i_bio(ASN1_ITEM_rptr(X509), in, &mine);
                } else {
                    ASN1_item_d2i((ASN1_VALUE**)&mine, &p, size, ASN1_ITEM_rptr(X509));
                }
                BIO_free(in);
                printf("way %d: %s, ", way, relation(mine, alias));
                show("alias", alias);
                ASN1_TIME_set(X509_getm_notAfter(mine), 0);
                X509_free(alias);
                X509_free(mine);
            }
        }
        X509* mine = parsed(der, size); // an existing object is filled with another certificate
        X509* const alias = mine;
        X509_up_ref(alias);
        static unsigned char other[8192];
        const unsigned char* p = other;
        d2i_X509(&mine, &p, read_file(pki("client.cert.der"), other, sizeof other));
        printf("refilled: %s, ", relation(mine, alias));
        show("alias", alias);
        p = other;
        X509* bad = parsed(der, size);
        X509* const result = d2i_X509(&bad, &p, 40);
        printf("failed: %d %d\n", result != NULL, bad != NULL);
        show_errors("failed");
    } else {
        for (int way = 0; way < 7; ++way) {
            X509* x[2];
            for (int i = 0; i < 2; ++i) {
                const unsigned char* p = der;
                BIO* const in =
                    BIO_new_file(pki(way == 3 || way == 4 ? "server.cert.der" : "server.cert.pem"), "r");
                FILE* const f = fopen(pki("server.cert.pem"), "r");
                x[i] = way == 0   ? d2i_X509(NULL, &p, size)
                       : way == 1 ? PEM_read_bio_X509(in, NULL, NULL, NULL)
                       : way == 2 ? PEM_read_bio_X509_AUX(in, NULL, NULL, NULL)
                       : way == 3 ? d2i_X509_bio(in, NULL)
                       : way == 4 ? (X509*)ASN1_item_d2i_bio(ASN1_ITEM_rptr(X509), in, NULL)
                       : way == 5 ? (X509*)ASN1_item_d2i(NULL, &p, size, ASN1_ITEM_rptr(X509))
                                  : PEM_read_X509(f, NULL, NULL, NULL);
                BIO_free(in);
                fclose(f);
            }
            printf("way %d: %s\n", way, relation(x[0], x[1]));
            ASN1_TIME_set(X509_getm_notAfter(x[0]), 0);
            X509_add1_trust_object(x[0], OBJ_nid2obj(NID_server_auth));
            show("first", x[0]);
            show("second", x[1]);
            show("peer", SSL_get0_peer_certificate(kept.client));
            X509_free(x[0]);
            X509_free(x[1]);
            show("third", parsed(der, size));
        }
    }
    struct tls t = handshake(client, server);
    show_result("at the end", &t);
    show("peer", SSL_get0_peer_certificate(t.client));
    return 0;
}
