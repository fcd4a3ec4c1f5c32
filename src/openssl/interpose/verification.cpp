// SPDX-License-Identifier: Apache-2.0
#include "verification.h"

#include <array>
#include <cstdint>
#include <ctime>

#include "openssl/binding/error_queue.h"
#include "parsing.h"

namespace ibid::openssl::interpose {

namespace {

constexpr int longest_chain = 16;

// The algorithms whose providers signature_memo checks.
[[nodiscard]] bool has_common_signature(const functions& f, const X509* x) {
    switch (f.X509_get_signature_nid(x)) {
    case NID_sha1WithRSAEncryption:
    case NID_sha224WithRSAEncryption:
    case NID_sha256WithRSAEncryption:
    case NID_sha384WithRSAEncryption:
    case NID_sha512WithRSAEncryption:
    case NID_rsassaPss:
    case NID_ecdsa_with_SHA1:
    case NID_ecdsa_with_SHA224:
    case NID_ecdsa_with_SHA256:
    case NID_ecdsa_with_SHA384:
    case NID_ecdsa_with_SHA512:
    case NID_ED25519:
    case NID_ED448:
        return true;
    default:
        return false;
    }
}

// Whether a server of this process verifies a client's certificate.
[[nodiscard]] bool is_server(const functions& f, X509_STORE_CTX* verification) {
    const auto* const ssl = static_cast<const SSL*>(
        f.X509_STORE_CTX_get_ex_data(verification, f.SSL_get_ex_data_X509_STORE_CTX_idx()));
    return ssl == nullptr || f.SSL_is_server(ssl) != 0;
}

// A chain under verification, leaf first.
struct chain {
    const functions& f;
    X509_STORE_CTX* verification;
    const OPENSSL_STACK* certificates;
    int size;
    unsigned long flags;

    chain(const functions& of, X509_STORE_CTX* v)
        : f(of), verification(v),
          certificates(reinterpret_cast<const OPENSSL_STACK*>(f.X509_STORE_CTX_get0_chain(v))),
          size(certificates != nullptr ? f.OPENSSL_sk_num(certificates) : 0),
          flags(f.X509_VERIFY_PARAM_get_flags(f.X509_STORE_CTX_get0_param(v))) {}

    [[nodiscard]] X509* operator[](int i) const {
        return static_cast<X509*>(f.OPENSSL_sk_value(certificates, i));
    }

    // A single certificate has no link. A root's signature on itself is only checked on demand, and not
    // remembered.
    [[nodiscard]] bool memorable() const noexcept {
        return size > 1 && size <= longest_chain && (flags & X509_V_FLAG_CHECK_SS_SIGNATURE) == 0;
    }

