// SPDX-License-Identifier: Apache-2.0
//
// Certificates with extensions that do not decode, in trust files and URIs: OpenSSL complains once for each
// object, at its first use. It reads a URI anew for each verification.
#include "support.h"

static void verify_by_uri(const char* file) {
    X509_STORE* const store = X509_STORE_new();
    printf("%s as a URI: %d\n", file, X509_STORE_load_store(store, pki(file)));
    X509* const leaf = certificate_in("server.cert.pem");
    for (int i = 0; i < 3; ++i) {
        X509_STORE_CTX* const c = X509_STORE_CTX_new();
        MUST(X509_STORE_CTX_init(c, store, leaf, NULL));
        const int result = X509_verify_cert(c);
        printf("verified %d %d\n", result, X509_STORE_CTX_get_error(c));
        show_errors("verify");
        X509_STORE_CTX_free(c);
    }
    X509_free(leaf);
    X509_STORE_free(store);
}

int main(void) {
    static const char* const files[] = {"bad-constraints.cert.pem", "bad-policies.cert.pem",
                                        "forged-mid.pem"};
    for (size_t f = 0; f < sizeof files / sizeof *files; ++f) {
        verify_by_uri(files[f]);
        for (int i = 0; i < 4; ++i) {
            X509_STORE* const store = X509_STORE_new();
            printf("%s: %d\n", files[f], X509_STORE_load_file(store, pki(files[f])));
            show_errors("load");
            X509* const x = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(X509_STORE_get0_objects(store), 0));
            for (int k = 0; k < 2 && i != 2; ++k) {
                printf("purpose %d flags %x\n", X509_check_purpose(x, X509_PURPOSE_SSL_SERVER, 0),
                       X509_get_extension_flags(x));
                show_errors("purpose");
            }
            X509_STORE_CTX* const c = X509_STORE_CTX_new();
            X509* const leaf = certificate_in("server.cert.pem");
            for (int k = 0; k < 2; ++k) {
                MUST(X509_STORE_CTX_init(c, store, k ? x : leaf, NULL));
                X509_STORE_CTX_set_flags(c, i == 3 ? X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_POLICY_CHECK
                                                   : X509_V_FLAG_PARTIAL_CHAIN);
                const int result = X509_verify_cert(c);
                printf("checked %d %d\n", result, X509_STORE_CTX_get_error(c));
                show_errors("check");
                X509_STORE_CTX_cleanup(c);
            }
            printf("flags %x\n", X509_get_extension_flags(x));
            X509_STORE_CTX_free(c);
            X509_free(leaf);
            X509_STORE_free(store);
        }
    }
    tell_hits();
    return 0;
}
