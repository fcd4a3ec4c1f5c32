// SPDX-License-Identifier: Apache-2.0
#include "eligibility.h"

#include <cstdint>
#include <span>
#include <string_view>

#include "der.h"
#include "policy_extensions.h"

namespace ibid::openssl {

namespace {

[[nodiscard]] bool is_built_in(const OSSL_PROVIDER* provider, const functions& f) {
    if (provider == nullptr) {
        return false; // a key of an engine, or with a method of the program
    }
    const char* const name = f.OSSL_PROVIDER_get0_name(provider);
    using namespace std::string_view_literals;
    return name != nullptr && (name == "default"sv || name == "fips"sv);
}

[[nodiscard]] std::span<const unsigned char> value_of(const functions& f, const X509* x, int at) {
    const ASN1_OCTET_STRING* const value = f.X509_EXTENSION_get_data(f.X509_get_ext(x, at));
    return {f.ASN1_STRING_get0_data(value), static_cast<std::size_t>(f.ASN1_STRING_length(value))};
}

// OpenSSL writes out a name relative to the CRL's issuer when it first looks at the extensions. If it cannot,
// the first use of the object fails, and each later use ignores the extensions after it.
[[nodiscard]] bool has_relative_distribution_point(const functions& f, const X509* x) {
    const int at = f.X509_get_ext_by_NID(x, NID_crl_distribution_points, -1);
    return at >= 0 && has_relative_name(value_of(f, x, at));
}

[[nodiscard]] bool has_sound_policies(const functions& f, const X509* x) {
    constexpr struct {
        int id;
        bool (*is_sound)(std::span<const unsigned char>) noexcept;
    } all[] = {
        {NID_certificate_policies, &are_sound_policies},
        {NID_policy_mappings, &are_sound_mappings},
        {NID_policy_constraints, &are_sound_constraints},
        {NID_inhibit_any_policy, &is_sound_skip},
    };
    for (const auto& extension : all) {
        const int at = f.X509_get_ext_by_NID(x, extension.id, -1);
        if (at >= 0 &&
            (!extension.is_sound(value_of(f, x, at)) || f.X509_get_ext_by_NID(x, extension.id, at) >= 0)) {
            return false;
        }
    }
    return true;
}

[[nodiscard]] bool is_sound(std::uint32_t flags) noexcept {
    constexpr std::uint32_t unsound = EXFLAG_INVALID | EXFLAG_NO_FINGERPRINT | EXFLAG_INVALID_POLICY;
    return (flags & unsound) == 0;
}

} // namespace

bool has_plain_key(const functions& f, const X509* x) {
    const EVP_PKEY* const key = f.X509_get0_pubkey(x);
    return key != nullptr && is_built_in(f.EVP_PKEY_get0_provider(key), f) &&
           f.EVP_PKEY_missing_parameters(key) == 0 && f.EVP_PKEY_get_bits(key) > 0 &&
           f.EVP_PKEY_get_security_bits(key) > 0 && f.EVP_PKEY_get_size(key) > 0;
}

bool has_known_signature(const functions& f, const X509* x) {
    return f.OBJ_find_sigid_algs(f.X509_get_signature_nid(x), nullptr, nullptr) != 0;
}

bool has_trust_settings(const functions& f, const X509* x) {
    return f.i2d_X509_AUX(x, nullptr) != f.i2d_X509(x, nullptr);
}

// OpenSSL 3.0 can clear the whole queue when it finds a fault (an ERR_pop_to_mark without its mark). The
// program's errors must not be lost for this check. libssl and the loads of trust files come here with an
// empty queue, and parsing.cpp ensures the same for a program's own parses.
bool has_sound_extensions(const functions& f, X509* x) {
    if (has_relative_distribution_point(f, x) || !has_sound_policies(f, x)) {
        return false;
    }
    if (f.ERR_peek_error() != 0) {
        return false;
    }
    const std::uint32_t flags = f.X509_get_extension_flags(x);
    // Self-issued but not self-signed: there are few of them, and without memory a self-signed one looks the
    // same.
    const bool self_issued = (flags & (EXFLAG_SI | EXFLAG_SS)) == EXFLAG_SI;
    // Only these algorithms have parameters that take memory.
    const bool known_signature = f.X509_get_signature_nid(x) != NID_rsassaPss ||
                                 f.X509_get_signature_info(x, nullptr, nullptr, nullptr, nullptr) == 1;
    const bool sound = is_sound(flags) && !self_issued && known_signature;
    f.ERR_clear_error();
    return sound;
}

bool has_sound_extensions(const functions& f, X509* duplicate, X509* original) {
    if (f.ERR_peek_error() == 0) {
        return has_sound_extensions(f, duplicate);
    }
    return is_sound(f.X509_get_extension_flags(original)) && is_sound(f.X509_get_extension_flags(duplicate));
}

} // namespace ibid::openssl
