// SPDX-License-Identifier: Apache-2.0
#include "chain_links.h"

#include <array>
#include <cstdint>
#include <ctime>

#include "caller.h"
#include "library.h"

namespace ibid::openssl {

namespace {

constexpr int longest_chain = 16;

// A chain under verification, leaf first.
struct chain {
    const functions& f;
    X509_STORE_CTX* verification;
    const OPENSSL_STACK* certificates;
    int size;
    unsigned long flags;

    chain(const functions& of, X509_STORE_CTX* v) noexcept
        : f(of), verification(v),
          certificates(reinterpret_cast<const OPENSSL_STACK*>(f.X509_STORE_CTX_get0_chain(v))),
          size(certificates != nullptr ? f.OPENSSL_sk_num(certificates) : 0),
          flags(f.X509_VERIFY_PARAM_get_flags(f.X509_STORE_CTX_get0_param(v))) {}

    [[nodiscard]] X509* operator[](int i) const noexcept {
        return static_cast<X509*>(f.OPENSSL_sk_value(certificates, i));
    }

    // A single certificate has no link. The signature of a root by itself is checked on demand alone, and not remembered.
    [[nodiscard]] bool memorable() const noexcept {
        return size > 1 && size <= longest_chain && (flags & X509_V_FLAG_CHECK_SS_SIGNATURE) == 0;
    }

    // As ossl_x509_check_cert_time, for all of them.
    [[nodiscard]] bool in_time() const noexcept {
        std::time_t given = 0;
        std::time_t* when = nullptr; // now
        if ((flags & X509_V_FLAG_USE_CHECK_TIME) != 0) {
            given = f.X509_VERIFY_PARAM_get_time(f.X509_STORE_CTX_get0_param(verification));
            when = &given;
        } else if ((flags & X509_V_FLAG_NO_CHECK_TIME) != 0) {
            return true;
        }
        for (int i = 0; i < size; ++i) {
            if (f.X509_cmp_time(f.X509_get0_notBefore((*this)[i]), when) >= 0 ||
                f.X509_cmp_time(f.X509_get0_notAfter((*this)[i]), when) <= 0) {
                return false;
            }
        }
        return true;
    }

    // Names, key identifiers, and the issuer's key usage: more than OpenSSL's own step asks for.
    [[nodiscard]] bool rightly_issued() const noexcept {
        for (int i = 0; i + 1 < size; ++i) {
            if (f.X509_check_issued((*this)[i + 1], (*this)[i]) != X509_V_OK) {
                return false;
            }
        }
        return true;
    }
};

// Stands in the hook while libssl verifies. libcrypto calls it, and so tells which one it is: nothing is left behind on the
// thread, where the jobs of an asynchronous engine take turns.
int verify_links(X509_STORE_CTX* verification) {
    library& in = *caller_of(__builtin_return_address(0)).of;
    certificate_cache* const cache = in.certificates();
    const chain c(in.f, verification);
    if (cache == nullptr || !c.memorable()) {
        return in.links().openssls_own()(verification);
    }
    std::array<std::uint64_t, longest_chain> links{};
    bool all_known = true;
    for (int i = 0; i + 1 < c.size; ++i) {
        const auto at = static_cast<std::size_t>(i);
        links[at] = c[i] != c[i + 1] ? cache->link(c[i], in.f.X509_get0_pubkey(c[i + 1])) : 0;
        all_known = all_known && cache->has_verified(c[i], links[at]);
    }
    in.f.ERR_set_mark();
    const bool accepted = all_known && c.in_time() && c.rightly_issued();
    in.f.ERR_pop_to_mark();
    if (accepted) {
        // As it would be left after the last certificate, the leaf.
        in.f.X509_STORE_CTX_set_error_depth(verification, 0);
        in.f.X509_STORE_CTX_set_current_cert(verification, c[0]);
    }
    const int result = accepted ? 1 : in.links().openssls_own()(verification);
    for (int i = 0; i + 1 < c.size; ++i) {
        if (const std::uint64_t link = links[static_cast<std::size_t>(i)]; link != 0) {
            cache->count_verification(link, accepted);
            if (result == 1 && !accepted) {
                cache->set_verified(c[i], link);
            }
        }
    }
    return result;
}

} // namespace

chain_links::chain_links(const functions& f) noexcept {
    f.ERR_set_mark();
    if (X509_STORE_CTX* const fresh = f.X509_STORE_CTX_new()) {
        if (f.X509_STORE_CTX_init(fresh, nullptr, nullptr, nullptr) == 1) {
            verify_ = f.X509_STORE_CTX_get_verify(fresh);
            callback_ = f.X509_STORE_CTX_get_verify_cb(fresh);
        }
        f.X509_STORE_CTX_free(fresh);
    }
    f.ERR_pop_to_mark();
}

int chain_links::verify(const functions& f, X509_STORE_CTX* verification) const {
    const bool nobody_looks = verify_ != nullptr && verification != nullptr &&
                              f.X509_STORE_CTX_get_verify(verification) == verify_ &&
                              f.X509_STORE_CTX_get_verify_cb(verification) == callback_ &&
                              f.X509_STORE_CTX_get_cleanup(verification) == nullptr;
    if (!nobody_looks) {
        return f.X509_verify_cert(verification);
    }
    f.X509_STORE_CTX_set_verify(verification, &verify_links);
    const int result = f.X509_verify_cert(verification);
    f.X509_STORE_CTX_set_verify(verification, verify_);
    return result;
}

} // namespace ibid::openssl
