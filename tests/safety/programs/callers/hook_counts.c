// SPDX-License-Identifier: Apache-2.0
//
// A monitoring agent by LD_PRELOAD: counts calls and passes them on by RTLD_NEXT. Two of them (-DNAME="a",
// "b") make a chain.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

#ifndef NAME
#define NAME "hook"
#endif

#define NEXT(name, type)                                                                                     \
    static type f;                                                                                           \
    if (!f) {                                                                                                \
        f = (type)dlsym(RTLD_NEXT, name);                                                                    \
    }

static int parses;
static int checks;
static int files;
static int fresh;

typedef void* (*parser)(void**, const unsigned char**, long);
typedef int (*checker)(void*);
typedef int (*loader)(void*, const char*);
typedef void* (*maker)(void*, const char*);

void* d2i_X509(void** into, const unsigned char** p, long size) {
    NEXT("d2i_X509", parser)
    ++parses;
    return f(into, p, size);
}

int X509_verify_cert(void* context) {
    NEXT("X509_verify_cert", checker)
    ++checks;
    return f(context);
}

int X509_STORE_load_file(void* store, const char* file) {
    NEXT("X509_STORE_load_file", loader)
    ++files;
    return f(store, file);
}

void* X509_new_ex(void* context, const char* properties) {
    NEXT("X509_new_ex", maker)
    ++fresh;
    return f(context, properties);
}

__attribute__((destructor)) static void tell(void) {
    fprintf(stderr, NAME ": %d parses, %d checks, %d files, %d fresh\n", parses, checks, files, fresh);
}
