// SPDX-License-Identifier: Apache-2.0
#include "outer_borders.h"

#include <cstdlib>

#include "scope.h"

namespace ibid::openssl {

namespace {

// Whether this call's file is for ibid to bring in. Files that are parsed in a context of the program's are not shared.
[[nodiscard]] bool met_here(const caller& by, const OSSL_LIB_CTX* context,
                            const char* property_query) noexcept {
    return by.of->symbolic() && context == nullptr && property_query == nullptr;
}

// As by_file.c chooses it.
[[nodiscard]] const char* default_file(const functions& f) noexcept {
    const char* const named = secure_getenv(f.X509_get_default_cert_file_env());
    return named != nullptr ? named : f.X509_get_default_cert_file();
}

// The lookup of a store that loads files: the one that is there, or a new one. It finds nothing by itself.
[[nodiscard]] X509_LOOKUP* file_lookup(const functions& f, X509_STORE* store) noexcept {
    f.ERR_set_mark();
    X509_LOOKUP* const lookup =
        store != nullptr ? f.X509_STORE_add_lookup(store, f.X509_LOOKUP_file()) : nullptr;
    f.ERR_pop_to_mark();
    return lookup;
}

[[nodiscard]] bool load_bundle(const caller& by, X509_LOOKUP* lookup, const char* file) {
    return file != nullptr &&
           load_shared(by, lookup, file, file_kind::certificates_and_crls, X509_FILETYPE_PEM) > 0;
}

} // namespace

int load_shared(const caller& by, X509_LOOKUP* lookup, const char* file, file_kind kind, int type) {
    trust_store_cache* const stores = by.of != nullptr ? by.of->trust_stores() : nullptr;
    if (stores == nullptr || lookup == nullptr) {
        return -1;
    }
    const with_purpose loading(purpose::private_copy); // what it parses is adopted
    return stores->load(by.of->f.X509_LOOKUP_get_store(lookup), file, kind, type);
}

namespace interposed {

int x509_store_load_file_ex(const void* code, X509_STORE* store, const char* file, OSSL_LIB_CTX* context,
                            const char* property_query) {
    const caller by = caller_of(code);
    if (by.of == nullptr || by.of->f.X509_STORE_load_file_ex == nullptr) {
        return 0;
    }
    const functions& f = by.of->f;
    if (met_here(by, context, property_query) && load_bundle(by, file_lookup(f, store), file)) {
        return 1;
    }
    return f.X509_STORE_load_file_ex(store, file, context, property_query);
}

int x509_store_load_locations_ex(const void* code, X509_STORE* store, const char* file, const char* folder,
                                 OSSL_LIB_CTX* context, const char* property_query) {
    const caller by = caller_of(code);
    if (by.of == nullptr || by.of->f.X509_STORE_load_locations_ex == nullptr) {
        return 0;
    }
    const functions& f = by.of->f;
    if (met_here(by, context, property_query) && load_bundle(by, file_lookup(f, store), file)) {
        return folder == nullptr || f.X509_STORE_load_path(store, folder) != 0 ? 1 : 0;
    }
    return f.X509_STORE_load_locations_ex(store, file, folder, context, property_query);
}

int x509_store_set_default_paths_ex(const void* code, X509_STORE* store, OSSL_LIB_CTX* context,
                                    const char* property_query) {
    const caller by = caller_of(code);
    if (by.of == nullptr || by.of->f.X509_STORE_set_default_paths_ex == nullptr) {
        return 0;
    }
    const functions& f = by.of->f;
    if (!met_here(by, context, property_query) || !load_bundle(by, file_lookup(f, store), default_file(f))) {
        return f.X509_STORE_set_default_paths_ex(store, context, property_query);
    }
    X509_LOOKUP* const folders = f.X509_STORE_add_lookup(store, f.X509_LOOKUP_hash_dir());
    if (folders == nullptr) {
        return 0;
    }
    f.X509_LOOKUP_ctrl(folders, X509_L_ADD_DIR, nullptr, X509_FILETYPE_DEFAULT, nullptr);
    X509_LOOKUP* const uris = f.X509_STORE_add_lookup(store, f.X509_LOOKUP_store());
    if (uris == nullptr) {
        return 0;
    }
    f.X509_LOOKUP_ctrl_ex(uris, X509_L_ADD_STORE, nullptr, 0, nullptr, context, property_query);
    f.ERR_clear_error();
    return 1;
}

int x509_lookup_ctrl_ex(const void* code, X509_LOOKUP* lookup, int command, const char* argument, long type,
                        char** result, OSSL_LIB_CTX* context, const char* property_query) {
    const caller by = caller_of(code);
    if (by.of == nullptr || by.of->f.X509_LOOKUP_ctrl_ex == nullptr) {
        return -1;
    }
    const functions& f = by.of->f;
    if (lookup != nullptr && command == X509_L_FILE_LOAD && met_here(by, context, property_query) &&
        (type == X509_FILETYPE_PEM || type == X509_FILETYPE_DEFAULT) &&
        // No getter tells the method of a lookup; the store tells which of its lookups loads files.
        file_lookup(f, f.X509_LOOKUP_get_store(lookup)) == lookup &&
        load_bundle(by, lookup, type == X509_FILETYPE_PEM ? argument : default_file(f))) {
        return 1;
    }
    return f.X509_LOOKUP_ctrl_ex(lookup, command, argument, type, result, context, property_query);
}

} // namespace interposed

} // namespace ibid::openssl
