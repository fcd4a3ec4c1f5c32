// SPDX-License-Identifier: Apache-2.0
//
// handshakes FOLDER NUMBER: TLS 1.3 and 1.2 handshakes in memory, in which both sides send a certificate.
// FOLDER has leaf.pem, leaf.key and ca.pem. At the end, if ibid is loaded, it prints the numbers of hits. Any
// C compiler compiles it: it uses only plain C, OpenSSL and dlsym().
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ibid_openssl.h"
#include <openssl/err.h>
#include <openssl/ssl.h>

static int fail(const char* what) {
    fprintf(stderr, "%s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}
static SSL_CTX* context(const SSL_METHOD* m, const char* pki, int version) {
    char path[4096];
    SSL_CTX* c = SSL_CTX_new(m);
    snprintf(path, sizeof path, "%s/leaf.pem", pki);
    if (!c || SSL_CTX_use_certificate_file(c, path, SSL_FILETYPE_PEM) != 1)
        fail("certificate");
    snprintf(path, sizeof path, "%s/leaf.key", pki);
    if (SSL_CTX_use_PrivateKey_file(c, path, SSL_FILETYPE_PEM) != 1)
        fail("key");
    snprintf(path, sizeof path, "%s/ca.pem", pki);
    if (SSL_CTX_load_verify_locations(c, path, NULL) != 1)
        fail("trust");
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_max_proto_version(c, version);
    SSL_CTX_set_min_proto_version(c, version);
    return c;
}
int main(int argc, char** argv) {
    int n = argc > 2 ? atoi(argv[2]) : 20;
    const int versions[] = {TLS1_3_VERSION, TLS1_2_VERSION};
    for (int v = 0; v < 2; ++v) {
        SSL_CTX *sc = context(TLS_server_method(), argv[1], versions[v]),
                *cc = context(TLS_client_method(), argv[1], versions[v]);
        for (int i = 0; i < n; ++i) {
            BIO *a, *b;
            SSL *s = SSL_new(sc), *c = SSL_new(cc);
            if (!BIO_new_bio_pair(&a, 0, &b, 0))
                fail("pair");
            SSL_set_bio(s, a, a);
            SSL_set_bio(c, b, b);
            SSL_set_accept_state(s);
            SSL_set_connect_state(c);
            int done_s = 0, done_c = 0;
            for (int turn = 0; turn < 1000 && !(done_s && done_c); ++turn) {
                int r;
                if (!done_c) {
                    r = SSL_do_handshake(c);
                    done_c = r == 1;
                    if (r != 1 && SSL_get_error(c, r) != SSL_ERROR_WANT_READ &&
                        SSL_get_error(c, r) != SSL_ERROR_WANT_WRITE)
                        fail("client");
                }
                if (!done_s) {
                    r = SSL_do_handshake(s);
                    done_s = r == 1;
                    if (r != 1 && SSL_get_error(s, r) != SSL_ERROR_WANT_READ &&
                        SSL_get_error(s, r) != SSL_ERROR_WANT_WRITE)
                        fail("server");
                }
            }
            if (!done_s || !done_c)
                fail("not done");
            if (SSL_get_verify_result(c) != X509_V_OK || SSL_get_verify_result(s) != X509_V_OK)
                fail("not verified");
            char byte = 'x';
            if (SSL_write(c, &byte, 1) != 1 || SSL_read(s, &byte, 1) != 1)
                fail("data");
        }
    }
    printf("%d handshakes, %s\n", 2 * n, OpenSSL_version(OPENSSL_VERSION));
    int (*get)(enum ibid_openssl_kind, struct ibid_openssl_statistics*) = 0;
    *(void**)&get = dlsym(RTLD_DEFAULT, "ibid_openssl_get_statistics");
    struct ibid_openssl_statistics certificates, files;
    certificates.size = files.size = sizeof files;
    if (get && get(IBID_OPENSSL_CERTIFICATES, &certificates) && get(IBID_OPENSSL_TRUST_STORES, &files))
        printf("%lu certificates and %lu files met again\n", (unsigned long)certificates.hits,
               (unsigned long)files.hits);
    return 0;
}
