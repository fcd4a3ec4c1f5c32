// SPDX-License-Identifier: Apache-2.0
//
// A trust_store_cache for the libcrypto that a test is linked with, and the calls of OpenSSL that it
// replaces.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "linked_functions.h"
#include "openssl/trust/trust_store.h"
#include "trust_files.h"

namespace ibid::test {

// Never destroyed, like the caches themselves. All use one certificate cache, because OpenSSL's number of
// indices is limited.
struct trust_caches {
    openssl::certificate_cache& certificates;
    openssl::trust_store_cache& stores;

    // `of_stores`: the table that the files are loaded with.
    static trust_caches& make(const openssl::functions& of_stores) {
        static const openssl::functions linked = linked_functions();
        static auto& certificates = *new openssl::certificate_cache(linked, {});
        // So that they do not count as leaks.
        static auto& all = *new std::vector<std::pair<const openssl::functions*, trust_caches*>>;
        const auto* const table = new openssl::functions(of_stores);
        auto& stores = *new openssl::trust_store_cache(*table, certificates, nullptr);
        return *all.emplace_back(table, new trust_caches{certificates, stores}).second;
    }
    static trust_caches& make() { return make(linked_functions()); }

    int load(const store_ptr& store, const std::string& path,
             openssl::file_kind kind = openssl::file_kind::certificates_and_crls,
             int type = X509_FILETYPE_PEM) const {
        return stores.load(store.get(), path.c_str(), kind, type);
    }
};

// Caches for tests that check only results.
[[nodiscard]] inline trust_caches& common_caches() {
    static trust_caches& caches = trust_caches::make();
    return caches;
}

inline int load_stock(const store_ptr& store, const std::string& path,
                      openssl::file_kind kind = openssl::file_kind::certificates_and_crls,
                      int type = X509_FILETYPE_PEM) {
    X509_LOOKUP* const lookup = X509_STORE_add_lookup(store.get(), X509_LOOKUP_file());
    switch (kind) {
    case openssl::file_kind::certificates_and_crls:
        return X509_load_cert_crl_file(lookup, path.c_str(), type);
    case openssl::file_kind::certificates:
        return X509_load_cert_file(lookup, path.c_str(), type);
    case openssl::file_kind::crls:
        return X509_load_crl_file(lookup, path.c_str(), type);
    }
    return -1;
}

[[nodiscard]] inline store_ptr new_store() {
    store_ptr store(X509_STORE_new());
    check(store != nullptr, "store");
    return store;
}

} // namespace ibid::test
