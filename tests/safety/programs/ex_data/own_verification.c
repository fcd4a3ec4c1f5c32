// SPDX-License-Identifier: Apache-2.0
//
// A program that attaches data to a trust store's root, which its verify callback got in a verification
// without a connection: the data is found when the store is listed, and at the next verification with this
// store. Another store of the same file does not have the data. own_verification own|inside: by
// X509_verify_cert(), or by PKCS7_verify(), which calls it inside libcrypto.
#include <openssl/pkcs7.h>

#include "../support.h"

static int index_of_data;

static int attach(int ok, X509_STORE_CTX* verification) {
    X509* const x = X509_STORE_CTX_get_current_cert(verification);
    if (X509_check_ca(x) && X509_self_signed(x, 0) == 1) {
        const char* const before = X509_get_ex_data(x, index_of_data);
        printf("root in the callback: %s\n", before ? before : "none");
        MUST(X509_set_ex_data(x, index_of_data, "mine") == 1);
    }
    (void)ok;
    return 1; // a server's certificate is not valid for mail
}

static X509_STORE* store(void) {
    X509_STORE* const made = X509_STORE_new();
    MUST(made && X509_STORE_load_file(made, pki("root.cert.pem")) == 1);
    return made;
}

static void show_data(const char* label, X509_STORE* of) {
    X509* const x = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(X509_STORE_get0_objects(of), 0));
    MUST(x);
    const char* const data = X509_get_ex_data(x, index_of_data);
    printf("%s: %s\n", label, data ? data : "none");
}

static void verify(X509_STORE* with, const char* way) {
    X509* const leaf = certificate_in("server.cert.pem");
    STACK_OF(X509)* const sent = sk_X509_new_null();
    MUST(sent && sk_X509_push(sent, certificate_in("mid.cert.pem")) == 1);
    X509_STORE_set_verify_cb(with, &attach);
    if (strcmp(way, "own") == 0) {
        X509_STORE_CTX* const verification = X509_STORE_CTX_new();
        MUST(verification && X509_STORE_CTX_init(verification, with, leaf, sent) == 1);
        printf("verified %d\n", X509_verify_cert(verification));
        X509_STORE_CTX_free(verification);
    } else {
        FILE* const file = fopen(pki("message.p7.der"), "rb");
        MUST(file);
        PKCS7* const message = d2i_PKCS7_fp(file, NULL);
        MUST(message);
        printf("verified %d\n", PKCS7_verify(message, sent, with, NULL, NULL, PKCS7_BINARY));
        PKCS7_free(message);
        fclose(file);
    }
    sk_X509_pop_free(sent, X509_free);
    X509_free(leaf);
}

int main(int argc, char** argv) {
    MUST(argc > 1);
    index_of_data = X509_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    X509_STORE* const other = store();
    X509_STORE* const own = store();
    tell_hits();
    verify(own, argv[1]);
    verify(own, argv[1]);
    verify(other, argv[1]);
    show_data("own store", own);
    show_data("other store", other);
    show_data("a new store", store());
    return 0;
}
