// SPDX-License-Identifier: Apache-2.0
#include "contexts.h"

namespace ibid::openssl::interpose {

OSSL_LIB_CTX* set_default_context(libcrypto& of, OSSL_LIB_CTX* context) {
    const functions& f = of.f;
    if (context == nullptr || context == f.OSSL_LIB_CTX_get0_global_default()) {
        return f.OSSL_LIB_CTX_set0_default(context);
    }
    // OpenSSL may then free certificates without a callback to ibid (certificate_cache::in_default_context).
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
        cache->forget_all_parsed();
    }
}

} // namespace ibid::openssl::interpose
