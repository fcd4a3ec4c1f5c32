// SPDX-License-Identifier: Apache-2.0
//
// The public OpenSSL functions that ibid calls, as one table of pointers for each libcrypto in the process.
//
// Law: ibid calls OpenSSL only through such a table, never by a symbol reference. The preload must not pull a
// libcrypto into programs that have none, must find one that the program loads later and privately (dlopen
// with RTLD_LOCAL), and must not confuse two of them.
#pragma once

#include <openssl/asn1t.h>
#include <openssl/conf.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "extent.h"
#include "other_versions.h"
#include "versions.h"

namespace ibid::openssl {

// Each returns a pointer into a certificate (its first argument), through which a caller may write without a
// further call.
#define IBID_OPENSSL_EXPOSURES(X)                                                                            \
    X(X509_get_serialNumber)                                                                                 \
    X(X509_get0_serialNumber)                                                                                \
    X(X509_getm_notBefore)                                                                                   \
    X(X509_getm_notAfter)                                                                                    \
    X(X509_get0_notBefore)                                                                                   \
    X(X509_get0_notAfter)                                                                                    \
    X(X509_get_issuer_name)                                                                                  \
    X(X509_get_subject_name)                                                                                 \
    X(X509_get0_pubkey_bitstr)                                                                               \
    X(X509_get_ext)                                                                                          \
    X(X509_get0_extensions)

// The same, for parts that ibid cannot compare: such a certificate is no longer shared.
#define IBID_OPENSSL_REVELATIONS(X)                                                                          \
    X(X509_get0_tbs_sigalg)                                                                                  \
    X(X509_get0_subject_key_id)                                                                              \
    X(X509_get0_authority_key_id)                                                                            \
    X(X509_get0_authority_issuer)                                                                            \
    X(X509_get0_authority_serial)                                                                            \
    X(X509_get0_uids)

// Each takes a reference to certificates that it is given, in a place from which the program may get it back.
#define IBID_OPENSSL_HOLDERS(X)                                                                              \
    X(X509_chain_up_ref)                                                                                     \
    X(X509_add_cert)                                                                                         \
    X(X509_add_certs)                                                                                        \
    X(X509_OBJECT_set1_X509)

// The same in libssl.
#define IBID_LIBSSL_HOLDERS(X)                                                                               \
    X(SSL_CTX_use_certificate)                                                                               \
    X(SSL_use_certificate)                                                                                   \
    X(SSL_CTX_use_cert_and_key)                                                                              \
    X(SSL_use_cert_and_key)

// Functions that ibid requires. All are in libcrypto from 3.0 to 4.0. Those that are used for each
// certificate come first, so that they are adjacent in memory.
#define IBID_OPENSSL_FUNCTIONS(X)                                                                            \
    X(X509_it)                                                                                               \
    X(ASN1_item_d2i)                                                                                         \
    X(ASN1_item_d2i_ex)                                                                                      \
    X(d2i_X509)                                                                                              \
    X(OSSL_LIB_CTX_set0_default)                                                                             \
    X(OSSL_LIB_CTX_get0_global_default)                                                                      \
    X(X509_get0_pubkey)                                                                                      \
    X(EVP_PKEY_get_ex_data)                                                                                  \
    X(EVP_PKEY_get0_provider)                                                                                \
    X(OSSL_PROVIDER_get0_name)                                                                               \
    X(EVP_PKEY_missing_parameters)                                                                           \
    X(EVP_PKEY_get_bits)                                                                                     \
    X(EVP_PKEY_get_security_bits)                                                                            \
    X(EVP_PKEY_get_size)                                                                                     \
    X(ERR_set_mark)                                                                                          \
    X(ERR_pop_to_mark)                                                                                       \
    X(X509_set_ex_data)                                                                                      \
    X(X509_up_ref)                                                                                           \
    X(OpenSSL_version_num)                                                                                   \
    X(OpenSSL_version)                                                                                       \
    X(CRYPTO_get_ex_data)                                                                                    \
    X(CRYPTO_get_ex_new_index)                                                                               \
    X(CRYPTO_free_ex_index)                                                                                  \
    X(OSSL_LIB_CTX_free)                                                                                     \
    X(X509_new_ex)                                                                                           \
    X(X509_free)                                                                                             \
    X(X509_verify)                                                                                           \
    X(ASN1_item_ex_d2i)                                                                                      \
    X(EVP_PKEY_set_ex_data)                                                                                  \
    X(ASN1_STRING_get0_data)                                                                                 \
    X(ASN1_STRING_length)                                                                                    \
    X(X509_EXTENSION_get_data)                                                                               \
    X(ASN1_STRING_type)                                                                                      \
    X(X509_NAME_entry_count)                                                                                 \
    X(X509_NAME_get_entry)                                                                                   \
    X(X509_NAME_ENTRY_get_data)                                                                              \
    IBID_OPENSSL_EXPOSURES(X)                                                                                \
    IBID_OPENSSL_REVELATIONS(X)                                                                              \
    X(X509_get0_signature)                                                                                   \
    X(X509_get_X509_PUBKEY)                                                                                  \
    X(i2d_X509_PUBKEY)                                                                                       \
    X(X509_get_ex_data)                                                                                      \
    X(X509_get_ext_by_NID)                                                                                   \
    X(X509_get_extension_flags)                                                                              \
    X(X509_get_signature_info)                                                                               \
    X(OBJ_find_sigid_algs)                                                                                   \
    X(X509_get_signature_nid)                                                                                \
    X(X509_STORE_CTX_get0_chain)                                                                             \
    X(X509_STORE_CTX_get_error)                                                                              \
    X(X509_STORE_CTX_get_error_depth)                                                                        \
    X(X509_STORE_CTX_get_num_untrusted)                                                                      \
    X(X509_verify_cert)                                                                                      \
    X(OPENSSL_init_crypto)                                                                                   \
    X(OPENSSL_sk_num)                                                                                        \
    X(OPENSSL_sk_value)                                                                                      \
    X(d2i_X509_AUX)                                                                                          \
    X(X509_load_cert_file)                                                                                   \
    X(X509_load_cert_file_ex)                                                                                \
    X(X509_load_cert_crl_file)                                                                               \
    X(X509_load_cert_crl_file_ex)                                                                            \
    X(X509_load_crl_file)                                                                                    \
    X(BIO_free)                                                                                              \
    X(BIO_new_mem_buf)                                                                                       \
    X(CRYPTO_free)                                                                                           \
    X(ERR_clear_last_mark)                                                                                   \
    X(ERR_clear_error)                                                                                       \
    X(ERR_new)                                                                                               \
    X(ERR_peek_error)                                                                                        \
    X(ERR_peek_last_error)                                                                                   \
    X(OPENSSL_cleanup)                                                                                       \
    X(ERR_set_error)                                                                                         \
    X(OPENSSL_sk_pop)                                                                                        \
    X(OPENSSL_sk_pop_free)                                                                                   \
    X(OPENSSL_sk_push)                                                                                       \
    X(OPENSSL_sk_reserve)                                                                                    \
    X(PEM_X509_INFO_read_bio_ex)                                                                             \
    X(PEM_read_bio_X509_CRL)                                                                                 \
    X(X509_CRL_free)                                                                                         \
    X(X509_CRL_up_ref)                                                                                       \
    X(X509_INFO_free)                                                                                        \
    X(X509_LOOKUP_get_store)                                                                                 \
    X(X509_OBJECT_free)                                                                                      \
    X(X509_OBJECT_get0_X509)                                                                                 \
    X(X509_OBJECT_get0_X509_CRL)                                                                             \
    X(X509_OBJECT_new)                                                                                       \
    IBID_OPENSSL_HOLDERS(X)                                                                                  \
    X(X509_OBJECT_set1_X509_CRL)                                                                             \
    X(OPENSSL_sk_set)                                                                                        \
    X(X509_LOOKUP_file)                                                                                      \
    X(X509_STORE_CTX_get0_cert)                                                                              \
    X(X509_STORE_CTX_get0_untrusted)                                                                         \
    X(X509_STORE_CTX_set_cert)                                                                               \
    X(X509_STORE_add_lookup)                                                                                 \
    X(X509_STORE_load_file_ex)                                                                               \
    X(X509_STORE_load_file)                                                                                  \
    X(X509_STORE_add_cert)                                                                                   \
    X(X509_CRL_get0_by_serial)                                                                               \
    X(X509_CRL_get_REVOKED)                                                                                  \
    X(X509_CRL_match)                                                                                        \
    X(X509_REVOKED_get0_serialNumber)                                                                        \
    X(X509_STORE_add_crl)                                                                                    \
    X(X509_STORE_free)                                                                                       \
    X(X509_STORE_get0_objects)                                                                               \
    X(X509_STORE_get_ex_data)                                                                                \
    X(X509_STORE_lock)                                                                                       \
    X(X509_STORE_new)                                                                                        \
    X(X509_STORE_set_ex_data)                                                                                \
    X(X509_STORE_unlock)                                                                                     \
    X(X509_LOOKUP_ctrl)                                                                                      \
    X(X509_LOOKUP_ctrl_ex)                                                                                   \
    X(X509_LOOKUP_hash_dir)                                                                                  \
    X(X509_LOOKUP_store)                                                                                     \
    X(X509_STORE_CTX_free)                                                                                   \
    X(X509_STORE_CTX_get0_param)                                                                             \
    X(X509_STORE_CTX_get_cleanup)                                                                            \
    X(X509_STORE_CTX_get_verify)                                                                             \
    X(X509_STORE_CTX_get_verify_cb)                                                                          \
    X(X509_STORE_CTX_init)                                                                                   \
    X(X509_STORE_CTX_new)                                                                                    \
    X(X509_STORE_CTX_set_current_cert)                                                                       \
    X(X509_STORE_CTX_set_error_depth)                                                                        \
    X(X509_STORE_CTX_set_verify)                                                                             \
    X(X509_STORE_load_locations)                                                                             \
    X(X509_STORE_load_locations_ex)                                                                          \
    X(X509_STORE_load_path)                                                                                  \
    X(X509_STORE_set_default_paths)                                                                          \
    X(X509_STORE_set_default_paths_ex)                                                                       \
    X(X509_VERIFY_PARAM_get_flags)                                                                           \
    X(X509_VERIFY_PARAM_get_time)                                                                            \
    X(X509_check_issued)                                                                                     \
    X(X509_cmp_time)                                                                                         \
    X(X509_get_default_cert_file)                                                                            \
    X(X509_get_default_cert_file_env)                                                                        \
    X(d2i_X509_CRL)                                                                                          \
    X(ASN1_item_ex_free)                                                                                     \
    X(ASN1_item_ex_i2d)                                                                                      \
    X(ASN1_item_ex_new)                                                                                      \
    X(CRYPTO_get_mem_functions)                                                                              \
    X(CRYPTO_malloc)                                                                                         \
    X(CRYPTO_realloc)                                                                                        \
    X(OPENSSL_sk_free)                                                                                       \
    X(OPENSSL_sk_new_reserve)                                                                                \
    X(OSSL_PROVIDER_do_all)                                                                                  \
    X(OSSL_PROVIDER_get0_dispatch)                                                                           \
    X(X509_CRL_dup)                                                                                          \
    X(X509_STORE_CTX_get_ex_data)                                                                            \
    X(X509_STORE_CTX_get0_store)                                                                             \
    X(X509_dup)                                                                                              \
    X(i2d_X509)                                                                                              \
    X(i2d_X509_AUX)

// How OpenSSL reports its end. Not in 4.0, which ends in a destructor if OPENSSL_cleanup() was called before.
#define IBID_OPENSSL_END(X) X(OPENSSL_atexit)

// Functions that parse into a certificate that the caller may give, and functions that take a certificate as
// an ASN.1 value.
#define IBID_OPENSSL_DECODERS(X)                                                                             \
    X(d2i_X509_bio)                                                                                          \
    X(d2i_X509_fp)                                                                                           \
    X(PEM_read_X509)                                                                                         \
    X(PEM_read_X509_AUX)                                                                                     \
    X(PEM_read_bio_X509)                                                                                     \
    X(PEM_read_bio_X509_AUX)

// Functions that give a program certificates or CRLs that ibid may share.
#define IBID_OPENSSL_GETTERS(X)                                                                              \
    X(X509_LOOKUP_by_alias)                                                                                  \
    X(X509_LOOKUP_by_fingerprint)                                                                            \
    X(X509_LOOKUP_by_issuer_serial)                                                                          \
    X(X509_LOOKUP_by_subject)                                                                                \
    X(X509_LOOKUP_by_subject_ex)                                                                             \
    X(X509_STORE_CTX_get0_current_issuer)                                                                    \
    X(X509_STORE_CTX_get1_certs)                                                                             \
    X(X509_STORE_CTX_get1_chain)                                                                             \
    X(X509_STORE_CTX_get1_crls)                                                                              \
    X(X509_STORE_CTX_get1_issuer)                                                                            \
    X(X509_STORE_CTX_get_by_subject)                                                                         \
    X(X509_STORE_CTX_get_current_cert)                                                                       \
    X(X509_STORE_CTX_get_get_issuer)                                                                         \
    X(X509_STORE_CTX_get_lookup_certs)                                                                       \
    X(X509_STORE_CTX_get_obj_by_subject)                                                                     \
    X(X509_STORE_get1_all_certs)                                                                             \
    X(X509_STORE_get1_objects)                                                                               \
    X(X509_STORE_get_get_issuer)                                                                             \
    X(X509_STORE_get_lookup_certs)

// Calls after which a signature that verified might not verify again: providers, default properties,
// configuration, engines come or go. Some are missing in some versions and builds; a module that calls one
// has it.
#define IBID_OPENSSL_RECONFIGURATIONS(X)                                                                     \
    X(OSSL_PROVIDER_load)                                                                                    \
    X(OSSL_PROVIDER_try_load)                                                                                \
    X(OSSL_PROVIDER_unload)                                                                                  \
    X(OSSL_PROVIDER_add_builtin)                                                                             \
    X(EVP_set_default_properties)                                                                            \
    X(EVP_default_properties_enable_fips)                                                                    \
    X(OSSL_LIB_CTX_load_config)                                                                              \
    X(CONF_modules_load)                                                                                     \
    X(CONF_modules_load_file)                                                                                \
    X(CONF_modules_load_file_ex)                                                                             \
    X(CONF_modules_unload)                                                                                   \
    X(CONF_modules_finish)                                                                                   \
    X(EVP_PKEY_meth_add0)                                                                                    \
    X(EVP_PKEY_meth_remove)                                                                                  \
    IBID_OPENSSL_ENGINES(X)

// An engine begins or ceases to offer algorithms. Not in 4.0.
#define IBID_OPENSSL_ENGINES(X)                                                                              \
    X(ENGINE_set_default)                                                                                    \
    X(ENGINE_set_default_string)                                                                             \
    X(ENGINE_register_all_complete)                                                                          \
    X(ENGINE_register_complete)                                                                              \
    X(ENGINE_register_RSA)                                                                                   \
    X(ENGINE_register_DSA)                                                                                   \
    X(ENGINE_register_EC)                                                                                    \
    X(ENGINE_register_digests)                                                                               \
    X(ENGINE_register_pkey_meths)                                                                            \
    X(ENGINE_register_pkey_asn1_meths)                                                                       \
    X(ENGINE_set_default_RSA)                                                                                \
    X(ENGINE_set_default_DSA)                                                                                \
    X(ENGINE_set_default_EC)                                                                                 \
    X(ENGINE_set_default_digests)                                                                            \
    X(ENGINE_set_default_pkey_meths)                                                                         \
    X(ENGINE_set_default_pkey_asn1_meths)                                                                    \
    X(ENGINE_register_all_RSA)                                                                               \
    X(ENGINE_register_all_DSA)                                                                               \
    X(ENGINE_register_all_EC)                                                                                \
    X(ENGINE_register_all_digests)                                                                           \
    X(ENGINE_register_all_pkey_meths)                                                                        \
    X(ENGINE_register_all_pkey_asn1_meths)                                                                   \
    X(ENGINE_unregister_RSA)                                                                                 \
    X(ENGINE_unregister_DSA)                                                                                 \
    X(ENGINE_unregister_EC)                                                                                  \
    X(ENGINE_unregister_digests)                                                                             \
    X(ENGINE_unregister_pkey_meths)                                                                          \
    X(ENGINE_unregister_pkey_asn1_meths)

// Tells whether an engine offers an algorithm. Missing in 4.0 and in builds without engines.
#define IBID_OPENSSL_ENGINE_QUERIES(X)                                                                       \
    X(ENGINE_get_default_RSA)                                                                                \
    X(ENGINE_get_default_EC)                                                                                 \
    X(ENGINE_get_digest_engine)                                                                              \
    X(ENGINE_get_pkey_meth_engine)                                                                           \
    X(ENGINE_finish)

// Functions of libssl.
#define IBID_LIBSSL_FUNCTIONS(X)                                                                             \
    IBID_LIBSSL_HOLDERS(X)                                                                                   \
    X(SSL_CTX_ctrl)                                                                                          \
    X(SSL_CTX_get_cert_store)                                                                                \
    X(SSL_CTX_new)                                                                                           \
    X(SSL_CTX_use_certificate_ASN1)                                                                          \
    X(SSL_get_ex_data_X509_STORE_CTX_idx)                                                                    \
    X(SSL_ctrl)                                                                                              \
    X(SSL_get_SSL_CTX)                                                                                       \
    X(SSL_get_session)                                                                                       \
    X(SSL_is_server)                                                                                         \
    X(SSL_session_reused)                                                                                    \
    X(SSL_use_certificate_ASN1)                                                                              \
    X(SSL_get0_peer_certificate)                                                                             \
    X(SSL_get1_peer_certificate)                                                                             \
    X(SSL_get_peer_cert_chain)                                                                               \
    X(SSL_get0_verified_chain)                                                                               \
    X(SSL_get0_dane_authority)                                                                               \
    X(SSL_CTX_add_custom_ext)                                                                                \
    X(SSL_SESSION_get0_peer)                                                                                 \
    X(SSL_SESSION_get_ex_data)                                                                               \
    X(SSL_SESSION_set_ex_data)                                                                               \
    X(SSL_get_ex_data)                                                                                       \
    X(SSL_set_ex_data)

struct functions {
#define IBID_POINTER(name) decltype(&::name) name = nullptr;
    IBID_OPENSSL_FUNCTIONS(IBID_POINTER)
    IBID_OPENSSL_END(IBID_POINTER)
    IBID_OPENSSL_DECODERS(IBID_POINTER)
    IBID_OPENSSL_GETTERS(IBID_POINTER)
    IBID_OPENSSL_RECONFIGURATIONS(IBID_POINTER)
    IBID_OPENSSL_ENGINE_QUERIES(IBID_POINTER)
    IBID_LIBSSL_FUNCTIONS(IBID_POINTER)
#undef IBID_POINTER

