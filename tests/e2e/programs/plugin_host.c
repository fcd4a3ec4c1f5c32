/* SPDX-License-Identifier: Apache-2.0
 * A program that loads and unloads a plugin that does TLS. With -DHOST_HAS_OPENSSL it does TLS itself, too, and keeps a
 * connection open at the same time. Arguments: the CA file, plugins, "--", ports. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#ifdef HOST_HAS_OPENSSL
#include "visit.h"
#endif

static int run_plugin(const char* file, const char* ca, const char* const* ports) {
    void* const plugin = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (plugin == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 0;
    }
    void (*const visits)(const char*, const char* const*) =
        (void (*)(const char*, const char* const*))dlsym(plugin, "plugin_visits");
    visits(ca, ports);
    dlclose(plugin);
    printf("host: plugin closed\n");
    return 1;
}

int main(int argc, char** argv) {
    setvbuf(stdout, NULL, _IONBF, 0);
    int split = 2;
    while (split < argc && strcmp(argv[split], "--") != 0) {
        ++split;
    }
    const char* const* const ports = (const char* const*)argv + split + 1;
    for (int round = 0; round < 3; ++round) {
#ifdef HOST_HAS_OPENSSL
        SSL_CTX* const context = trusting(argv[1]);
        SSL* const held = visit("host", context, atoi(ports[0]));
#endif
        for (int i = 2; i < split; ++i) {
            if (!run_plugin(argv[i], argv[1], ports)) {
                return 1;
            }
        }
#ifdef HOST_HAS_OPENSSL
        SSL_free(visit("host again", context, atoi(ports[0])));
        SSL_free(held);
        SSL_CTX_free(context);
#endif
    }
    return 0;
}
