// SPDX-License-Identifier: Apache-2.0
//
// A program that only reads, has two connections, opens another OpenSSL, and then a plugin that writes:
// second_openssl ORDER OTHER PLUGIN. ORDER: before or after the connections. What the plugin writes to one
// peer the other does not get, and a root that it rejects is rejected.
#include "../writes/writers.h"
#include "support.h"

static void open_other(const char* path) {
    void* const other = dlopen(path, RTLD_NOW);
    MUST(other && dlsym(other, "OpenSSL_version_num"));
}

int main(int argc, char** argv) {
    MUST(argc == 4);
    const int before = strcmp(argv[1], "before") == 0;
    if (before) {
        open_other(argv[2]);
    }
    SSL_CTX* const server = server_context("server");
    SSL_CTX* const clients[] = {client_context("root.cert.pem", NULL), client_context("root.cert.pem", NULL)};
    struct tls one = handshake(clients[0], server);
    struct tls other = handshake(clients[1], server);
    show_result("one", &one);
    show_result("other", &other);
    if (!before) {
        open_other(argv[2]);
    }
    void* const plugin = dlopen(argv[3], RTLD_NOW);
    MUST(plugin);
    const struct writers* const late = dlsym(plugin, "plugin_writers");
    MUST(late);

    MUST(late->X509_alias_set1(SSL_get0_peer_certificate(one.client), (const unsigned char*)"mine", 4));
    int length = 0;
    printf("one: %d, other: %d\n", X509_alias_get0(SSL_get0_peer_certificate(one.client), &length) != NULL,
           X509_alias_get0(SSL_get0_peer_certificate(other.client), &length) != NULL);
    STACK_OF(X509)* const roots = X509_STORE_get1_all_certs(SSL_CTX_get_cert_store(clients[0]));
    MUST(late->X509_add1_reject_object(sk_X509_value(roots, 0), OBJ_nid2obj(NID_server_auth)));
    sk_X509_pop_free(roots, X509_free);
    for (int i = 0; i < 2; ++i) {
        printf("store %d: handshake %d\n", i, visit(clients[i], server));
    }
    finish(&one);
    finish(&other);
    puts("end");
    tell_hits();
    return 0;
}
