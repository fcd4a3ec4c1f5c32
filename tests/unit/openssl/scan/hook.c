/* SPDX-License-Identifier: Apache-2.0
 *
 * A hook of an agent or a tracer: it comes before OpenSSL and passes calls on. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <openssl/x509.h>

int ibid_test_hooked = 0;

X509* d2i_X509(X509** a, const unsigned char** in, long length) {
    static X509* (*next)(X509**, const unsigned char**, long) = 0;
    if (next == 0) {
        *(void**)&next = dlsym(RTLD_NEXT, "d2i_X509");
    }
    ++ibid_test_hooked;
    return next(a, in, length);
}
