// SPDX-License-Identifier: Apache-2.0
//
// The public OpenSSL functions that ibid calls, as one table of pointers for each libcrypto in the process.
//
// Law: ibid reaches OpenSSL through such a table alone, never by a symbol of its own. The preload must not pull a
// libcrypto into programs that have none, must find one that the program loads later and privately (dlopen with
// RTLD_LOCAL), and must not confuse two of them.
#pragma once

#include <openssl/asn1t.h>
#include <openssl/conf.h>
#include <openssl/crypto.h>
#ifndef OPENSSL_NO_ENGINE
#include <openssl/engine.h>
#endif
#include <openssl/err.h>
#include <openssl/evp.h>
#ifndef OPENSSL_NO_OCSP
#include <openssl/ocsp.h>
#endif
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

namespace ibid::openssl {

// What ibid cannot work without. All are in libcrypto since 3.0. Those that each certificate needs stand first, side by side in
// memory.
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
    X(CRYPTO_get_ex_new_index)                                                                               \
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
    X(X509_get0_serialNumber)                                                                                \
    X(X509_get_issuer_name)                                                                                  \
    X(X509_get_subject_name)                                                                                 \
    X(X509_NAME_entry_count)                                                                                 \
    X(X509_NAME_get_entry)                                                                                   \
    X(X509_NAME_ENTRY_get_data)                                                                              \
    X(X509_get0_pubkey_bitstr)                                                                               \
    X(X509_get0_extensions)                                                                                  \
    X(X509_get_ex_data)                                                                                      \
    X(X509_get_ext)                                                                                          \
    X(X509_get_ext_by_NID)                                                                                   \
    X(X509_get_extension_flags)                                                                              \
    X(X509_get_signature_info)                                                                               \
    X(X509_get_signature_nid)                                                                                \
    X(X509_STORE_CTX_get0_chain)                                                                             \
    X(X509_STORE_CTX_get_error)                                                                              \
    X(X509_verify_cert)                                                                                      \
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
    X(OPENSSL_atexit)                                                                                        \
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
    X(X509_OBJECT_set1_X509)                                                                                 \
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
    X(X509_get0_notAfter)                                                                                    \
    X(X509_get0_notBefore)                                                                                   \
    X(X509_get_default_cert_file)                                                                            \
    X(X509_get_default_cert_file_env)                                                                        \
    X(d2i_X509_CRL)                                                                                          \
    X(i2d_X509)                                                                                              \
    X(i2d_X509_AUX)

// What parses certificates among other things. Some builds have not all of them; whoever calls one has it.
#ifdef OPENSSL_NO_OCSP
#define IBID_OPENSSL_OUTER_PARSERS(X) X(OSSL_STORE_load)
#else
#define IBID_OPENSSL_OUTER_PARSERS(X)                                                                        \
    X(OSSL_STORE_load)                                                                                       \
    X(OCSP_response_get1_basic)
#endif

// What parses into a certificate that the caller may give, by other names than d2i_X509.
#define IBID_OPENSSL_DECODERS(X)                                                                             \
    X(d2i_X509_bio)                                                                                          \
    X(d2i_X509_fp)                                                                                           \
    X(PEM_read_X509)                                                                                         \
    X(PEM_read_X509_AUX)                                                                                     \
    X(PEM_read_bio_X509)                                                                                     \
    X(PEM_read_bio_X509_AUX)

// Public setters through which a program can change a certificate that others hold too. Source: openssl/x509.h of 3.0 to
// 3.6; tests/unit/openssl/setters.py looks for others. Not among them: X509_getm_notBefore and X509_getm_notAfter, which programs call to read (X509_get_notBefore is a
// macro for the former); to detach there would end the sharing for everybody who prints a date.
#define IBID_OPENSSL_SETTERS(X)                                                                              \
    X(X509_set_version)                                                                                      \
    X(X509_set_serialNumber)                                                                                 \
    X(X509_set_issuer_name)                                                                                  \
    X(X509_set_subject_name)                                                                                 \
    X(X509_set1_notBefore)                                                                                   \
    X(X509_set1_notAfter)                                                                                    \
    X(X509_set_pubkey)                                                                                       \
    X(X509_set0_distinguishing_id)                                                                           \
    X(X509_sign)                                                                                             \
    X(X509_sign_ctx)                                                                                         \
    X(X509_add_ext)                                                                                          \
    X(X509_add1_ext_i2d)                                                                                     \
    X(X509_delete_ext)                                                                                       \
    X(X509_alias_set1)                                                                                       \
    X(X509_keyid_set1)                                                                                       \
    X(X509_add1_trust_object)                                                                                \
    X(X509_add1_reject_object)                                                                               \
    X(X509V3_EXT_add_conf)                                                                                   \
    X(X509V3_EXT_add_nconf)                                                                                  \
    X(X509_trust_clear)                                                                                      \
    X(X509_reject_clear)                                                                                     \
    X(X509_set_proxy_flag)                                                                                   \
    X(X509_set_proxy_pathlen)                                                                                \
    X(i2d_re_X509_tbs)

// The same for CRLs, and for the parts of them that a program can reach.
#define IBID_OPENSSL_CRL_SETTERS(X)                                                                          \
    X(X509_CRL_set_version)                                                                                  \
    X(X509_CRL_set_issuer_name)                                                                              \
    X(X509_CRL_set1_lastUpdate)                                                                              \
    X(X509_CRL_set1_nextUpdate)                                                                              \
    X(X509_CRL_sort)                                                                                         \
    X(X509_CRL_add0_revoked)                                                                                 \
    X(X509_CRL_sign)                                                                                         \
    X(X509_CRL_sign_ctx)                                                                                     \
    X(X509_CRL_add_ext)                                                                                      \
    X(X509_CRL_add1_ext_i2d)                                                                                 \
    X(X509_CRL_delete_ext)                                                                                   \
    X(X509V3_EXT_CRL_add_conf)                                                                               \
    X(X509V3_EXT_CRL_add_nconf)                                                                              \
    X(d2i_X509_CRL_bio)                                                                                      \
    X(d2i_X509_CRL_fp)                                                                                       \
    X(d2i_X509_REVOKED)                                                                                      \
    X(PEM_read_X509_CRL)                                                                                     \
    X(X509_CRL_set_meth_data)                                                                                \
    X(X509_CRL_set_default_method)                                                                           \
    X(X509_REVOKED_set_serialNumber)                                                                         \
    X(X509_REVOKED_set_revocationDate)                                                                       \
    X(X509_REVOKED_add_ext)                                                                                  \
    X(X509_REVOKED_add1_ext_i2d)                                                                             \
    X(X509_REVOKED_delete_ext)                                                                               \
    X(i2d_re_X509_CRL_tbs)

// Public setters of a key. One that has verified something may be another key afterwards.
#define IBID_OPENSSL_KEY_SETTERS(X)                                                                          \
    X(EVP_PKEY_set_type)                                                                                     \
    X(EVP_PKEY_set_type_by_keymgmt)                                                                          \
    X(EVP_PKEY_assign)                                                                                       \
    X(EVP_PKEY_copy_parameters)                                                                              \
    X(EVP_PKEY_fromdata)                                                                                     \
    X(EVP_PKEY_generate)                                                                                     \
    X(EVP_PKEY_keygen)                                                                                       \
    X(EVP_PKEY_paramgen)                                                                                     \
    X(d2i_AutoPrivateKey)                                                                                    \
    X(d2i_AutoPrivateKey_ex)                                                                                 \
    X(d2i_KeyParams)                                                                                         \
    X(d2i_KeyParams_bio)                                                                                     \
    X(d2i_PrivateKey)                                                                                        \
    X(d2i_PrivateKey_bio)                                                                                    \
    X(d2i_PrivateKey_ex)                                                                                     \
    X(d2i_PrivateKey_ex_bio)                                                                                 \
    X(d2i_PrivateKey_ex_fp)                                                                                  \
    X(d2i_PrivateKey_fp)                                                                                     \
    X(d2i_PublicKey)                                                                                         \
    X(EVP_PKEY_set1_DH)                                                                                      \
    X(EVP_PKEY_set1_DSA)                                                                                     \
    X(EVP_PKEY_set1_EC_KEY)                                                                                  \
    X(EVP_PKEY_set1_RSA)                                                                                     \
    X(EVP_PKEY_set1_encoded_public_key)                                                                      \
    X(EVP_PKEY_set1_engine)                                                                                  \
    X(EVP_PKEY_set_bn_param)                                                                                 \
    X(EVP_PKEY_set_int_param)                                                                                \
    X(EVP_PKEY_set_octet_string_param)                                                                       \
    X(EVP_PKEY_set_params)                                                                                   \
    X(EVP_PKEY_set_size_t_param)                                                                             \
    X(EVP_PKEY_set_type_str)                                                                                 \
    X(EVP_PKEY_set_utf8_string_param)

// Calls after which a signature that verified might not verify again: providers, default properties, configuration,
// engines come or go. Some are missing in some versions and builds; whoever calls one has it.
#define IBID_OPENSSL_RECONFIGURATIONS(X)                                                                     \
    X(OSSL_PROVIDER_load)                                                                                    \
    X(OSSL_PROVIDER_try_load)                                                                                \
    X(OSSL_PROVIDER_unload)                                                                                  \
    X(EVP_set_default_properties)                                                                            \
    X(EVP_default_properties_enable_fips)                                                                    \
    X(OSSL_LIB_CTX_load_config)                                                                              \
    X(CONF_modules_load)                                                                                     \
    X(CONF_modules_load_file)                                                                                \
    X(CONF_modules_load_file_ex)                                                                             \
    X(EVP_PKEY_meth_add0)                                                                                    \
    X(EVP_PKEY_meth_remove)                                                                                  \
    IBID_OPENSSL_ENGINES(X)

#ifdef OPENSSL_NO_ENGINE
#define IBID_OPENSSL_ENGINES(X)
#else
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
    X(ENGINE_register_all_pkey_asn1_meths)
#endif

struct functions {
#define IBID_POINTER(name) decltype(&::name) name = nullptr;
    IBID_OPENSSL_FUNCTIONS(IBID_POINTER)
    IBID_OPENSSL_OUTER_PARSERS(IBID_POINTER)
    IBID_OPENSSL_DECODERS(IBID_POINTER)
    IBID_OPENSSL_SETTERS(IBID_POINTER)
    IBID_OPENSSL_CRL_SETTERS(IBID_POINTER)
    IBID_OPENSSL_KEY_SETTERS(IBID_POINTER)
    IBID_OPENSSL_RECONFIGURATIONS(IBID_POINTER)
#undef IBID_POINTER

    // Fills the table from a loaded library (a handle of dlopen), without the symbols of ibid's own preload.
    void resolve(void* library) noexcept;

    // Whether all that ibid needs is there.
    [[nodiscard]] bool complete() const noexcept;
};

} // namespace ibid::openssl
