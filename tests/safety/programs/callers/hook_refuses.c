// SPDX-License-Identifier: Apache-2.0
//
// A policy agent by LD_PRELOAD: -DVERIFY refuses each chain, -DLOAD each trust file, -DPARSE each
// certificate after the first six. Linked with libc alone.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>

static void said(const char* what) {
    fprintf(stderr, "hook: %s refused\n", what);
}

#ifdef VERIFY
int X509_verify_cert(void* context) {
    (void)context;
    said("X509_verify_cert");
    return 0;
}
#endif
#ifdef LOAD
int SSL_CTX_load_verify_file(void* context, const char* file) {
    (void)context, (void)file;
    said("SSL_CTX_load_verify_file");
    return 0;
}
int SSL_CTX_load_verify_locations(void* context, const char* file, const char* folder) {
    (void)context, (void)file, (void)folder;
    said("SSL_CTX_load_verify_locations");
    return 0;
}
int X509_STORE_load_file(void* store, const char* file) {
    (void)store, (void)file;
    said("X509_STORE_load_file");
    return 0;
}
#endif
#ifdef INNER
int X509_load_cert_crl_file_ex(void* lookup, const char* file, int type, void* context,
                               const char* properties) {
    (void)lookup, (void)file, (void)type, (void)context, (void)properties;
    said("X509_load_cert_crl_file_ex");
    return 0;
}
#endif
#ifdef PARSE
void* d2i_X509(void** into, const unsigned char** p, long size) {
    static int calls;
    if (++calls <= 6) {
        void* (*next)(void**, const unsigned char**, long) =
            (void* (*)(void**, const unsigned char**, long))dlsym(RTLD_NEXT, "d2i_X509");
        return next(into, p, size);
    }
    said("d2i_X509");
    return NULL;
}
#endif
#ifdef SIGNATURE
int X509_verify(void* certificate, void* key) {
    (void)certificate, (void)key;
    said("X509_verify");
    return 0;
}
#endif
