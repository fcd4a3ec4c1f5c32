// SPDX-License-Identifier: Apache-2.0
//
// A host without OpenSSL opens a plugin with OpenSSL: plugin_host local|global|deepbind PLUGIN.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void* plugin;

static void* find(const char* name) {
    void* const f = dlsym(plugin, name);
    if (!f) {
        printf("%s\n", dlerror());
        exit(1);
    }
    return f;
}

static const char* pki(const char* name) {
    static char path[4][512];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[0], "%s/%s", getenv("SAFETY_PKI"), name);
    return path[next];
}

static unsigned char bytes[8192];

static void der(const char* function, const char* file) {
    FILE* const f = fopen(pki(file), "rb");
    const long size = f ? (long)fread(bytes, 1, sizeof bytes, f) : 0;
    if (f) {
        fclose(f);
    }
    void* (*parse)(const unsigned char**, long) = (void* (*)(const unsigned char**, long))find(function);
    const unsigned char* p = bytes;
    printf("%s %s", function, parse(&p, size) ? "parsed" : "failed");
    printf(" %ld of %ld\n", (long)(p - bytes), size);
}

int main(int argc, char** argv) {
    if (argc < 3) {
        return 1;
    }
    const int flags = strcmp(argv[1], "global") == 0     ? RTLD_GLOBAL
                      : strcmp(argv[1], "deepbind") == 0 ? RTLD_LOCAL | RTLD_DEEPBIND
                                                         : RTLD_LOCAL;
    plugin = dlopen(argv[2], RTLD_NOW | flags);
    if (!plugin) {
        printf("%s\n", dlerror());
        return 1;
    }
    void* (*opened)(const char*) = (void* (*)(const char*))find("plugin_open");
    void* (*certificate)(void*) = (void* (*)(void*))find("plugin_certificate");
    void* (*list)(void*) = (void* (*)(void*))find("plugin_list");
    void* (*provider)(const char*) = (void* (*)(const char*))find("plugin_provider");
    int (*unload)(void*) = (int (*)(void*))find("plugin_unload");
    void* (*store)(void) = (void* (*)(void))find("plugin_store");
    int (*trust)(void*, const char*) = (int (*)(void*, const char*))find("plugin_trust");
    int (*folder)(void*, const char*) = (int (*)(void*, const char*))find("plugin_folder");
    void* (*context)(void) = (void* (*)(void))find("plugin_context");
    int (*context_trust)(void*, const char*) = (int (*)(void*, const char*))find("plugin_context_trust");
    void* (*library_context)(void) = (void* (*)(void))find("plugin_library_context");
    int (*index)(void) = (int (*)(void))find("plugin_index");
    for (int i = 0; i < 2; ++i) {
        void* const s = store();
        printf("trust %d folder %d\n", trust(s, pki("trust.bundle.pem")), folder(s, pki("trust.d")));
        printf("certificate %d\n", certificate(opened(pki("client.cert.pem"))) != NULL);
        printf("list %d\n", list(opened(pki("mid.crl.pem"))) != NULL);
        der("plugin_der", "client.cert.der");
        der("plugin_item", "client.cert.der");
        der("plugin_rsa", "rsa.key.der");
        void* const p = provider(i ? "legacy" : "default");
        printf("provider %d", p != NULL);
        printf(" unloaded %d\n", unload(p));
        void* const c = context();
        printf("context %d trust %d", c != NULL, context_trust(c, pki("chain.bundle.pem")));
        printf(" nothing %d\n", context_trust(c, "/nowhere"));
        printf("library context %d index %d\n", library_context() != NULL, index());
    }
    puts("end");
    return 0;
}
