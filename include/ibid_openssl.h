/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ibid for programs written in C: certificates and trust stores of OpenSSL 3 or 4, one parsed copy of each for the process.
 *
 * Law: what these functions return is what the OpenSSL functions that they name return. An X509 from here is an ordinary
 * one with a reference of the caller's, ended by X509_free; the copy ends with its last reference. Do not write to it: see
 * ibid_openssl_statistics.detached.
 *
 *     const unsigned char *p = der;
 *     X509 *a = ibid_openssl_parse_certificate(&p, size);
 *     p = der;
 *     X509 *b = ibid_openssl_parse_certificate(&p, size);
 *     assert(a == b);
 *     X509_free(a);
 *     X509_free(b);
 *
 * Threads: all functions may be called from any thread. No function sets an error of its own in OpenSSL's queue.
 * Stability: functions and fields are added, never changed or removed, within one major version.
 */
#ifndef IBID_OPENSSL_H
#define IBID_OPENSSL_H

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

/* As d2i_X509(NULL, pp, size): NULL on error, with OpenSSL's errors; *pp advances past the certificate. */
X509* ibid_openssl_parse_certificate(const unsigned char** pp, size_t size);

/* As X509_STORE_load_file(store, path): 1, or 0 with OpenSSL's errors. PEM, certificates and CRLs. */
int ibid_openssl_load_trust_store(X509_STORE* store, const char* path);

/* As X509_load_crl_file with a file lookup of `store`: the number of CRLs, or 0. `type`: X509_FILETYPE_PEM or _ASN1. */
int ibid_openssl_load_crls(X509_STORE* store, const char* path, int type);

/*
 * Replaces the certificates that a handshake has just parsed by shared ones: the leaf and the untrusted chain
 * of `verification`. For a certificate verify callback, before X509_verify_cert. Saves memory, not parsing.
 * What cannot be shared stays as it is.
 */
void ibid_openssl_share_chain(X509_STORE_CTX* verification);

/*
 * How much is retained while nothing uses it: of certificates, and again of trust store files, at most so many, and so many bytes
 * of memory. 0, 0: nothing. Without effect if nothing is shared (ibid_openssl_why_not).
 */
void ibid_openssl_retain(size_t bytes, size_t entries);

/* Drops all that only retention keeps. */
void ibid_openssl_trim(void);

/* What is counted. */
enum ibid_openssl_kind {
    IBID_OPENSSL_CERTIFICATES = 0, /* parsed certificates */
    IBID_OPENSSL_TRUST_STORES = 1, /* files: CA bundles and lists of revocations */
    IBID_OPENSSL_SIGNATURES = 2    /* hits: verifications remembered; misses: done */
};

/* Counts since the process began, and what there is now. `size` is set by the caller, to sizeof of this struct. */
struct ibid_openssl_statistics {
    size_t size;               /* in: sizeof(struct ibid_openssl_statistics) */
    uint64_t hits;             /* found as a copy that was there */
    uint64_t misses;           /* parsed, loaded or verified */
    uint64_t evictions;        /* copies that ended */
    uint64_t detached;         /* taken out: written to, or out of date */
    uint64_t bytes_not_parsed; /* bytes of what was found */
    uint64_t active;           /* held by the program alone */
    uint64_t retained;         /* held by retention */
    uint64_t retained_bytes;   /* what that weighs, in bytes of memory */
};

/* 1, or 0 for a kind or a size that this version does not know. */
int ibid_openssl_get_statistics(enum ibid_openssl_kind kind, struct ibid_openssl_statistics* into);

/* What ibid can do with the libcrypto of this process. */
enum ibid_openssl_feature {
    IBID_OPENSSL_FEATURE_PEERS = 0,        /* certificates in handshakes and sessions are intercepted */
    IBID_OPENSSL_FEATURE_TRUST_STORES = 1, /* files that trust stores load are intercepted */
    IBID_OPENSSL_FEATURE_VERIFY_MEMO = 2,  /* verified signatures are remembered */
    IBID_OPENSSL_FEATURE_CALLS = 3         /* the functions of this header share what they return */
};

/* NULL: `feature` is active. Else why not, in a few words; the text is static. */
const char* ibid_openssl_why_not(enum ibid_openssl_feature feature);

#ifndef IBID_OPENSSL_NO_INLINE
/* The certificate verify callback that ibid_openssl_attach() sets. It calls ibid_openssl_share_chain(), then X509_verify_cert(). */
static inline int ibid_openssl_verify_shared(X509_STORE_CTX* verification, void* unused) {
    (void)unused;
    ibid_openssl_share_chain(verification);
    return X509_verify_cert(verification);
}

/*
 * For a program whose OpenSSL cannot be interposed (linked statically, or with -Bsymbolic): from here on, peers' certificates
 * of all connections of `context` are shared. Sets the certificate verify callback of `context`; a program that has its own
 * calls ibid_openssl_share_chain() in it instead.
 */
static inline void ibid_openssl_attach(SSL_CTX* context) {
    SSL_CTX_set_cert_verify_callback(context, ibid_openssl_verify_shared, NULL);
}
#endif

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
