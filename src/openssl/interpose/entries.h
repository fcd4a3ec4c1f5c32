// SPDX-License-Identifier: Apache-2.0
//
// The functions that ibid intercepts, and the entry point of each for each libcrypto and each kind of module.
//
// Law: an entry point knows its libcrypto and the kind of its caller, because each pair has an entry point of
// its own, and only slots of such modules lead to it (scan/scan.h). No return address is read, and no call
// fails because the caller is unknown.
#pragma once

#include <array>
#include <cstdint>

#include "openssl/binding/functions.h"

namespace ibid::openssl::interpose {

enum class module_kind : std::uint8_t { libssl, libcrypto, reader, attacher, writer };

// X(name): in libcrypto.
#define IBID_INTERCEPTED_IN_LIBCRYPTO(X)                                                                     \
    X(X509_new_ex)                                                                                           \
    X(d2i_X509)                                                                                              \
    X(d2i_X509_AUX)                                                                                          \
    X(d2i_X509_bio)                                                                                          \
    X(d2i_X509_fp)                                                                                           \
    X(PEM_read_X509)                                                                                         \
    X(PEM_read_X509_AUX)                                                                                     \
    X(PEM_read_bio_X509)                                                                                     \
    X(PEM_read_bio_X509_AUX)                                                                                 \
    X(ASN1_item_d2i)                                                                                         \
    X(ASN1_item_d2i_ex)                                                                                      \
    X(X509_it)                                                                                               \
    X(X509_verify)                                                                                           \
    X(X509_verify_cert)                                                                                      \
    X(X509_load_cert_file)                                                                                   \
    X(X509_load_cert_file_ex)                                                                                \
    X(X509_load_cert_crl_file)                                                                               \
    X(X509_load_cert_crl_file_ex)                                                                            \
    X(X509_load_crl_file)                                                                                    \
    X(X509_STORE_load_file)                                                                                  \
    X(X509_STORE_load_file_ex)                                                                               \
    X(X509_STORE_load_locations)                                                                             \
    X(X509_STORE_load_locations_ex)                                                                          \
    X(X509_STORE_set_default_paths)                                                                          \
    X(X509_STORE_set_default_paths_ex)                                                                       \
    X(X509_LOOKUP_ctrl)                                                                                      \
    X(X509_LOOKUP_ctrl_ex)                                                                                   \
    X(CRYPTO_get_ex_new_index)                                                                               \
    X(CRYPTO_free_ex_index)                                                                                  \
    X(X509_get_ex_data)                                                                                      \
    X(EVP_PKEY_get_ex_data)                                                                                  \
    X(EVP_PKEY_set_ex_data)                                                                                  \
    X(X509_STORE_get_ex_data)                                                                                \
    X(X509_STORE_set_ex_data)                                                                                \
    X(OSSL_LIB_CTX_set0_default)                                                                             \
    X(OSSL_LIB_CTX_free)                                                                                     \
    X(OPENSSL_cleanup)                                                                                       \
    X(X509_STORE_lock)                                                                                       \
    X(X509_STORE_unlock)                                                                                     \
    X(X509_STORE_add_cert)                                                                                   \
    IBID_OPENSSL_HOLDERS(X)                                                                                  \
    IBID_OPENSSL_EXPOSURES(X)                                                                                \
    IBID_OPENSSL_REVELATIONS(X)                                                                              \
    X(X509_get0_signature)                                                                                   \
    X(X509_get_X509_PUBKEY)                                                                                  \
    IBID_OPENSSL_RECONFIGURATIONS(X)

// Functions that give a program an object that may be shared, and functions that use it. For attachers and
// writers.
#define IBID_INTERCEPTED_FOR_WRITERS(X)                                                                      \
    X(X509_STORE_CTX_get_current_cert)                                                                       \
    X(X509_STORE_CTX_get0_cert)                                                                              \
    X(X509_STORE_CTX_get0_current_issuer)                                                                    \
    X(X509_STORE_CTX_get0_chain)                                                                             \
    X(X509_STORE_CTX_get1_chain)                                                                             \
    X(X509_STORE_CTX_get0_untrusted)                                                                         \
    X(X509_STORE_CTX_get1_certs)                                                                             \
    X(X509_STORE_CTX_get1_crls)                                                                              \
    X(X509_STORE_CTX_get1_issuer)                                                                            \
    X(X509_STORE_CTX_get_by_subject)                                                                         \
    X(X509_STORE_CTX_get_obj_by_subject)                                                                     \
    X(X509_STORE_get0_objects)                                                                               \
    X(X509_STORE_get1_all_certs)                                                                             \
    X(X509_STORE_get1_objects)                                                                               \
    X(X509_STORE_get_get_issuer)                                                                             \
    X(X509_STORE_get_lookup_certs)                                                                           \
    X(X509_STORE_CTX_get_get_issuer)                                                                         \
    X(X509_STORE_CTX_get_lookup_certs)                                                                       \
    X(X509_LOOKUP_by_alias)                                                                                  \
    X(X509_LOOKUP_by_fingerprint)                                                                            \
    X(X509_LOOKUP_by_issuer_serial)                                                                          \
    X(X509_LOOKUP_by_subject)                                                                                \
    X(X509_LOOKUP_by_subject_ex)                                                                             \
    X(X509_set_ex_data)                                                                                      \
    X(X509_up_ref)                                                                                           \
    X(X509_free)

// The same of libssl.
#define IBID_INTERCEPTED_IN_LIBSSL(X)                                                                        \
    X(SSL_get0_peer_certificate)                                                                             \
    X(SSL_get1_peer_certificate)                                                                             \
    X(SSL_get_peer_cert_chain)                                                                               \
    X(SSL_get0_verified_chain)                                                                               \
    X(SSL_get0_dane_authority)                                                                               \
    X(SSL_CTX_add_custom_ext)                                                                                \
    X(SSL_SESSION_get0_peer)                                                                                 \
    IBID_LIBSSL_HOLDERS(X)                                                                                   \
    X(SSL_CTX_ctrl)                                                                                          \
    X(SSL_ctrl)                                                                                              \
    X(SSL_SESSION_get_ex_data)                                                                               \
    X(SSL_SESSION_set_ex_data)                                                                               \
    X(SSL_get_ex_data)                                                                                       \
    X(SSL_set_ex_data)

enum class function_id : std::uint8_t {
#define IBID_ID(name) name,
    IBID_INTERCEPTED_IN_LIBCRYPTO(IBID_ID) IBID_INTERCEPTED_FOR_WRITERS(IBID_ID)
        IBID_INTERCEPTED_IN_LIBSSL(IBID_ID)
#undef IBID_ID
            dlopen,
    dlmopen,
    dlsym,
    dlvsym,
    dlclose,
    chroot,
    count
};

constexpr auto function_count = static_cast<std::size_t>(function_id::count);

// The C library's: the dynamic linker's functions, and chroot().
[[nodiscard]] constexpr bool is_of_linker(function_id id) noexcept {
    return id >= function_id::dlopen;
}
// Parses into an object of the program, which may be shared.
[[nodiscard]] constexpr bool is_parser(function_id id) noexcept {
    return id >= function_id::d2i_X509 && id <= function_id::ASN1_item_d2i_ex;
}
// Gives a program a pointer into a certificate; this is recorded.
[[nodiscard]] constexpr bool exposes(function_id id) noexcept {
    return id >= function_id::X509_get_serialNumber && id <= function_id::X509_get_X509_PUBKEY;
}
// Takes references to certificates that it is given.
[[nodiscard]] constexpr bool holds(function_id id) noexcept {
    return (id >= function_id::X509_STORE_add_cert && id <= function_id::X509_OBJECT_set1_X509) ||
           (id >= function_id::SSL_CTX_use_certificate && id <= function_id::SSL_ctrl);
}
// Takes an index of ex_data.
[[nodiscard]] constexpr bool takes_index(function_id id) noexcept {
    return (id >= function_id::CRYPTO_free_ex_index && id <= function_id::X509_STORE_set_ex_data) ||
           id == function_id::X509_set_ex_data ||
           (id >= function_id::SSL_SESSION_get_ex_data && id <= function_id::SSL_set_ex_data);
}
// Locks a store for the program, or unlocks it; these are recorded.
[[nodiscard]] constexpr bool locks(function_id id) noexcept {
    return id == function_id::X509_STORE_lock || id == function_id::X509_STORE_unlock;
}
[[nodiscard]] constexpr bool is_for_writers(function_id id) noexcept {
    return id >= function_id::X509_STORE_CTX_get_current_cert && id <= function_id::SSL_SESSION_get0_peer;
}

// The entry point of `id` for modules of this kind, bound to libcrypto number `n`; null: do not change the
// slot.
[[nodiscard]] void* entry_point(function_id id, module_kind kind, unsigned n) noexcept;

} // namespace ibid::openssl::interpose
