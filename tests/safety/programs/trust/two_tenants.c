// SPDX-License-Identifier: Apache-2.0
//
// Two tenants of one process, each with its own contexts over the same files. One changes what *it* trusts,
// with OpenSSL's public calls and in its own store; the other one verifies as before: two_tenants CHANGE. The
// setters are referenced by a plugin (PLUGIN), or by this program (BY_RELOCATION).
#include <openssl/ec.h>

#include "../support.h"
#include "../writes/writers.h"

static struct writers w;

// A chain that is verified in a store without a connection, with each purpose and without callbacks.
static void check(const char* label, X509_STORE* store, const char* leaf, unsigned long flags) {
    X509* const x = certificate_in(leaf);
    X509* const middle = certificate_in("mid.cert.pem");
    STACK_OF(X509)* const sent = sk_X509_new_null();
    sk_X509_push(sent, middle);
    static const int purposes[] = {X509_PURPOSE_SSL_SERVER, X509_PURPOSE_SSL_CLIENT, X509_PURPOSE_ANY};
    for (int i = 0; i < 3; ++i) {
        X509_STORE_CTX* const c = X509_STORE_CTX_new();
        MUST(X509_STORE_CTX_init(c, store, x, sent));
        X509_STORE_CTX_set_flags(c, flags);
        if (i < 2) {
            X509_STORE_CTX_set_purpose(c, purposes[i]);
        }
        const int result = X509_verify_cert(c);
        printf("%s, %s, purpose %d: %d %d at %d\n", label, leaf, i, result, X509_STORE_CTX_get_error(c),
               X509_STORE_CTX_get_error_depth(c));
        X509_STORE_CTX_free(c);
    }
    sk_X509_pop_free(sent, X509_free);
    X509_free(x);
    ERR_clear_error();
}

static X509* first_certificate(X509_STORE* store, const char* common_name) {
    STACK_OF(X509_OBJECT)* const all = X509_STORE_get0_objects(store);
    for (int i = 0; i < sk_X509_OBJECT_num(all); ++i) {
        X509* const x = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(all, i));
        char name[256];
        if (x && strstr(X509_NAME_oneline(X509_get_subject_name(x), name, sizeof name), common_name)) {
            return x;
        }
    }
    MUST(0);
    return NULL;
}

static X509_CRL* first_list(X509_STORE* store) {
    STACK_OF(X509_OBJECT)* const all = X509_STORE_get0_objects(store);
    for (int i = 0; i < sk_X509_OBJECT_num(all); ++i) {
        X509_CRL* const list = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(all, i));
        if (list && sk_X509_REVOKED_num(X509_CRL_get_REVOKED(list)) > 10) {
            return list;
        }
    }
    MUST(0);
    return NULL;
}

int main(int argc, char** argv) {
    MUST(argc > 2);
    const char* const change = argv[1];
    // This program can see the order of a CRL's entries, and the entries in crls.bundle.pem are not sorted,
    // so that file is not shared with it.
    const char* const file = strncmp(change, "trust-middle", 12) == 0 ? "mid.cert.pem"
                             : strncmp(change, "list", 4) == 0        ? "crls.bundle.pem"
                                                                      : "chain.bundle.pem";
    SSL_CTX* const a = client_context(file, NULL);
    SSL_CTX* const b = client_context(file, NULL);
    SSL_CTX* const server = server_context("server");
    X509_STORE* const mine = SSL_CTX_get_cert_store(a);
    X509_STORE* const theirs = SSL_CTX_get_cert_store(b);
    const unsigned long crl = strncmp(change, "list", 4) == 0 ? X509_V_FLAG_CRL_CHECK : 0;
    check("before", theirs, "server.cert.pem", crl);
    check("before", mine, "server.cert.pem", crl);
    printf("before: handshake %d %d\n", visit(a, server), visit(b, server));
    tell_hits();
#ifdef BY_RELOCATION
#define X(name) w.name = name;
    WRITERS(X)
#undef X
#else
    void* const plugin = dlopen(argv[2], RTLD_NOW | RTLD_LOCAL);
    MUST(plugin);
    w = *(const struct writers*)dlsym(plugin, "plugin_writers");
#endif
    if (strcmp(change, "trust-middle") == 0) {
        w.X509_add1_trust_object(first_certificate(mine, "CA mid"), OBJ_nid2obj(NID_server_auth));
    } else if (strcmp(change, "trust-middle-any") == 0) {
        w.X509_add1_trust_object(first_certificate(mine, "CA mid"), OBJ_nid2obj(NID_anyExtendedKeyUsage));
    } else if (strcmp(change, "reject-root") == 0) {
        w.X509_add1_reject_object(first_certificate(mine, "CA root"), OBJ_nid2obj(NID_server_auth));
    } else if (strcmp(change, "trust-other-use") == 0) { // trusted only for mail: no longer for servers
        w.X509_add1_trust_object(first_certificate(mine, "CA root"), OBJ_nid2obj(NID_email_protect));
    } else if (strcmp(change, "expire-root") == 0) {
        w.ASN1_TIME_set(w.X509_getm_notAfter(first_certificate(mine, "CA root")), 0);
    } else if (strcmp(change, "rename-root") == 0) {
        w.X509_NAME_add_entry_by_txt((X509_NAME*)X509_get_subject_name(first_certificate(mine, "CA root")),
                                     "OU", MBSTRING_ASC, (const unsigned char*)"other", -1, -1, 0);
    } else if (strcmp(change, "rekey-root") == 0) {
        X509* const stranger = certificate_in("stranger.cert.pem");
        w.X509_set_pubkey(first_certificate(mine, "CA root"), X509_get0_pubkey(stranger));
        X509_free(stranger);
    } else if (strcmp(change, "rekey-inside") == 0) {
        X509* const stranger = certificate_in("stranger.cert.pem");
        EC_KEY* const key = w.EVP_PKEY_get1_EC_KEY(X509_get0_pubkey(stranger));
        w.EVP_PKEY_set1_EC_KEY(X509_get0_pubkey(first_certificate(mine, "CA root")), key);
        EC_KEY_free(key);
        X509_free(stranger);
    } else if (strcmp(change, "list-revokes") == 0) {
        X509* const leaf = certificate_in("server.cert.pem");
        w.X509_REVOKED_set_serialNumber(sk_X509_REVOKED_value(X509_CRL_get_REVOKED(first_list(mine)), 3),
                                        X509_get_serialNumber(leaf));
        w.X509_CRL_sort(first_list(mine));
        X509_free(leaf);
    } else if (strcmp(change, "list-expires") == 0) {
        ASN1_TIME* const t = w.ASN1_TIME_set(NULL, 1000);
        w.X509_CRL_set1_nextUpdate(first_list(mine), t);
        ASN1_STRING_free(t);
    } else if (strcmp(change, "own-objects") == 0) { // the store's own settings, not the objects
        X509_STORE_set_purpose(mine, X509_PURPOSE_CRL_SIGN);
        X509_STORE_set_flags(mine, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_X509_STRICT);
        X509_STORE_set_depth(mine, 0);
    } else {
        MUST(0);
    }
    check("after", mine, "server.cert.pem", crl);
    check("after", theirs, "server.cert.pem", crl);
    printf("after: handshake %d %d\n", visit(a, server), visit(b, server));
    SSL_CTX* const fresh = client_context(file, NULL);
    check("new store", SSL_CTX_get_cert_store(fresh), "server.cert.pem", crl);
    SSL_CTX_free(a);
    check("the writer has gone", theirs, "server.cert.pem", crl);
    return 0;
}
