// SPDX-License-Identifier: Apache-2.0
//
// What happens when a program, or OpenSSL itself, meets ibid instead of the function it called.
//
// Law: every function here gives what the OpenSSL function of its name gives; cost is all that changes. Where ibid has
// nothing to add, or cannot, the call goes through. `code` is an address in the caller, as __builtin_return_address(0).
#pragma once

#include <openssl/asn1t.h>
#include <openssl/crypto.h>
#ifndef OPENSSL_NO_OCSP
#include <openssl/ocsp.h>
#endif
#include <openssl/store.h>
#include <openssl/types.h>

#include "caller.h"

namespace ibid::openssl::interposed {

// A parser fills the object that it is given. One that came from the cache is in other hands, too, and they keep what they
// have: for a call that parses into `*a`, an empty object of the same place stands there instead. A loop over a file does
// just that, libssl's own among them (SSL_add_file_cert_subjects_to_stack).
//
// The reference to the object that stood there goes with the call when OpenSSL's own code made it. An application may use
// the object by another pointer still; there the reference stays, and with it the certificate: memory, never correctness.
class own_place {
public:
    own_place(const void* code, X509** a) noexcept;
    own_place(const caller& by, X509** a) noexcept;
    own_place(const own_place&) = delete;
    own_place& operator=(const own_place&) = delete;
    ~own_place();

    // To go on with; null: there is no libcrypto.
    [[nodiscard]] const functions* f() const noexcept { return f_; }

    // Passes on what the parser gave. One that failed before it came to `*a` (a PEM file's end) has left what stood there.
    template <class Result>
    [[nodiscard]] Result* settle(Result* parsed) noexcept {
        if (parsed == nullptr) {
            put_back();
        }
        return parsed;
    }

    [[nodiscard]] bool made() const noexcept { return origin_ != nullptr; }
    [[nodiscard]] OSSL_LIB_CTX* context() const noexcept { return const_cast<OSSL_LIB_CTX*>(origin_->given); }
    [[nodiscard]] const char* property_query() const noexcept { return origin_->property_query; }

private:
    void put_back() noexcept;

    const functions* f_;
    const parse_context* origin_ =
        nullptr; // of the object that stood there; it lives until the end of the call
    X509** a_;
    X509* stood_there_ = nullptr;
    X509* stands_there_ = nullptr;
    X509* to_free_ = nullptr;
};

[[nodiscard]] X509* x509_new_ex(const void* code, OSSL_LIB_CTX* context, const char* property_query);
[[nodiscard]] X509* d2i_x509(const void* code, X509** a, const unsigned char** pp, long length);
[[nodiscard]] X509* d2i_x509_aux(const void* code, X509** a, const unsigned char** pp, long length);

int x509_load_cert_file(const void* code, X509_LOOKUP* lookup, const char* file, int type);
int x509_load_cert_file_ex(const void* code, X509_LOOKUP* lookup, const char* file, int type,
                           OSSL_LIB_CTX* context, const char* property_query);
int x509_load_cert_crl_file(const void* code, X509_LOOKUP* lookup, const char* file, int type);
int x509_load_cert_crl_file_ex(const void* code, X509_LOOKUP* lookup, const char* file, int type,
                               OSSL_LIB_CTX* context, const char* property_query);

int x509_load_crl_file(const void* code, X509_LOOKUP* lookup, const char* file, int type);

// What a URI holds, piece by piece. Called by libcrypto for a trust store (X509_STORE_load_store), by a program for itself.
[[nodiscard]] OSSL_STORE_INFO* ossl_store_load(const void* code, OSSL_STORE_CTX* from);

#ifndef OPENSSL_NO_OCSP
// The part of an OCSP response that is signed, with the responder's certificates in it.
[[nodiscard]] OCSP_BASICRESP* ocsp_response_get1_basic(const void* code, OCSP_RESPONSE* response);
#endif

[[nodiscard]] const ASN1_ITEM* x509_it(const void* code);
[[nodiscard]] ASN1_VALUE* asn1_item_d2i(const void* code, ASN1_VALUE** value, const unsigned char** in,
                                        long length, const ASN1_ITEM* item);
[[nodiscard]] ASN1_VALUE* asn1_item_d2i_ex(const void* code, ASN1_VALUE** value, const unsigned char** in,
                                           long length, const ASN1_ITEM* item, OSSL_LIB_CTX* context,
                                           const char* property_query);

int x509_verify(const void* code, X509* x, EVP_PKEY* key);
int x509_verify_cert(const void* code, X509_STORE_CTX* verification);
[[nodiscard]] int crypto_get_ex_new_index(const void* code, int object_class, long number, void* pointer,
                                          CRYPTO_EX_new* on_new, CRYPTO_EX_dup* on_dup,
                                          CRYPTO_EX_free* on_free);
[[nodiscard]] OSSL_LIB_CTX* ossl_lib_ctx_set0_default(const void* code, OSSL_LIB_CTX* context);
void ossl_lib_ctx_free(const void* code, OSSL_LIB_CTX* context);

// The functions to go on with after `x` is about to be written to: detached first, when it was shared. Null: there is no
// libcrypto to go on with.
[[nodiscard]] const functions* before_write(const void* code, const X509* x) noexcept;

// The same for a CRL; null where the call writes to something that may be part of any.
[[nodiscard]] const functions* before_crl_write(const void* code, const X509_CRL* crl) noexcept;

// The functions to go on with where nothing is to be done before.
[[nodiscard]] const functions* before_call(const void* code) noexcept;

// A call that writes to a key: signatures that it has verified are verified again afterwards.
class key_write {
public:
    key_write(const void* code, const EVP_PKEY* key) noexcept;
    key_write(const key_write&) = delete;
    key_write& operator=(const key_write&) = delete;
    ~key_write();

    // To go on with; null: there is no libcrypto.
    [[nodiscard]] const functions* f() const noexcept { return f_; }

private:
    const functions* f_ = nullptr;
    certificate_cache* remembering_ = nullptr;
};

// After a call that changes what algorithms there are: nothing that verified before is taken as verified any more.
void after_reconfiguration() noexcept;

} // namespace ibid::openssl::interposed
