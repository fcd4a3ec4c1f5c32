/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificates and CRLs for tests, as bytes. The library that makes them contains a private OpenSSL, linked statically and
 * hidden. So a test program references no function that writes to certificates, and ibid classes it as a reader
 * (src/openssl/modules/module_class.h). All functions may be called from any thread. */
#ifndef IBID_TEST_PKI_H
#define IBID_TEST_PKI_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct ibid_pki_bytes {
    const unsigned char* data; /* null: none */
    size_t size;
};

enum ibid_pki_flags {
    ibid_pki_pss = 1,             /* signed with RSA-PSS */
    ibid_pki_rejects_servers = 2, /* trust settings behind it: rejected for TLS servers */
    ibid_pki_without_parameters =
        4, /* its key inherits its parameters from the issuer's key (RFC 3279, 2.3.2) */
    ibid_pki_broken_signature = 8
};

struct ibid_pki_request {
    const char* name;             /* its common name */
    struct ibid_pki_bytes key;    /* SubjectPublicKeyInfo */
    struct ibid_pki_bytes issuer; /* certificate; null: signed by itself */
    struct ibid_pki_bytes signer; /* private key of the issuer */
    long serial;
    long days; /* valid from an hour ago */
    const char* const*
        extensions; /* name, value, name, value, ..., null: as in a section of x509v3_config(5) */
    unsigned flags;
};

/* DER, or with trust settings behind it. The number of bytes, 0 on failure; ends with ibid_pki_free(). */
size_t ibid_pki_certificate(const struct ibid_pki_request* request, unsigned char** out);

/* A CRL of `issuer`, DER, that lists these serial numbers in this order: hexadecimal, null at the end. */
size_t ibid_pki_crl(struct ibid_pki_bytes issuer, struct ibid_pki_bytes signer, const char* const* serials,
                    unsigned char** out);

/* A small DSA key, DER (PrivateKeyInfo). */
size_t ibid_pki_dsa_key(unsigned char** out);

void ibid_pki_free(unsigned char* bytes);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