    // The addresses of libcrypto's code and data.
    extent libcrypto;

    // Fills the part of the table for libcrypto, or for libssl. find(name): the address of a function, or
    // null if it does not exist.
    template <class Find>
    void take_libcrypto(Find find) {
#define IBID_TAKE(name) this->name = reinterpret_cast<decltype(&::name)>(find(#name));
        IBID_OPENSSL_FUNCTIONS(IBID_TAKE)
        IBID_OPENSSL_END(IBID_TAKE)
        IBID_OPENSSL_DECODERS(IBID_TAKE)
        IBID_OPENSSL_GETTERS(IBID_TAKE)
        IBID_OPENSSL_RECONFIGURATIONS(IBID_TAKE)
        IBID_OPENSSL_ENGINE_QUERIES(IBID_TAKE)
    }
    template <class Find>
    void take_libssl(Find find) {
        IBID_LIBSSL_FUNCTIONS(IBID_TAKE)
#undef IBID_TAKE
    }

    // Whether all required functions of libcrypto, or of libssl, were found.
    [[nodiscard]] bool complete() const noexcept;
    [[nodiscard]] bool has_libssl() const noexcept;

    [[nodiscard]] openssl_version version() const {
        return openssl_version(OpenSSL_version_num());
    }
};

} // namespace ibid::openssl
