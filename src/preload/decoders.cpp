// SPDX-License-Identifier: Apache-2.0
//
// The public functions that parse a certificate from somewhere, into an object that the caller may give: that is never one
// which others hold. Where OpenSSL's inner calls can be met, d2i_X509 alone would do.
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "openssl/interposed.h"

#define IBID_DECODER(name, parameters, x, arguments)                                                         \
    __asm__(".symver ibid_" #name ", " #name "@OPENSSL_3.0.0");                                              \
    X509* ibid_##name parameters {                                                                           \
        ibid::openssl::interposed::own_place place(__builtin_return_address(0), x);                          \
        const auto* const f = place.f();                                                                     \
        return place.settle(f != nullptr && f->name != nullptr ? f->name arguments : nullptr);               \
    }                                                                                                        \
    static_assert(true)

#pragma GCC visibility push(default)
extern "C" {

IBID_DECODER(d2i_X509_bio, (BIO * in, X509** x), x, (in, x));
IBID_DECODER(d2i_X509_fp, (std::FILE * in, X509** x), x, (in, x));
IBID_DECODER(PEM_read_X509, (std::FILE * in, X509** x, pem_password_cb* ask, void* u), x, (in, x, ask, u));
IBID_DECODER(PEM_read_X509_AUX, (std::FILE * in, X509** x, pem_password_cb* ask, void* u), x,
             (in, x, ask, u));
IBID_DECODER(PEM_read_bio_X509, (BIO * in, X509** x, pem_password_cb* ask, void* u), x, (in, x, ask, u));
IBID_DECODER(PEM_read_bio_X509_AUX, (BIO * in, X509** x, pem_password_cb* ask, void* u), x, (in, x, ask, u));

} // extern "C"
#pragma GCC visibility pop
