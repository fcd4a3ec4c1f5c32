// SPDX-License-Identifier: Apache-2.0
//
// A C library function, replaced by one that works only after a constructor has run, as in tracing libraries.
// With -DAS_LIBRARY: the library, to be preloaded. Without it: a program that defines the function itself.
// The program then uses OpenSSL.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>

#ifndef DATA
static long (*next)(int);

__attribute__((visibility("default"))) long sysconf(int name) {
    return next(name); // crashes before the constructor has run
}

__attribute__((constructor)) static void make_ready(void) {
    next = (long (*)(int))dlsym(RTLD_NEXT, "sysconf");
}
#endif

#ifndef AS_LIBRARY
#include "../support.h"

extern char data_named_testcancel[64] __asm__("pthread_testcancel");
__attribute__((visibility("default"))) char data_named_testcancel[64] = "data"; // -DDATA: only this

int main(void) {
    printf("page %ld, %s\n", sysconf(_SC_PAGESIZE), data_named_testcancel);
    SSL_CTX* const server = server_context("server");
    for (int i = 0; i < 2; ++i) {
        printf("visited %d\n", visit(client_context("root.cert.pem", NULL), server));
    }
    tell_hits();
    return 0;
}
#endif
