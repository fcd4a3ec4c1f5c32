// SPDX-License-Identifier: Apache-2.0
//
// An attacher builds the chain that it presents from a trust store: built_chain context|connection|store. Its
// root is the store's object, so data on it is found through connections of this store, and not through those
// of another one that has loaded the same file.
#include "support.h"

enum { TENANTS = 2 };

static int data_index;

static const char* data_of(X509* x) {
    const char* const found = x ? X509_get_ex_data(x, data_index) : NULL;
    return found ? found : "none";
}

static X509* last(STACK_OF(X509) * chain) {
    return sk_X509_value(chain, sk_X509_num(chain) - 1);
}

int main(int argc, char** argv) {
    MUST(argc == 2);
    const char* const how = argv[1];
    const int flags = SSL_BUILD_CHAIN_FLAG_UNTRUSTED;
    data_index = X509_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    SSL_CTX* const server = server_context("server");
    SSL_CTX* contexts[TENANTS];
    struct tls opened[TENANTS];
    X509* roots[TENANTS];
    for (int i = 0; i < TENANTS; ++i) {
        contexts[i] = client_context("root.cert.pem", "client");
        if (!strcmp(how, "store")) {
            X509_STORE* const own = X509_STORE_new();
            MUST(own && X509_STORE_load_file(own, pki("root.cert.pem")) == 1);
            MUST(SSL_CTX_set0_chain_cert_store(contexts[i], own));
        }
        opened[i] = handshake(contexts[i], server);
        show_result("tls", &opened[i]);
    }
    for (int i = 0; i < TENANTS; ++i) {
        STACK_OF(X509)* chain = NULL;
        if (!strcmp(how, "connection")) {
            MUST(SSL_build_cert_chain(opened[i].client, flags) == 1);
            SSL_get0_chain_certs(opened[i].client, &chain);
        } else {
            MUST(SSL_CTX_build_cert_chain(contexts[i], flags) == 1);
            SSL_CTX_get0_chain_certs(contexts[i], &chain);
        }
        roots[i] = last(chain);
    }
    MUST(X509_set_ex_data(roots[0], data_index, "the first tenant's"));
    for (int i = 0; i < TENANTS; ++i) {
        printf("tenant %d: the chain's root: %s", i, data_of(roots[i]));
        printf(", of the verified chain: %s\n", data_of(last(SSL_get0_verified_chain(opened[i].client))));
    }
    for (int i = 0; i < TENANTS; ++i) {
        finish(&opened[i]);
        SSL_CTX_free(contexts[i]);
    }
    SSL_CTX_free(server);
    puts("end");
    tell_hits();
    return 0;
}
