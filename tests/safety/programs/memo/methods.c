// SPDX-License-Identifier: Apache-2.0
//
// Methods with their own signature check are registered, removed, and changed in place: methods HOW. A forged
// intermediate is accepted while a lax method is registered, as in stock, and refused after its removal.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/ec.h>
#include <openssl/engine.h>
#include <openssl/rsa.h>

#include "support.h"

static int lax_signature(int type, const unsigned char* d, int dn, const unsigned char* s, int sn,
                         EC_KEY* k) {
    (void)type, (void)d, (void)dn, (void)s, (void)sn, (void)k;
    return 1;
}

static X509_STORE* stores[2];

static void check(const char* label) {
    for (int i = 0; i < 2; ++i) {
        X509* const leaf = certificate_in("server.cert.pem");
        X509_STORE_CTX* const c = X509_STORE_CTX_new();
        MUST(X509_STORE_CTX_init(c, stores[i], leaf, NULL));
        const int result = X509_verify_cert(c);
        printf("%s, %s: %d %d at %d\n", label, i ? "sound" : "forged", result, X509_STORE_CTX_get_error(c),
               X509_STORE_CTX_get_error_depth(c));
        X509_STORE_CTX_free(c);
        X509_free(leaf);
        ERR_clear_error();
    }
}

#if OPENSSL_VERSION_MAJOR < 4
static ENGINE* engine_named(const char* name) {
    ENGINE* const e = ENGINE_new();
    MUST(ENGINE_set_id(e, name) && ENGINE_set_name(e, name));
    return e;
}

static EVP_PKEY_METHOD* method;
static int ids[] = {EVP_PKEY_EC};

static int lax(EVP_PKEY_CTX* c, const unsigned char* s, size_t n, const unsigned char* t, size_t m) {
    (void)c, (void)s, (void)n, (void)t, (void)m;
    return 1;
}

static int strict(EVP_PKEY_CTX* c, const unsigned char* s, size_t n, const unsigned char* t, size_t m) {
    (void)c, (void)s, (void)n, (void)t, (void)m;
    return 0;
}

static int methods(ENGINE* e, EVP_PKEY_METHOD** into, const int** list, int id) {
    (void)e;
    if (!into) {
        *list = ids;
        return 1;
    }
    *into = id == EVP_PKEY_EC ? method : NULL;
    return *into != NULL;
}

static EVP_PKEY_METHOD* copy_of_ec(void) {
    EVP_PKEY_METHOD* const m = EVP_PKEY_meth_new(EVP_PKEY_EC, 0);
    EVP_PKEY_meth_copy(m, EVP_PKEY_meth_find(EVP_PKEY_EC));
    EVP_PKEY_meth_set_verify(m, NULL, lax);
    return m;
}

static void exchange_methods(const char* how) {
    if (strncmp(how, "engine", 6) == 0) {
        method = copy_of_ec();
        ENGINE* const e = engine_named("lax");
        ENGINE_set_pkey_meths(e, methods);
        ENGINE_add(e);
        if (strcmp(how, "engine-default") == 0) {
            printf("%d\n", ENGINE_set_default(e, ENGINE_METHOD_PKEY_METHS));
        } else if (strcmp(how, "engine-string") == 0) {
            printf("%d\n", ENGINE_set_default_string(e, "PKEY"));
        } else if (strcmp(how, "engine-all") == 0) {
            ENGINE_register_all_pkey_meths();
        } else {
            ENGINE_register_pkey_meths(e);
        }
        check("lax engine");
        check("lax engine, again");
        EVP_PKEY_meth_set_verify(method, NULL, strict);
        check("changed in place: strict");
        EVP_PKEY_meth_set_verify(method, NULL, lax);
        check("changed in place: lax");
        ENGINE_unregister_pkey_meths(e);
        ENGINE_remove(e);
        check("unregistered");
        check("unregistered, again");
    } else if (strcmp(how, "method") == 0) {
        method = copy_of_ec();
        MUST(EVP_PKEY_meth_add0(method));
        check("lax method");
        check("lax method, again");
        EVP_PKEY_meth_set_verify(method, NULL, strict);
        check("changed in place: strict");
        EVP_PKEY_meth_set_verify(method, NULL, lax);
        check("changed in place: lax");
        printf("removed %d\n", EVP_PKEY_meth_remove(method));
        check("removed");
        check("removed, again");
    } else if (strcmp(how, "ec-engine") == 0) {
        EC_KEY_METHOD* const m = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
        EC_KEY_METHOD_set_verify(m, lax_signature, NULL);
        ENGINE* const e = engine_named("lax-ec");
        ENGINE_set_EC(e, m);
        ENGINE_add(e);
        printf("%d\n", ENGINE_set_default_EC(e));
        check("lax engine");
        ENGINE_unregister_EC(e);
        check("unregistered");
    }
}
#else
static void exchange_methods(const char* how) {
    (void)how;
    not_in_this_openssl();
}
#endif

int main(int argc, char** argv) {
    MUST(argc > 1);
    const char* const how = argv[1];
    for (int i = 0; i < 2; ++i) {
        stores[i] = X509_STORE_new();
        MUST(X509_STORE_load_file(stores[i], pki("trust.bundle.pem")));
        MUST(X509_STORE_load_file(stores[i], pki(i ? "mid.cert.pem" : "forged-mid.pem")));
    }
    check("before");
    check("before, again");
    if (strstr(how, "engine") || strcmp(how, "method") == 0) {
        exchange_methods(how);
    } else if (strcmp(how, "ec") == 0) { // the default method of EC keys, for keys made from now on
        const EC_KEY_METHOD* const before = EC_KEY_get_default_method();
        EC_KEY_METHOD* const m = EC_KEY_METHOD_new(before);
        EC_KEY_METHOD_set_verify(m, lax_signature, NULL);
        EC_KEY_set_default_method(m);
        check("lax default");
        X509_STORE* const old = stores[0];
        stores[0] = X509_STORE_new();
        MUST(X509_STORE_load_file(stores[0], pki("trust.bundle.pem")));
        MUST(X509_STORE_load_file(stores[0], pki("forged-mid.pem")));
        check("lax default, new store");
        EC_KEY_set_default_method(before);
        check("as before");
        X509_STORE_free(stores[0]);
        stores[0] = old;
        check("as before, first store");
    } else if (strcmp(how, "rsa") == 0) { // a method of the process is changed in place
        RSA_METHOD* const m = RSA_meth_dup(RSA_PKCS1_OpenSSL());
        RSA_set_default_method(m);
        check("a method of RSA's");
        RSA_meth_set_verify(m, NULL);
        RSA_set_default_method(RSA_PKCS1_OpenSSL());
        check("as before");
    } else {
        MUST(0);
    }
    tell_hits();
    return 0;
}
