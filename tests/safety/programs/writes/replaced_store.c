// SPDX-License-Identifier: Apache-2.0
//
// An attacher replaces the trust store of an open connection by another store with the same root:
// replaced_store context|connection|both|gone. The root of its verified chain is still the first store's.
#include "support.h"

static int data_index;

static X509* root_of(X509_STORE* store) {
    return X509_OBJECT_get0_X509(sk_X509_OBJECT_value(X509_STORE_get0_objects(store), 0));
}

static const char* data_of(X509* x) {
    const char* const found = X509_get_ex_data(x, data_index);
    return found ? found : "none";
}

int main(int argc, char** argv) {
    const char* const how = argc > 1 ? argv[1] : "context";
    data_index = X509_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    SSL_CTX* const server = server_context("server");
    SSL_CTX* first = client_context("root.cert.pem", NULL);
    SSL_CTX* const second = client_context("root.cert.pem", NULL);
    X509_STORE* const old = SSL_CTX_get_cert_store(first);
    X509_STORE* const other = SSL_CTX_get_cert_store(second);
    struct tls t = handshake(first, server);
    show_result("tls", &t);
    X509* const own = root_of(old);
    MUST(own && X509_up_ref(own));
    MUST(X509_set_ex_data(own, data_index, "the old store's"));
    MUST(X509_set_ex_data(root_of(other), data_index, "the other's"));

    if (!strcmp(how, "connection")) {
        MUST(SSL_set1_verify_cert_store(t.client, other));
    } else if (!strcmp(how, "both")) {
        MUST(SSL_set_SSL_CTX(t.client, second) == second);
    } else {
        X509_STORE_up_ref(other);
        SSL_CTX_set_cert_store(first, other); // frees the old one
    }
    if (!strcmp(how, "gone")) {
        SSL_CTX_free(first);
        first = NULL;
    }
    STACK_OF(X509)* const chain = SSL_get0_verified_chain(t.client);
    X509* const root = sk_X509_value(chain, sk_X509_num(chain) - 1);
    printf("the old store's object %d, the other's %d, data: %s\n", root == own, root == root_of(other),
           data_of(root));
    MUST(X509_set_ex_data(root, data_index, "written through the connection"));
    printf("other: %s, own: %s\n", data_of(root_of(other)), data_of(own));
    finish(&t);
    X509_free(own);
    SSL_CTX_free(first);
    SSL_CTX_free(second);
    SSL_CTX_free(server);
    puts("end");
    tell_hits();
    return 0;
}