    // The same as ossl_x509_check_cert_time, for all certificates.
    [[nodiscard]] bool in_time() const {
        const errors_as_before unsaid(f);
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

    // Names, key identifiers, and the issuer's key usage: more than OpenSSL's own step checks.
    [[nodiscard]] bool rightly_issued() const {
        const errors_as_before unsaid(f);
        for (int i = 0; i + 1 < size; ++i) {
            if (f.X509_check_issued((*this)[i + 1], (*this)[i]) != X509_V_OK) {
                return false;
            }
        }
        return true;
    }
};

// With extended CRL support, OpenSSL looks for the issuer of a CRL among all certificates that the peer has
// sent. It compares a candidate by extensions that it has read before, and takes one that it has not read for
// a match. In stock nobody has read those that are not in the chain, so libssl's verification gets such ones.
// (The leaf is read first in any case.)
void give_unread_intermediates(const functions& f, const certificate_cache& cache,
                               X509_STORE_CTX* verification) {
    const unsigned long flags = f.X509_VERIFY_PARAM_get_flags(f.X509_STORE_CTX_get0_param(verification));
    auto* const sent = reinterpret_cast<OPENSSL_STACK*>(f.X509_STORE_CTX_get0_untrusted(verification));
    if ((flags & X509_V_FLAG_EXTENDED_CRL_SUPPORT) == 0 || sent == nullptr) {
        return;
    }
    const errors_as_before unsaid(f);
    for (int i = 1; i < f.OPENSSL_sk_num(sent); ++i) {
        auto* const x = static_cast<X509*>(f.OPENSSL_sk_value(sent, i));
        X509* const unread = cache.origin(x) != nullptr ? cache.duplicate(x) : nullptr;
        if (unread != nullptr) {
            (void)f.OPENSSL_sk_set(sent, i, unread);
            f.X509_free(x);
        }
    }
}

} // namespace

int verify_link(libcrypto& of, X509* subject, EVP_PKEY* issuer) {
    const functions& f = of.f;
    certificate_cache* const cache = of.made_certificates();
    if (cache == nullptr || !of.remembers_signatures() || !cache->shares(subject) ||
        !has_common_signature(f, subject)) {
        return f.X509_verify(subject, issuer);
    }
    // An authority's certificate says nothing about who was here; a peer's own does.
    const bool tells_nothing = environment().privacy == privacy_setting::off ||
                               (environment().privacy == privacy_setting::standard &&
                                (f.X509_get_extension_flags(subject) & EXFLAG_CA) != 0);
    return tells_nothing ? cache->verify(subject, issuer) : f.X509_verify(subject, issuer);
}

int verify_chain(libcrypto& of, X509_STORE_CTX* verification) {
    certificate_cache* const cache = of.made_certificates();
    const functions& f = of.f;
    const chain c(f, verification);
    if (cache == nullptr || !c.memorable()) {
        return of.verification_hook().openssls_own()(verification);
    }
    std::array<std::uint64_t, longest_chain> links{};
    bool all_known = true;
    for (int i = 0; i + 1 < c.size; ++i) {
        const auto at = static_cast<std::size_t>(i);
        links[at] = c[i] != c[i + 1] && has_common_signature(f, c[i])
                        ? cache->link(c[i], f.X509_get0_pubkey(c[i + 1]))
                        : 0;
        all_known = all_known && cache->has_verified(c[i], links[at]);
    }
    const bool accepted = all_known && c.in_time() && c.rightly_issued();
    if (accepted) {
        // The state that OpenSSL leaves after the last certificate, the leaf.
        f.X509_STORE_CTX_set_error_depth(verification, 0);
        f.X509_STORE_CTX_set_current_cert(verification, c[0]);
    }
    const int result = accepted ? 1 : of.verification_hook().openssls_own()(verification);
    for (int i = 0; i + 1 < c.size; ++i) {
        if (const std::uint64_t link = links[static_cast<std::size_t>(i)]; link != 0) {
            if (accepted || of.symbolic() || i == 0) { // else verify_link() has counted it
                cache->count_verification(link, accepted);
            }
            if (result == 1 && !accepted) {
                cache->set_verified(c[i], link);
            }
        }
    }
    return result;
}

int verify_certificate(libcrypto& of, X509_STORE_CTX* verification, X509_STORE_CTX_verify_fn chains) {
    const functions& f = of.f;
    certificate_cache* const cache = of.made_certificates();
    const bool by_libssl = cache != nullptr && chains != nullptr && verification != nullptr && f.has_libssl();
    const bool of_server = by_libssl && is_server(f, verification);
    if (by_libssl) {
        learn_whose(of, f.X509_STORE_CTX_get0_cert(verification), of_server);
        give_unread_intermediates(f, *cache, verification);
    }
    if (cache != nullptr && cache->has_foreign_algorithms()) {
        of.stop_retaining();
    }
    // Known chains are recognized only if the program cannot inspect the verification, and if this reveals
    // nothing to a client about other clients.
    const bool recognises = by_libssl && (!of_server || environment().privacy == privacy_setting::off) &&
                            of.remembers_signatures() && of.verification_hook().openssls_own() != nullptr &&
                            of.verification_hook().is_unobserved(f, verification);
    if (recognises) {
        f.X509_STORE_CTX_set_verify(verification, chains);
    }
    const int result = f.X509_verify_cert(verification);
    if (recognises) {
        f.X509_STORE_CTX_set_verify(verification, of.verification_hook().openssls_own());
    }
    if (cache != nullptr && result > 0 && f.X509_STORE_CTX_get_error(verification) == X509_V_OK) {
        // X509_STORE_CTX's chain is a stack of X509; the typed sk_ functions are macros over these two.
        const auto* const chain =
            reinterpret_cast<const OPENSSL_STACK*>(f.X509_STORE_CTX_get0_chain(verification));
        for (int i = 0; i < f.OPENSSL_sk_num(chain); ++i) {
            cache->protect(static_cast<X509*>(f.OPENSSL_sk_value(chain, i)));
        }
    }
    of.publish();
    return result;
}

} // namespace ibid::openssl::interpose
