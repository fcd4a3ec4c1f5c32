// SPDX-License-Identifier: Apache-2.0
//
// A program that only reads opens a plugin with RTLD_DEEPBIND, whose calls are bound at their first use:
// late_bound_plugin PLUGIN.
#include "support.h"

int main(int argc, char** argv) {
    MUST(argc == 2);
    SSL_CTX* const server = server_context("server");
    SSL_CTX* const clients[] = {client_context("root.cert.pem", NULL), client_context("root.cert.pem", NULL)};
    struct tls one = handshake(clients[0], server);
    struct tls other = handshake(clients[1], server);
    show_result("one", &one);
    show_result("other", &other);
    void* const plugin = dlopen(argv[1], RTLD_LAZY | RTLD_DEEPBIND);
    MUST(plugin);
    ((void (*)(const SSL*, X509_STORE*))dlsym(plugin, "plugin_write"))(one.client,
                                                                       SSL_CTX_get_cert_store(clients[0]));
    int length = 0;
    printf("one: %d, other: %d\n", X509_alias_get0(SSL_get0_peer_certificate(one.client), &length) != NULL,
           X509_alias_get0(SSL_get0_peer_certificate(other.client), &length) != NULL);
    for (int i = 0; i < 2; ++i) {
        printf("store %d: handshake %d\n", i, visit(clients[i], server));
    }
    finish(&one);
    finish(&other);
    puts("end");
    tell_hits();
    return 0;
}
