// SPDX-License-Identifier: Apache-2.0
//
// TLS for the examples: a small PKI made at the start, contexts, and a handshake through memory.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace tls {

template <auto Free>
struct freed_by {
    template <class T>
    void operator()(T* p) const noexcept {
        Free(p);
    }
};
using ssl = std::unique_ptr<SSL, freed_by<SSL_free>>;
using context = std::unique_ptr<SSL_CTX, freed_by<SSL_CTX_free>>;
using certificate = std::unique_ptr<X509, freed_by<X509_free>>;
using key = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;

template <class T>
T check(T result, const char* what) {
    if (!result) {
        ERR_print_errors_fp(stderr);
        throw std::runtime_error(what);
    }
    return result;
}

struct credential {
    tls::certificate certificate;
    tls::key key;
};

inline void extend(X509* x, const X509* issuer, int nid, const char* value) {
    X509V3_CTX c;
    X509V3_set_ctx(&c, const_cast<X509*>(issuer), x, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, freed_by<X509_EXTENSION_free>> e(
        check(X509V3_EXT_conf_nid(nullptr, &c, nid, value), value));
    check(X509_add_ext(x, e.get(), -1), value);
}

// Signed by `issuer`, or by itself. A leaf has a host's name; others are authorities.
inline credential issue(const std::string& name, const credential* issuer, bool leaf) {
    static long serial = 0;
    credential c{certificate(check(X509_new(), "X509")), key(check(EVP_EC_gen("P-256"), "key"))};
    X509* const x = c.certificate.get();
    const credential& signer = issuer != nullptr ? *issuer : c;
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 30L * 24 * 3600);
    X509_NAME_add_entry_by_txt(const_cast<X509_NAME*>(X509_get_subject_name(x)), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(signer.certificate.get()));
    X509_set_pubkey(x, c.key.get());
    extend(x, x, NID_subject_key_identifier, "hash");
    extend(x, signer.certificate.get(), NID_authority_key_identifier, "keyid");
    if (leaf) {
        extend(x, x, NID_basic_constraints, "critical,CA:FALSE");
        extend(x, x, NID_subject_alt_name, ("DNS:" + name).c_str());
        extend(x, x, NID_ext_key_usage, "serverAuth");
    } else {
        extend(x, x, NID_basic_constraints, "critical,CA:TRUE");
        extend(x, x, NID_key_usage, "critical,keyCertSign,cRLSign");
    }
    check(X509_sign(x, signer.key.get(), EVP_sha256()), "signature");
    return c;
}

inline context server_context(const credential& leaf, const credential& intermediate) {
    context c(check(SSL_CTX_new(TLS_server_method()), "context"));
    check(SSL_CTX_use_certificate(c.get(), leaf.certificate.get()), "certificate");
    check(SSL_CTX_use_PrivateKey(c.get(), leaf.key.get()), "key");
    check(SSL_CTX_add1_chain_cert(c.get(), intermediate.certificate.get()), "chain");
    SSL_CTX_set_num_tickets(c.get(), 0); // every handshake is a full one
    return c;
}

inline context client_context(const credential& root) {
    context c(check(SSL_CTX_new(TLS_client_method()), "context"));
    check(X509_STORE_add_cert(SSL_CTX_get_cert_store(c.get()), root.certificate.get()), "root");
    SSL_CTX_set_verify(c.get(), SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_mode(c.get(), SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(c.get(), SSL_SESS_CACHE_OFF);
    return c;
}

// Both ends of one connection, connected through memory, after the handshake.
inline void handshake(SSL* client, SSL* server) {
    BIO* const up = check(BIO_new(BIO_s_mem()), "BIO");
    BIO* const down = check(BIO_new(BIO_s_mem()), "BIO");
    BIO_set_mem_eof_return(up, -1);
    BIO_set_mem_eof_return(down, -1);
    BIO_up_ref(up);
    BIO_up_ref(down);
    SSL_set_bio(client, down, up);
    SSL_set_bio(server, up, down);
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    for (int turn = 0; turn < 10; ++turn) {
        const int c = SSL_do_handshake(client);
        const int s = SSL_do_handshake(server);
        if (c == 1 && s == 1) {
            return;
        }
    }
    ERR_print_errors_fp(stderr);
    throw std::runtime_error("no handshake");
}

// The peer's chain, leaf first. The caller owns a reference to each certificate.
inline std::vector<certificate> peer_chain(const SSL* s) {
    std::vector<certificate> chain;
    STACK_OF(X509)* const sent = SSL_get_peer_cert_chain(s); // the client's side: with the leaf
    for (int i = 0; i < sk_X509_num(sent); ++i) {
        X509* const x = sk_X509_value(sent, i);
        X509_up_ref(x);
        chain.emplace_back(x);
    }
    return chain;
}

} // namespace tls
