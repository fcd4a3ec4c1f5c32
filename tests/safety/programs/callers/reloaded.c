// SPDX-License-Identifier: Apache-2.0
//
// Libraries of different kinds come and go at one address: reloaded ROUNDS PLUGIN…. Each is opened, used and
// closed again, so the next one is mapped at the same address. What ibid knew about the previous library must
// not apply to the next one.
#include "support.h"

int main(int argc, char** argv) {
    const int rounds = atoi(argv[1]);
    SSL_CTX* const server = server_context("server");
    SSL_CTX* const client = client_context("trust.bundle.pem", NULL);
    struct tls kept = handshake(client, server);
    for (int i = 0; i < rounds; ++i) {
        for (int k = 2; k < argc; ++k) {
            void* const plugin = dlopen(argv[k], RTLD_NOW | RTLD_LOCAL);
            if (!plugin) {
                printf("%s\n", dlerror());
                return 1;
            }
            int (*touch)(const char*) = (int (*)(const char*))dlsym(plugin, "touch");
            printf("%d:%d %d\n", i, k, touch(pki("client.cert.pem")));
            struct tls t = handshake(client, server);
            MUST(t.done == 1);
            show("peer", SSL_get0_peer_certificate(t.client));
            finish(&t);
            dlclose(plugin);
        }
    }
    show("kept", SSL_get0_peer_certificate(kept.client));
    finish(&kept);
    puts("end");
    return 0;
}
