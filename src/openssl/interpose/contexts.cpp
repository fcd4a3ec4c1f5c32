// SPDX-License-Identifier: Apache-2.0
#include "contexts.h"

namespace ibid::openssl::interpose {

namespace {

// Objects that are shared, and what they consist of.
[[nodiscard]] bool is_shared_class(int object_class) noexcept {
    switch (object_class) {
    case CRYPTO_EX_INDEX_X509:
    case CRYPTO_EX_INDEX_EVP_PKEY:
    case CRYPTO_EX_INDEX_RSA:
    case CRYPTO_EX_INDEX_DSA:
    case CRYPTO_EX_INDEX_DH:
    case CRYPTO_EX_INDEX_EC_KEY:
        return true;
    default:
        return false;
    }
}

} // namespace

int get_ex_new_index(libcrypto& of, int object_class, long number, void* pointer, CRYPTO_EX_new* on_new,
                     CRYPTO_EX_dup* on_dup, CRYPTO_EX_free* on_free) {
    // A program that wants to be told of every certificate, or every key, that is made, copied, or freed
    // counts them one by one; and its code would run wherever ibid lets go of one.
    if (is_shared_class(object_class) && (on_new != nullptr || on_dup != nullptr || on_free != nullptr)) {
        of.disable("the program wants to be told of every certificate or key (ex_data callbacks)");
    }
    const int index = of.f.CRYPTO_get_ex_new_index(object_class, number, pointer, on_new, on_dup, on_free);
    if (object_class == CRYPTO_EX_INDEX_X509 && index > certificate_cache::highest_index) {
        of.disable(
            "the program has registered too much data for certificates (ex_data)"); // ends might go untold
    }
    return index;
}

OSSL_LIB_CTX* set_default_context(libcrypto& of, OSSL_LIB_CTX* context) {
    const functions& f = of.f;
    if (context == nullptr || context == f.OSSL_LIB_CTX_get0_global_default()) {
        return f.OSSL_LIB_CTX_set0_default(context);
    }
    // OpenSSL may then free certificates without telling ibid (certificate_cache::in_default_context).
    of.disable("a thread has a default library context of its own");
    OSSL_LIB_CTX* const before = f.OSSL_LIB_CTX_set0_default(context);
    if (f.OSSL_LIB_CTX_set0_default(nullptr) == context) { // without memory it is not
        of.keep_indices_apart(context);
    }
    return before;
}

void free_context(libcrypto& of, OSSL_LIB_CTX* context) {
    if (certificate_cache* const cache = of.made_certificates(); cache != nullptr && context != nullptr) {
        cache->forget_context(context);
    }
    if (of.f.OSSL_LIB_CTX_set0_default(nullptr) !=
        context) { // OpenSSL frees no context that is this thread's default
        of.forget_indices(context);
    }
    of.f.OSSL_LIB_CTX_free(context);
}

void clean_up(libcrypto& of) {
    of.shutdown();
    of.f.OPENSSL_cleanup();
}

void after_reconfiguration(libcrypto& of) {
    if (certificate_cache* const cache = of.made_certificates()) {
        cache->begin_anew();
    }
}

} // namespace ibid::openssl::interpose
