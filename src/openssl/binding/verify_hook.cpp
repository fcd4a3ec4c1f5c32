// SPDX-License-Identifier: Apache-2.0
#include "verify_hook.h"
#include "error_queue.h"

namespace ibid::openssl {

verify_hook::verify_hook(const functions& f) {
    const errors_as_before unsaid(f);
    if (X509_STORE_CTX* const fresh = f.X509_STORE_CTX_new()) {
        if (f.X509_STORE_CTX_init(fresh, nullptr, nullptr, nullptr) == 1) {
            verify_ = f.X509_STORE_CTX_get_verify(fresh);
            callback_ = f.X509_STORE_CTX_get_verify_cb(fresh);
        }
        f.X509_STORE_CTX_free(fresh);
    }
}

bool verify_hook::is_unobserved(const functions& f, const X509_STORE_CTX* verification) const {
    return verification != nullptr && f.X509_STORE_CTX_get_verify(verification) == verify_ &&
           f.X509_STORE_CTX_get_verify_cb(verification) == callback_ &&
           f.X509_STORE_CTX_get_cleanup(verification) == nullptr;
}

} // namespace ibid::openssl
