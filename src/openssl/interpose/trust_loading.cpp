// SPDX-License-Identifier: Apache-2.0
#include "trust_loading.h"
#include "openssl/binding/error_queue.h"

#include <cstdlib>

namespace ibid::openssl::interpose {

namespace {

// As by_file.c chooses it.
[[nodiscard]] const char* default_file(const functions& f) {
    const char* const named = secure_getenv(f.X509_get_default_cert_file_env());
    return named != nullptr ? named : f.X509_get_default_cert_file();
}

// The lookup of a store that loads files: the existing one, or a new one. It finds nothing by itself.
[[nodiscard]] X509_LOOKUP* file_lookup(const functions& f, X509_STORE* store) {
    const errors_as_before unsaid(f);
    return store != nullptr ? f.X509_STORE_add_lookup(store, f.X509_LOOKUP_file()) : nullptr;
}

// False: OpenSSL's own function does it anew, and sets the errors.
[[nodiscard]] bool load_bundle(libcrypto& of, X509_LOOKUP* lookup, const char* file) {
    if (file == nullptr) {
        return false;
    }
    of.f.ERR_set_mark();
    const bool loaded =
        load_shared(of, lookup, file, file_kind::certificates_and_crls, X509_FILETYPE_PEM) > 0;
    (void)(loaded ? of.f.ERR_clear_last_mark() : of.f.ERR_pop_to_mark());
    return loaded;
}

// Files that are parsed in a context of the program are not shared.
[[nodiscard]] bool in_default_context(const OSSL_LIB_CTX* context, const char* property_query) noexcept {
    return context == nullptr && property_query == nullptr;
}

} // namespace

int load_shared(libcrypto& of, X509_LOOKUP* lookup, const char* file, file_kind kind, int type) {
    trust_store_cache* const stores = lookup != nullptr ? of.trust_stores() : nullptr;
    if (stores == nullptr || of.is_ending()) {
        return -1;
    }
    stores->leave_crls(of.lists_crls());
    const int count = stores->load(of.f.X509_LOOKUP_get_store(lookup), file, kind, type);
    of.publish();
    return count;
}

int load_certificate_file(libcrypto& of, X509_LOOKUP* lookup, const char* file, int type,
                          OSSL_LIB_CTX* context, const char* property_query) {
    if (type == X509_FILETYPE_PEM && in_default_context(context, property_query)) {
        if (const int count = load_shared(of, lookup, file, file_kind::certificates, type); count >= 0) {
            return count;
        }
    }
    return of.f.X509_load_cert_file_ex(lookup, file, type, context, property_query);
}

int load_file(libcrypto& of, X509_LOOKUP* lookup, const char* file, int type, OSSL_LIB_CTX* context,
              const char* property_query) {
    if (type == X509_FILETYPE_PEM && in_default_context(context, property_query)) {
        if (const int count = load_shared(of, lookup, file, file_kind::certificates_and_crls, type);
            count >= 0) {
            return count;
        }
    }
    return of.f.X509_load_cert_crl_file_ex(lookup, file, type, context, property_query);
}

int load_crl_file(libcrypto& of, X509_LOOKUP* lookup, const char* file, int type) {
    if (type == X509_FILETYPE_PEM || type == X509_FILETYPE_ASN1) {
        if (const int count = load_shared(of, lookup, file, file_kind::crls, type); count >= 0) {
            return count;
        }
    }
    return of.f.X509_load_crl_file(lookup, file, type);
}

int store_load_file(libcrypto& of, X509_STORE* store, const char* file, OSSL_LIB_CTX* context,
                    const char* property_query) {
    if (in_default_context(context, property_query) && load_bundle(of, file_lookup(of.f, store), file)) {
        return 1;
    }
    return of.f.X509_STORE_load_file_ex(store, file, context, property_query);
}

int store_load_locations(libcrypto& of, X509_STORE* store, const char* file, const char* folder,
                         OSSL_LIB_CTX* context, const char* property_query) {
    const functions& f = of.f;
    if (in_default_context(context, property_query) && load_bundle(of, file_lookup(f, store), file)) {
        return folder == nullptr || f.X509_STORE_load_path(store, folder) != 0 ? 1 : 0;
    }
    return f.X509_STORE_load_locations_ex(store, file, folder, context, property_query);
}

int store_set_default_paths(libcrypto& of, X509_STORE* store, OSSL_LIB_CTX* context,
                            const char* property_query) {
    const functions& f = of.f;
    if (!in_default_context(context, property_query) ||
        !load_bundle(of, file_lookup(f, store), default_file(f))) {
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

int lookup_control(libcrypto& of, X509_LOOKUP* lookup, int command, const char* argument, long type,
                   char** result, OSSL_LIB_CTX* context, const char* property_query) {
    const functions& f = of.f;
    if (lookup != nullptr && command == X509_L_FILE_LOAD && in_default_context(context, property_query) &&
        (type == X509_FILETYPE_PEM || type == X509_FILETYPE_DEFAULT) &&
        // There is no getter for the method of a lookup, but the store tells which of its lookups loads
        // files.
        file_lookup(f, f.X509_LOOKUP_get_store(lookup)) == lookup &&
        load_bundle(of, lookup, type == X509_FILETYPE_PEM ? argument : default_file(f))) {
        return 1;
    }
    return f.X509_LOOKUP_ctrl_ex(lookup, command, argument, type, result, context, property_query);
}

} // namespace ibid::openssl::interpose
