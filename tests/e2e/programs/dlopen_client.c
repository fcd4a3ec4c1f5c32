/* SPDX-License-Identifier: Apache-2.0
 * A TLS client that loads libssl when it needs it, with RTLD_LOCAL, and unloads it again.
 * Arguments: the CA file, then ports. Each port is visited twice in each of three rounds. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "connected.h"

static void* module;

static void* function(const char* name) {
    void* const f = dlsym(module, name);
    if (f == NULL) {
        fprintf(stderr, "%s: %s\n", name, dlerror());
        exit(1);
    }
    return f;
}

int main(int argc, char** argv) {
    for (int round = 0; round < 3; ++round) {
        module = dlopen(LIBSSL, RTLD_NOW | RTLD_LOCAL);
        if (module == NULL) {
            fprintf(stderr, "%s\n", dlerror());
            return 1;
        }
        void* (*const client_method)(void) = (void* (*)(void))function("TLS_client_method");
        void* (*const ctx_new)(void*) = (void* (*)(void*))function("SSL_CTX_new");
        void (*const ctx_free)(void*) = (void (*)(void*))function("SSL_CTX_free");
        int (*const load)(void*, const char*) =
            (int (*)(void*, const char*))function("SSL_CTX_load_verify_file");
        void* (*const ssl_new)(void*) = (void* (*)(void*))function("SSL_new");
        void (*const ssl_free)(void*) = (void (*)(void*))function("SSL_free");
        int (*const set_fd)(void*, int) = (int (*)(void*, int))function("SSL_set_fd");
        int (*const shake)(void*) = (int (*)(void*))function("SSL_connect");
        long (*const verdict)(const void*) = (long (*)(const void*))function("SSL_get_verify_result");
        unsigned long (*const error)(void) = (unsigned long (*)(void))function("ERR_get_error");
        void* const context = ctx_new(client_method());
        printf("round %d: trust store: %d\n", round, load(context, argv[1]));
        for (int i = 2; i < argc; ++i) {
            for (int twice = 0; twice < 2; ++twice) {
                const int fd = connected(atoi(argv[i]));
                void* const ssl = ssl_new(context);
                set_fd(ssl, fd);
                const int shaken = shake(ssl);
                printf("server %d: connect %d, verdict %ld, error %lx\n", i, shaken, verdict(ssl), error());
                ssl_free(ssl);
                close(fd);
            }
        }
        ctx_free(context);
        dlclose(module);
    }
    return 0;
}
