/* SPDX-License-Identifier: Apache-2.0
 * A program that writes to certificates and lists of revocations, some of which it shares with others:
 *
 *     writer TRUST PORT WRITE...
 *
 * It loads the file TRUST, visits the server, and does each WRITE in its turn, with a line before and after it. Each is a function of
 * its own, so that a test can tell by the address who wrote. */
#include <string.h>

#include "visit.h"

static SSL_CTX* context;
static SSL* connection;
static X509* own;

static X509_OBJECT* in_store(X509_LOOKUP_TYPE type) {
    STACK_OF(X509_OBJECT)* const all = X509_STORE_get0_objects(SSL_CTX_get_cert_store(context));
    for (int i = 0; i < sk_X509_OBJECT_num(all); ++i) {
        X509_OBJECT* const one = sk_X509_OBJECT_value(all, i);
        if (X509_OBJECT_get_type(one) == type) {
            return one;
        }
    }
    return NULL;
}

/* What the stores of this process share. */
int write_root(void) {
    return X509_set_version(X509_OBJECT_get0_X509(in_store(X509_LU_X509)), X509_VERSION_3);
}

/* What the server has sent. */
int write_peer(void) {
    return X509_alias_set1(SSL_get0_peer_certificate(connection), (const unsigned char*)"peer", 4);
}

int write_crl(void) {
    return X509_CRL_set_version(X509_OBJECT_get0_X509_CRL(in_store(X509_LU_CRL)), X509_CRL_VERSION_2);
}

/* One of the entries in a list: it does not say in which. */
int write_revoked(void) {
    STACK_OF(X509_OBJECT)* const all = X509_STORE_get0_objects(SSL_CTX_get_cert_store(context));
    for (int i = 0; i < sk_X509_OBJECT_num(all); ++i) {
        X509_CRL* const crl = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(all, i));
        STACK_OF(X509_REVOKED)* const revoked = crl != NULL ? X509_CRL_get_REVOKED(crl) : NULL;
        if (sk_X509_REVOKED_num(revoked) > 0) {
            ASN1_TIME* const time = ASN1_TIME_set(NULL, 0);
            const int written = X509_REVOKED_set_revocationDate(sk_X509_REVOKED_value(revoked, 0), time);
            ASN1_TIME_free(time);
            return written;
        }
    }
    return -1;
}

/* What nobody else has. */
int write_own(void) {
    return X509_set_version(own, X509_VERSION_3);
}

static const struct {
    const char* name;
    int (*write)(void);
} writes[] = {
    {"root", write_root},       {"peer", write_peer}, {"crl", write_crl},
    {"revoked", write_revoked}, {"own", write_own},
};

int main(int argc, char** argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    context = trusting(argv[1]);
    SSL_CTX* const other = trusting(argv[1]); /* another who holds what is in the file */
    connection = visit("writer", context, atoi(argv[2]));
    own = X509_new();
    for (int i = 3; i < argc; ++i) {
        for (size_t w = 0; w < sizeof writes / sizeof *writes; ++w) {
            if (strcmp(argv[i], writes[w].name) == 0) {
                printf("%s is to be written to\n", argv[i]);
                printf("%s: %d\n", argv[i], writes[w].write());
            }
        }
    }
    X509_free(own);
    SSL_free(connection);
    SSL_CTX_free(other);
    SSL_CTX_free(context);
    return 5;
}
