// SPDX-License-Identifier: Apache-2.0
//
// A program opens a library by a name without a slash, before its connections, and calls the dynamic linker
// no more.
#include "support.h"

int main(void) {
    (void)dlopen("libresolv.so.2", RTLD_NOW);
    SSL_CTX* const server = server_context("server");
    SSL_CTX* const client = client_context("root.cert.pem", "client");
    for (int i = 0; i < 4; ++i) {
        printf("handshake %d\n", visit(client, server));
    }
    tell_hits();
    puts("end");
    return 0;
}
