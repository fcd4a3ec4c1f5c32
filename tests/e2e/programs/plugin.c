/* SPDX-License-Identifier: Apache-2.0
 * A plugin that does TLS: with the system's OpenSSL, or with one that is linked into it. */
#include "visit.h"

void plugin_visits(const char* ca, const char* const* ports);
void plugin_visits(const char* ca, const char* const* ports) {
    SSL_CTX* const context = trusting(ca);
    for (; *ports != NULL; ++ports) {
        SSL* const first = visit("plugin", context, atoi(*ports));
        SSL* const second = visit("plugin again", context, atoi(*ports));
        SSL_free(first);
        SSL_free(second);
    }
    SSL_CTX_free(context);
}

__attribute__((destructor)) static void leave(void) {
    printf("plugin: gone\n");
}
