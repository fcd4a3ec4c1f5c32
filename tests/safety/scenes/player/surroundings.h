// SPDX-License-Identifier: Apache-2.0
//
// What changes around OpenSSL's objects: providers and plugins.
#pragma once

#include "world.h"

static void fetch_something(unsigned a) {
    static const char* const names[] = {"SHA256", "MD4", "SHA1", "WHIRLPOOL"};
    EVP_MD* const md = EVP_MD_fetch(NULL, PICK(names, a), NULL);
    emit("fetched %d\n", md != NULL);
    EVP_MD_free(md);
}

// OpenSSL reads extensions at the first use of each object, and needs SHA-1 for that. ibid makes OpenSSL do
// this when a trust file is loaded, so that shared objects do not change later. A program that makes SHA-1
// unavailable in between is a limit (docs/safety.md).
static void use_all_trusted(void) {
    X509_STORE* every[store_count + 2 * context_count];
    for (int i = 0; i < store_count; ++i) {
        every[i] = stores[i];
    }
    for (int i = 0; i < context_count; ++i) {
        every[store_count + 2 * i] = clients[i] ? SSL_CTX_get_cert_store(clients[i]) : NULL;
        every[store_count + 2 * i + 1] = servers[i] ? SSL_CTX_get_cert_store(servers[i]) : NULL;
    }
    for (int n = 0; n < store_count + 2 * context_count; ++n) {
        X509_STORE* const store = every[n];
        const STACK_OF(X509_OBJECT)* const all = store ? X509_STORE_get0_objects(store) : NULL;
        for (int i = 0; i < sk_X509_OBJECT_num(all); ++i) {
            X509* const x = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(all, i));
            (void)(x && X509_get_extension_flags(x));
        }
    }
    ERR_clear_error();
}

static void providers(unsigned a, unsigned b) {
    use_all_trusted();
    static const char* const properties[] = {
        "", "", "?provider=default", "provider=nobody", "provider=default", "fips=yes"};
    if (a % 3 == 0) {
        if (legacy) {
            emit("unload %d\n", OSSL_PROVIDER_unload(legacy));
            legacy = NULL;
        } else {
            legacy = OSSL_PROVIDER_try_load(NULL, "legacy", 1);
            emit("load %d\n", legacy != NULL);
        }
    } else if (a % 3 == 1) {
        emit("properties %d\n", EVP_set_default_properties(NULL, PICK(properties, b)));
    }
    fetch_something(b);
}

static void plugins(unsigned a, unsigned b) {
    if (plugin && a & 1) {
        emit("closed %d\n", dlclose(plugin));
        plugin = NULL;
        return;
    }
    if (!plugin) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s.so", getenv("SAFETY_HERE"),
                 b & 1 ? "touching_plugin" : "crypto_plugin");
        plugin = dlopen(path, RTLD_NOW | (b & 2 ? RTLD_LOCAL | RTLD_DEEPBIND : RTLD_LOCAL));
        MUST(plugin);
    }
    emit("touched %d\n", ((int (*)(const char*))dlsym(plugin, "touch"))(pki(PICK(files, b >> 2))));
}
