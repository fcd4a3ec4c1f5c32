// SPDX-License-Identifier: Apache-2.0
//
// A policy agent by LD_PRELOAD: -DVERIFY refuses each chain, -DLOAD each trust file, -DPARSE each certificate
// after the first six, -DFILES opens another file. -DDIGEST, -DITEM, -DTIME and -DDECODE begin to refuse
// after two handshakes, in a function that only libcrypto itself calls there. Linked only with libc.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static __attribute__((unused)) void said(const char* what) {
    fprintf(stderr, "hook: %s refused\n", what);
}

#ifdef VERIFY
int X509_verify_cert(void* context) {
    (void)context;
    said("X509_verify_cert");
    return 0;
}
#endif
#ifdef FILES
// A sandbox that redirects paths: the program opens one CA file and gets another.
FILE* fopen64(const char* path, const char* mode) {
    static FILE* (*next)(const char*, const char*);
    if (!next) {
        *(void**)&next = dlsym(RTLD_NEXT, "fopen64");
    }
    char other[512];
    const char* const name = strrchr(path, '/');
    if (name && strcmp(name, "/trust.bundle.pem") == 0) {
        snprintf(other, sizeof other, "%.*s/stranger.cert.pem", (int)(name - path), path);
        path = other;
    }
    return next(path, mode);
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

// Passes calls on until the program sets the switch, and then refuses.
int hook_refuses_now;
#define BEGINS_TO_REFUSE(result, name, parameters, arguments, refusal)                                       \
    result name parameters {                                                                                 \
        static result(*next) parameters;                                                                     \
        if (!next) {                                                                                         \
            *(void**)&next = dlsym(RTLD_NEXT, #name);                                                        \
        }                                                                                                    \
        if (hook_refuses_now) {                                                                              \
            said(#name);                                                                                     \
            return refusal;                                                                                  \
        }                                                                                                    \
        return next arguments;                                                                               \
    }
#ifdef DIGEST
BEGINS_TO_REFUSE(int, EVP_DigestVerify,
                 (void* context, const unsigned char* signature, size_t size, const unsigned char* data,
                  size_t length),
                 (context, signature, size, data, length), 0)
#endif
#ifdef ITEM
BEGINS_TO_REFUSE(int, ASN1_item_verify_ex,
                 (const void* item, const void* algorithm, const void* signature, const void* data,
                  const void* id, void* key, void* context, const char* properties),
                 (item, algorithm, signature, data, id, key, context, properties), 0)
#endif
#ifdef TIME
BEGINS_TO_REFUSE(int, X509_cmp_time, (const void* time, long* when), (time, when), 0)
#endif
#ifdef DECODE
BEGINS_TO_REFUSE(int, ASN1_item_ex_d2i,
                 (void** value, const unsigned char** in, long size, const void* item, int tag, int class,
                  char optional, void* context),
                 (value, in, size, item, tag, class, optional, context), 0)
#endif
