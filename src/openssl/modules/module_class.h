// SPDX-License-Identifier: Apache-2.0
//
// What a module can do to a shared OpenSSL object, according to the functions that its relocations name.
//
// Law: a module that names none of the functions that write cannot write by OpenSSL's public calls. A module
// that writes through a pointer needs two names: one function that gives the pointer, and one that writes
// through it. `ibid doctor` uses the same table for a program's files. Source: the public headers of OpenSSL
// 3.0 to 4.0; tests/unit/openssl/setters.py looks for others.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace ibid::openssl {

enum class module_class : std::uint8_t {
    reader,   // only reads shared objects
    attacher, // attaches data to certificates (X509_set_ex_data), writes nothing else, and hides no owner
    writer,   // may write to objects that it gets
};

// What one function does. Bits, or-ed over all names of a module.
enum name_roles : std::uint32_t {
    writes_always = 1U << 0, // to an object that it is given
    attaches = 1U << 1,      // X509_set_ex_data
    gives_time = 1U << 2,    // a pointer into a certificate or a CRL ...
    gives_number = 1U << 3,
    gives_name = 1U << 4,
    gives_extension = 1U << 5,
    gives_key = 1U << 6,
    gives_crl = 1U << 7,   // a CRL of a store
    writes_time = 1U << 8, // ... and what writes through such a pointer
    writes_number = 1U << 9,
    writes_name = 1U << 10,
    writes_extension = 1U << 11,
    writes_key = 1U << 12,
    writes_string = 1U << 13, // through any of them
    fills_crl = 1U << 14,
    lists_crl = 1U << 15, // its entries, which OpenSSL sorts at the first search, and which can be deleted
    alters_algorithms = 1U << 16, // in place, without a later call that ibid could see
    alters_parsing = 1U << 17,    // later parses may give different objects
    decodes_item = 1U << 18,      // into any part, by its ASN.1 type ...
    gives_item = 1U << 19,        // ... such a type
    gives_structure =
        1U << 20, // one with public pointers: an algorithm, general names, parameters of PSS ...
    writes_structure = 1U << 21, // ... and what writes to its parts: a const structure does not protect them
    gives_shared = 1U << 22,     // certificates past ibid: nothing is shared where one may write
    gives_dh = 1U << 23,         // a DH key in a certificate: servers write to parameters of their own ...
    writes_dh = 1U << 24,
    gives_old_key = 1U << 25, // a key as RSA, DSA or EC_KEY ...
    fills_old_key = 1U << 26, // ... and what parses into one
    hides_owner =
        1U << 27, // puts certificates where the program gets them back: ibid cannot see then to which
                  // session or store one belongs. It must see that where data is attached.
    sees_first_use = 1U << 28, // tells whether OpenSSL has read a certificate's extensions before: nothing is
                               // shared
};

struct named_role {
    std::string_view name; // ends with '*': all names that begin so
    std::uint32_t roles;
};

// Sorted by name: find_roles() searches. A prefix stands for names that are not listed themselves.
// A deduced std::array of so many is too deep for Clang.
inline constexpr auto named_roles = std::to_array<named_role>({
    named_role{"ASN1_ANY_it", gives_item},
    named_role{"ASN1_BIT_STRING_it", gives_item},
    named_role{"ASN1_BIT_STRING_set", writes_string},
    named_role{"ASN1_BIT_STRING_set1", writes_string},
    named_role{"ASN1_BIT_STRING_set_asc", writes_string},
    named_role{"ASN1_BIT_STRING_set_bit", writes_string},
    named_role{"ASN1_BMPSTRING_it", gives_item},
    named_role{"ASN1_ENUMERATED_it", gives_item},
    named_role{"ASN1_ENUMERATED_set", writes_number},
    named_role{"ASN1_ENUMERATED_set_int64", writes_number},
    named_role{"ASN1_GENERALIZEDTIME_adj", writes_time},
    named_role{"ASN1_GENERALIZEDTIME_it", gives_item},
    named_role{"ASN1_GENERALIZEDTIME_set", writes_time},
    named_role{"ASN1_GENERALIZEDTIME_set_string", writes_time},
    named_role{"ASN1_GENERALSTRING_it", gives_item},
    named_role{"ASN1_IA5STRING_it", gives_item},
    named_role{"ASN1_INTEGER_it", gives_item},
    named_role{"ASN1_INTEGER_set", writes_number},
    named_role{"ASN1_INTEGER_set_int64", writes_number},
    named_role{"ASN1_INTEGER_set_uint64", writes_number},
    named_role{"ASN1_ITEM_get", gives_item},
    named_role{"ASN1_ITEM_lookup", gives_item},
    named_role{"ASN1_OBJECT_it", gives_item},
    named_role{"ASN1_OCTET_STRING_NDEF_it", gives_item},
    named_role{"ASN1_OCTET_STRING_it", gives_item},
    named_role{"ASN1_OCTET_STRING_set", writes_string},
    named_role{"ASN1_PRINTABLESTRING_it", gives_item},
    named_role{"ASN1_PRINTABLE_it", gives_item},
    named_role{"ASN1_STRING_copy", writes_string},
    named_role{"ASN1_STRING_length_set", writes_string},
    named_role{"ASN1_STRING_set", writes_string},
    named_role{"ASN1_STRING_set0", writes_string},
    named_role{"ASN1_STRING_set_by_NID", writes_string},
    named_role{"ASN1_T61STRING_it", gives_item},
    named_role{"ASN1_TIME_adj", writes_time},
    named_role{"ASN1_TIME_it", gives_item},
    named_role{"ASN1_TIME_normalize", writes_time},
    named_role{"ASN1_TIME_set", writes_time},
    named_role{"ASN1_TIME_set_string", writes_time},
    named_role{"ASN1_TIME_set_string_X509", writes_time},
    named_role{"ASN1_TIME_to_generalizedtime", writes_time},
    named_role{"ASN1_TYPE_pack_sequence", writes_structure},
    named_role{"ASN1_TYPE_set", writes_always},
    named_role{"ASN1_TYPE_set1", writes_always},
    named_role{"ASN1_TYPE_set_int_octetstring", writes_structure},
    named_role{"ASN1_TYPE_set_octetstring", writes_structure},
    named_role{"ASN1_UNIVERSALSTRING_it", gives_item},
    named_role{"ASN1_UNIVERSALSTRING_to_string", writes_string},
    named_role{"ASN1_UTCTIME_adj", writes_time},
    named_role{"ASN1_UTCTIME_it", gives_item},
    named_role{"ASN1_UTCTIME_set", writes_time},
    named_role{"ASN1_UTCTIME_set_string", writes_time},
    named_role{"ASN1_UTF8STRING_it", gives_item},
    named_role{"ASN1_VISIBLESTRING_it", gives_item},
    named_role{"ASN1_item_d2i", decodes_item},
    named_role{"ASN1_item_d2i_bio", writes_always},
    named_role{"ASN1_item_d2i_bio_ex", writes_always},
    named_role{"ASN1_item_d2i_ex", decodes_item},
    named_role{"ASN1_item_d2i_fp", writes_always},
    named_role{"ASN1_item_d2i_fp_ex", writes_always},
    named_role{"ASN1_item_ex_d2i", writes_always},
    named_role{"ASN1_item_pack", writes_extension},
    named_role{"ASN1_item_print", lists_crl},
    named_role{"ASN1_item_sign", writes_always},
    named_role{"ASN1_item_sign_ctx", writes_always},
    named_role{"ASN1_item_sign_ex", writes_always},
    named_role{"ASN1_mbstring_copy", writes_string},
    named_role{"ASN1_mbstring_ncopy", writes_string},
    named_role{"ASN1_sign", writes_always},
    named_role{"BN_to_ASN1_ENUMERATED", writes_number},
    named_role{"BN_to_ASN1_INTEGER", writes_number},
    named_role{"CMS_SignedData_verify", hides_owner},
    named_role{"CMS_SignerInfo_set1_signer_cert", hides_owner},
    named_role{"CMS_add1_cert", hides_owner},
    named_role{"CMS_add1_recipient", hides_owner},
    named_role{"CMS_add1_recipient_cert", hides_owner},
    named_role{"CMS_add1_signer", hides_owner},
    named_role{"CMS_encrypt", hides_owner},
    named_role{"CMS_encrypt_ex", hides_owner},
    named_role{"CMS_set1_signers_certs", hides_owner},
    named_role{"CMS_sign", hides_owner},
    named_role{"CMS_sign_ex", hides_owner},
    named_role{"CMS_sign_receipt", hides_owner},
    named_role{"CMS_verify", hides_owner},
    named_role{"CMS_verify_receipt", hides_owner},
    named_role{"CT_POLICY_EVAL_CTX_get0_cert", gives_shared},
    named_role{"CT_POLICY_EVAL_CTX_get0_issuer", gives_shared},
    named_role{"CT_POLICY_EVAL_CTX_set1_cert", hides_owner},
    named_role{"CT_POLICY_EVAL_CTX_set1_issuer", hides_owner},
    named_role{"DH_clear_flags", writes_dh},
    named_role{"DH_generate_key", writes_dh},
    named_role{"DH_generate_parameters_ex", writes_dh},
    named_role{"DH_meth_get_finish", writes_dh},
    named_role{"DH_meth_get_generate_key", writes_dh},
    named_role{"DH_meth_get_generate_params", writes_dh},
    named_role{"DH_meth_get_init", writes_dh},
    named_role{"DH_meth_set*", alters_algorithms},
    named_role{"DH_set0_key", writes_dh},
    named_role{"DH_set0_pqg", writes_dh},
    named_role{"DH_set_default_method", alters_algorithms | alters_parsing},
    named_role{"DH_set_ex_data", writes_dh},
    named_role{"DH_set_flags", writes_dh},
    named_role{"DH_set_length", writes_dh},
    named_role{"DH_set_method", writes_dh},
    named_role{"DIRECTORYSTRING_it", gives_item},
    named_role{"DISPLAYTEXT_it", gives_item},
    named_role{"DSA_clear_flags", writes_key},
    named_role{"DSA_generate_key", writes_key},
    named_role{"DSA_generate_parameters_ex", writes_key},
    named_role{"DSA_meth_get_finish", writes_key},
    named_role{"DSA_meth_get_init", writes_key},
    named_role{"DSA_meth_get_keygen", writes_key},
    named_role{"DSA_meth_get_paramgen", writes_key},
    named_role{"DSA_meth_set*", alters_algorithms},
    named_role{"DSA_set0_key", writes_key},
    named_role{"DSA_set0_pqg", writes_key},
    named_role{"DSA_set_default_method", alters_algorithms | alters_parsing},
    named_role{"DSA_set_ex_data", writes_key},
    named_role{"DSA_set_flags", writes_key},
    named_role{"DSA_set_method", writes_key},
    named_role{"EC_KEY_METHOD_get_init", writes_key},
    named_role{"EC_KEY_METHOD_get_keygen", writes_key},
    named_role{"EC_KEY_METHOD_set*", alters_algorithms},
    named_role{"EC_KEY_clear_flags", writes_key},
    named_role{"EC_KEY_copy", writes_key},
    named_role{"EC_KEY_generate_key", writes_key},
    named_role{"EC_KEY_oct2key", writes_key},
    named_role{"EC_KEY_oct2priv", writes_key},
    named_role{"EC_KEY_precompute_mult", writes_key},
    named_role{"EC_KEY_set_asn1_flag", writes_key},
    named_role{"EC_KEY_set_conv_form", writes_key},
    named_role{"EC_KEY_set_default_method", alters_algorithms | alters_parsing},
    named_role{"EC_KEY_set_enc_flags", writes_key},
    named_role{"EC_KEY_set_ex_data", writes_key},
    named_role{"EC_KEY_set_flags", writes_key},
    named_role{"EC_KEY_set_group", writes_key},
    named_role{"EC_KEY_set_method", writes_key},
    named_role{"EC_KEY_set_private_key", writes_key},
    named_role{"EC_KEY_set_public_key", writes_key},
    named_role{"EC_KEY_set_public_key_affine_coordinates", writes_key},
    named_role{"EDIPARTYNAME_it", gives_item},
    named_role{"EVP_CIPHER_CTX_get_algor", writes_structure},
    named_role{"EVP_CIPHER_CTX_get_algor_params", writes_structure},
    named_role{"EVP_CIPHER_meth_get_set_asn1_params", writes_structure},
    named_role{"EVP_CIPHER_param_to_asn1", writes_structure},
    named_role{"EVP_CIPHER_set_asn1_iv", writes_structure},
    named_role{"EVP_MD_meth_set*", alters_algorithms},
    named_role{"EVP_PKEY_CTX_get_algor", writes_structure},
    named_role{"EVP_PKEY_CTX_get_algor_params", writes_structure},
    named_role{"EVP_PKEY_add1_attr*", writes_key},
    named_role{"EVP_PKEY_asn1_add*", alters_algorithms | alters_parsing},
    named_role{"EVP_PKEY_asn1_set*", alters_algorithms | alters_parsing},
    named_role{"EVP_PKEY_assign", writes_key},
    named_role{"EVP_PKEY_delete_attr", writes_key},
    named_role{"EVP_PKEY_fromdata", writes_key},
    named_role{"EVP_PKEY_generate", writes_key},
    named_role{"EVP_PKEY_get0", gives_dh | gives_old_key},
    named_role{"EVP_PKEY_get0_DH", gives_dh},
    named_role{"EVP_PKEY_get0_DSA", gives_old_key},
    named_role{"EVP_PKEY_get0_EC_KEY", gives_old_key},
    named_role{"EVP_PKEY_get0_RSA", gives_old_key},
    named_role{"EVP_PKEY_get1_DH", gives_dh},
    named_role{"EVP_PKEY_get1_DSA", gives_old_key},
    named_role{"EVP_PKEY_get1_EC_KEY", gives_old_key},
    named_role{"EVP_PKEY_get1_RSA", gives_old_key},
    named_role{"EVP_PKEY_keygen", writes_key},
    named_role{"EVP_PKEY_meth_get_keygen", writes_key},
    named_role{"EVP_PKEY_meth_get_paramgen", writes_key},
    named_role{"EVP_PKEY_meth_set*", alters_algorithms},
    named_role{"EVP_PKEY_paramgen", writes_key},
    named_role{"EVP_PKEY_save_parameters", writes_key},
    named_role{"EVP_PKEY_set1_DH", writes_key},
    named_role{"EVP_PKEY_set1_DSA", writes_key},
    named_role{"EVP_PKEY_set1_EC_KEY", writes_key},
    named_role{"EVP_PKEY_set1_RSA", writes_key},
    named_role{"EVP_PKEY_set1_encoded_public_key", writes_key},
    named_role{"EVP_PKEY_set1_engine", writes_key},
    named_role{"EVP_PKEY_set_bn_param", writes_key},
    named_role{"EVP_PKEY_set_ex_data", writes_key},
    named_role{"EVP_PKEY_set_int_param", writes_key},
    named_role{"EVP_PKEY_set_octet_string_param", writes_key},
    named_role{"EVP_PKEY_set_params", writes_key},
    named_role{"EVP_PKEY_set_size_t_param", writes_key},
    named_role{"EVP_PKEY_set_type", writes_key},
    named_role{"EVP_PKEY_set_type_by_keymgmt", writes_key},
    named_role{"EVP_PKEY_set_type_str", writes_key},
    named_role{"EVP_PKEY_set_utf8_string_param", writes_key},
    named_role{"GENERAL_NAMES_it", gives_item},
    named_role{"GENERAL_NAME_it", gives_item},
    named_role{"GENERAL_NAME_set0_othername", writes_always},
    named_role{"GENERAL_NAME_set0_value", writes_always},
    named_role{"OBJ_NAME_add", alters_algorithms | alters_parsing},
    named_role{"OBJ_NAME_cleanup", alters_algorithms | alters_parsing},
    named_role{"OBJ_NAME_remove", alters_algorithms | alters_parsing},
    named_role{"OBJ_add_sigid", alters_algorithms | alters_parsing},
    named_role{"OBJ_sigid_free", alters_algorithms | alters_parsing},
    named_role{"OCSP_basic_add1_cert", hides_owner},
    named_role{"OCSP_basic_sign", hides_owner},
    named_role{"OCSP_basic_sign_ctx", hides_owner},
    named_role{"OCSP_request_add1_cert", hides_owner},
    named_role{"OCSP_request_sign", hides_owner},
    named_role{"OSSL_CMP_*", hides_owner},
    named_role{"OTHERNAME_it", gives_item},
    named_role{"PEM_read_DHparams", writes_dh},
    named_role{"PEM_read_DSAPrivateKey", fills_old_key},
    named_role{"PEM_read_DSA_PUBKEY", fills_old_key},
    named_role{"PEM_read_DSAparams", fills_old_key},
    named_role{"PEM_read_ECPrivateKey", fills_old_key},
    named_role{"PEM_read_EC_PUBKEY", fills_old_key},
    named_role{"PEM_read_RSAPrivateKey", fills_old_key},
    named_role{"PEM_read_RSAPublicKey", fills_old_key},
    named_role{"PEM_read_RSA_PUBKEY", fills_old_key},
    named_role{"PEM_read_X509_CRL", fills_crl},
    named_role{"PEM_read_X509_PUBKEY", writes_key},
    named_role{"PEM_read_bio_DHparams", writes_dh},
    named_role{"PEM_read_bio_DSAPrivateKey", fills_old_key},
    named_role{"PEM_read_bio_DSA_PUBKEY", fills_old_key},
    named_role{"PEM_read_bio_DSAparams", fills_old_key},
    named_role{"PEM_read_bio_ECPrivateKey", fills_old_key},
    named_role{"PEM_read_bio_EC_PUBKEY", fills_old_key},
    named_role{"PEM_read_bio_RSAPrivateKey", fills_old_key},
    named_role{"PEM_read_bio_RSAPublicKey", fills_old_key},
    named_role{"PEM_read_bio_RSA_PUBKEY", fills_old_key},
    named_role{"PEM_read_bio_X509_CRL", fills_crl},
    named_role{"PEM_read_bio_X509_PUBKEY", writes_key},
    named_role{"PKCS5_pbe_set0_algor", writes_structure},
    named_role{"PKCS5_pbe_set0_algor_ex", writes_structure},
    named_role{"PKCS7_RECIP_INFO_set", hides_owner},
    named_role{"PKCS7_add_certificate", hides_owner},
    named_role{"PKCS7_add_recipient", hides_owner},
    named_role{"PKCS7_encrypt", hides_owner},
    named_role{"PKCS7_encrypt_ex", hides_owner},
    named_role{"PKCS7_sign", hides_owner},
    named_role{"PKCS7_sign_add_signer", hides_owner},
    named_role{"PKCS7_sign_ex", hides_owner},
    named_role{"RSA_PSS_PARAMS_it", gives_item},
    named_role{"RSA_X931_*", writes_key},
    named_role{"RSA_blinding_off", writes_key},
    named_role{"RSA_blinding_on", writes_key},
    named_role{"RSA_clear_flags", writes_key},
    named_role{"RSA_generate_key_ex", writes_key},
    named_role{"RSA_generate_multi_prime_key", writes_key},
    named_role{"RSA_get0_pss_params", gives_structure},
    named_role{"RSA_meth_get_finish", writes_key},
    named_role{"RSA_meth_get_init", writes_key},
    named_role{"RSA_meth_get_keygen", writes_key},
    named_role{"RSA_meth_get_multi_prime_keygen", writes_key},
    named_role{"RSA_meth_set*", alters_algorithms},
    named_role{"RSA_set0_crt_params", writes_key},
    named_role{"RSA_set0_factors", writes_key},
    named_role{"RSA_set0_key", writes_key},
    named_role{"RSA_set0_multi_prime_params", writes_key},
    named_role{"RSA_set_default_method", alters_algorithms | alters_parsing},
    named_role{"RSA_set_ex_data", writes_key},
    named_role{"RSA_set_flags", writes_key},
    named_role{"RSA_set_method", writes_key},
    named_role{"SSL_CTX_set1_cert_store", hides_owner},
    named_role{"SSL_CTX_set_cert_store", hides_owner},
    named_role{"SSL_CTX_set_cert_verify_callback", hides_owner},
    named_role{"SSL_copy_session_id", hides_owner},
    named_role{"SSL_verify_client_post_handshake", hides_owner},
    named_role{"TS_RESP_CTX_set_certs", hides_owner},
    named_role{"TS_RESP_CTX_set_signer_cert", hides_owner},
    named_role{"X509V3_EXT_CRL_add_conf", writes_always},
    named_role{"X509V3_EXT_CRL_add_nconf", writes_always},
    named_role{"X509V3_EXT_add_conf", writes_always},
    named_role{"X509V3_EXT_add_nconf", writes_always},
    named_role{"X509V3_EXT_add_nconf_sk", writes_extension},
    named_role{"X509V3_EXT_get", gives_item},
    named_role{"X509V3_EXT_get_nid", gives_item},
    named_role{"X509V3_NAME_from_section", writes_name},
    named_role{"X509V3_add1_i2d", writes_always},
    named_role{"X509_ALGOR_copy", writes_always},
    named_role{"X509_ALGOR_it", gives_item},
    named_role{"X509_ALGOR_set0", writes_always},
    named_role{"X509_ALGOR_set_md", writes_always},
    named_role{"X509_CRL_add0_revoked", writes_always},
    named_role{"X509_CRL_add1_ext_i2d", writes_always},
    named_role{"X509_CRL_add_ext", writes_always},
    named_role{"X509_CRL_delete_ext", writes_always},
    named_role{"X509_CRL_get0_by_cert", lists_crl},
    named_role{"X509_CRL_get0_by_serial", lists_crl},
    named_role{"X509_CRL_get0_extensions", gives_extension | lists_crl},
    named_role{"X509_CRL_get0_lastUpdate", lists_crl},
    named_role{"X509_CRL_get0_nextUpdate", lists_crl},
    named_role{"X509_CRL_get0_signature", gives_structure | lists_crl},
    named_role{"X509_CRL_get_REVOKED", lists_crl},
    named_role{"X509_CRL_get_ext", gives_extension | lists_crl},
    named_role{"X509_CRL_get_issuer", gives_name | lists_crl},
    named_role{"X509_CRL_get_lastUpdate", gives_time | lists_crl},
    named_role{"X509_CRL_get_nextUpdate", gives_time | lists_crl},
    named_role{"X509_CRL_it", gives_item},
    named_role{"X509_CRL_print", lists_crl},
    named_role{"X509_CRL_print_ex", lists_crl},
    named_role{"X509_CRL_print_fp", lists_crl},
    named_role{"X509_CRL_set*", writes_always},
    named_role{"X509_CRL_sign", writes_always},
    named_role{"X509_CRL_sign_ctx", writes_always},
    named_role{"X509_CRL_sort", writes_always},
    named_role{"X509_EXTENSION_create_by_NID", writes_extension},
    named_role{"X509_EXTENSION_create_by_OBJ", writes_extension},
    named_role{"X509_EXTENSION_get_data", gives_extension},
    named_role{"X509_EXTENSION_it", gives_item},
    named_role{"X509_EXTENSION_set_critical", writes_extension},
    named_role{"X509_EXTENSION_set_data", writes_extension},
    named_role{"X509_EXTENSION_set_object", writes_extension},
    named_role{"X509_LOOKUP_by_alias", gives_shared},
    named_role{"X509_LOOKUP_by_fingerprint", gives_shared},
    named_role{"X509_LOOKUP_by_issuer_serial", gives_shared},
    named_role{"X509_LOOKUP_by_subject", gives_shared},
    named_role{"X509_LOOKUP_by_subject_ex", gives_shared},
    named_role{"X509_NAME_ENTRY_create_by_NID", writes_name},
    named_role{"X509_NAME_ENTRY_create_by_OBJ", writes_name},
    named_role{"X509_NAME_ENTRY_create_by_txt", writes_name},
    named_role{"X509_NAME_ENTRY_get_data", gives_name},
    named_role{"X509_NAME_ENTRY_it", gives_item},
    named_role{"X509_NAME_ENTRY_set_data", writes_name},
    named_role{"X509_NAME_ENTRY_set_object", writes_name},
    named_role{"X509_NAME_add_entry", writes_name},
    named_role{"X509_NAME_add_entry_by_NID", writes_name},
    named_role{"X509_NAME_add_entry_by_OBJ", writes_name},
    named_role{"X509_NAME_add_entry_by_txt", writes_name},
    named_role{"X509_NAME_delete_entry", writes_name},
    named_role{"X509_NAME_it", gives_item},
    named_role{"X509_OBJECT_get0_X509_CRL", gives_crl},
    named_role{"X509_PUBKEY_get0_param", gives_structure},
    named_role{"X509_PUBKEY_it", gives_item},
    named_role{"X509_PUBKEY_set0_param", writes_key},
    named_role{"X509_PUBKEY_set0_public_key", writes_key},
    named_role{"X509_REVOKED_add1_ext_i2d", writes_always},
    named_role{"X509_REVOKED_add_ext", writes_always},
    named_role{"X509_REVOKED_delete_ext", writes_always},
    named_role{"X509_REVOKED_get0_extensions", gives_extension | lists_crl},
    named_role{"X509_REVOKED_get0_revocationDate", lists_crl},
    named_role{"X509_REVOKED_get0_serialNumber", lists_crl},
    named_role{"X509_REVOKED_get_ext", gives_extension | lists_crl},
    named_role{"X509_REVOKED_it", gives_item},
    named_role{"X509_REVOKED_set*", writes_always},
    named_role{"X509_STORE_CTX_get0_current_crl", gives_crl},
    named_role{"X509_STORE_CTX_get1_crls", gives_crl},
    named_role{"X509_STORE_CTX_get_cert_crl", gives_crl},
    named_role{"X509_STORE_CTX_get_check_crl", gives_crl},
    named_role{"X509_STORE_CTX_get_get_crl", gives_crl},
    named_role{"X509_STORE_CTX_get_get_issuer", gives_shared},
    named_role{"X509_STORE_CTX_get_lookup_certs", gives_shared},
    named_role{"X509_STORE_CTX_get_lookup_crls", gives_crl},
    named_role{"X509_STORE_CTX_set0_trusted_stack", hides_owner},
    named_role{"X509_STORE_CTX_set0_verified_chain", hides_owner},
    named_role{"X509_STORE_CTX_set_get_crl", gives_crl | gives_shared},
    named_role{"X509_STORE_get_cert_crl", gives_crl},
    named_role{"X509_STORE_get_check_crl", gives_crl},
    named_role{"X509_STORE_get_get_crl", gives_crl},
    named_role{"X509_STORE_get_get_issuer", gives_shared},
    named_role{"X509_STORE_get_lookup_certs", gives_shared},
    named_role{"X509_STORE_get_lookup_crls", gives_crl},
    named_role{"X509_STORE_set_cert_crl", gives_crl | gives_shared},
    named_role{"X509_STORE_set_check_crl", gives_crl},
    named_role{"X509_STORE_set_check_issued", gives_shared},
    named_role{"X509_STORE_set_get_crl", gives_crl | gives_shared},
    named_role{"X509_STORE_set_get_issuer", gives_shared},
    named_role{"X509_STORE_set_lookup_crls", gives_crl},
    named_role{"X509_TRUST_add", gives_shared},
    named_role{"X509_TRUST_set_default", gives_shared},
    named_role{"X509_add1_ext_i2d", writes_always},
    named_role{"X509_add1_reject_object", writes_always},
    named_role{"X509_add1_trust_object", writes_always},
    named_role{"X509_add_ext", writes_always},
    named_role{"X509_alias_set1", writes_always},
    named_role{"X509_build_chain", gives_shared},
    named_role{"X509_check_akid", sees_first_use},
    named_role{"X509_delete_ext", writes_always},
    named_role{"X509_get0_authority_issuer", gives_structure},
    named_role{"X509_get0_extensions", gives_extension},
    named_role{"X509_get0_pubkey", gives_key},
    named_role{"X509_get0_pubkey_bitstr", gives_key},
    named_role{"X509_get0_signature", gives_structure},
    named_role{"X509_get0_tbs_sigalg", gives_structure},
    named_role{"X509_get_X509_PUBKEY", gives_key},
    named_role{"X509_get_ext", gives_extension},
    named_role{"X509_get_issuer_name", gives_name},
    named_role{"X509_get_pubkey", gives_key},
    named_role{"X509_get_serialNumber", gives_number},
    named_role{"X509_get_subject_name", gives_name},
    named_role{"X509_getm_notAfter", gives_time},
    named_role{"X509_getm_notBefore", gives_time},
    named_role{"X509_gmtime_adj", writes_time},
    named_role{"X509_keyid_set1", writes_always},
    named_role{"X509_policy_node_get0_qualifiers", writes_always},
    named_role{"X509_reject_clear", writes_always},
    named_role{"X509_set0*", writes_always},
    named_role{"X509_set1*", writes_always},
    named_role{"X509_set_ex_data", attaches},
    named_role{"X509_set_issuer_name", writes_always},
    named_role{"X509_set_notAfter", writes_always},
    named_role{"X509_set_notBefore", writes_always},
    named_role{"X509_set_proxy_flag", writes_always},
    named_role{"X509_set_proxy_pathlen", writes_always},
    named_role{"X509_set_pubkey", writes_always},
    named_role{"X509_set_serialNumber", writes_always},
    named_role{"X509_set_subject_name", writes_always},
    named_role{"X509_set_version", writes_always},
    named_role{"X509_sign", writes_always},
    named_role{"X509_sign_ctx", writes_always},
    named_role{"X509_time_adj", writes_time},
    named_role{"X509_time_adj_ex", writes_time},
    named_role{"X509_trust_clear", writes_always},
    named_role{"X509v3_add_ext", writes_always},
    named_role{"X509v3_add_extensions", writes_always},
    named_role{"X509v3_addr_validate_resource_set", sees_first_use},
    named_role{"X509v3_asid_validate_resource_set", sees_first_use},
    named_role{"X509v3_delete_ext", writes_always},
    named_role{"X509v3_delete_extension", writes_always},
    named_role{"X509v3_get_ext", gives_extension},
    named_role{"a2i_ASN1_*", writes_string},
    named_role{"a2i_GENERAL_NAME", writes_structure},
    named_role{"d2i_ASN1_*", writes_string},
    named_role{"d2i_DHparams", writes_dh},
    named_role{"d2i_DHxparams", writes_dh},
    named_role{"d2i_DIRECTORYSTRING", writes_string},
    named_role{"d2i_DSAPrivateKey", writes_key},
    named_role{"d2i_DSAPrivateKey_*", fills_old_key},
    named_role{"d2i_DSAPublicKey", writes_key},
    named_role{"d2i_DSA_PUBKEY*", fills_old_key},
    named_role{"d2i_DSAparams", writes_key},
    named_role{"d2i_ECParameters", writes_key},
    named_role{"d2i_ECPrivateKey", writes_key},
    named_role{"d2i_ECPrivateKey_*", fills_old_key},
    named_role{"d2i_EC_PUBKEY*", fills_old_key},
    named_role{"d2i_EDIPARTYNAME", writes_structure},
    named_role{"d2i_GENERAL_NAME", writes_structure},
    named_role{"d2i_GENERAL_NAMES", writes_structure},
    named_role{"d2i_KeyParams", writes_key},
    named_role{"d2i_KeyParams_bio", writes_key},
    named_role{"d2i_OTHERNAME", writes_structure},
    named_role{"d2i_PrivateKey", writes_key},
    named_role{"d2i_PrivateKey_ex", writes_key},
    named_role{"d2i_PublicKey", writes_key},
    named_role{"d2i_RSAPrivateKey", writes_key},
    named_role{"d2i_RSAPrivateKey_*", fills_old_key},
    named_role{"d2i_RSAPublicKey", writes_key},
    named_role{"d2i_RSAPublicKey_*", fills_old_key},
    named_role{"d2i_RSA_PUBKEY*", fills_old_key},
    named_role{"d2i_X509_ALGOR", writes_always},
    named_role{"d2i_X509_CRL", fills_crl},
    named_role{"d2i_X509_CRL_bio", fills_crl},
    named_role{"d2i_X509_CRL_fp", fills_crl},
    named_role{"d2i_X509_EXTENSION", writes_extension},
    named_role{"d2i_X509_NAME", writes_name},
    named_role{"d2i_X509_NAME_ENTRY", writes_name},
    named_role{"d2i_X509_PUBKEY", writes_key},
    named_role{"d2i_X509_PUBKEY_bio", writes_key},
    named_role{"d2i_X509_PUBKEY_fp", writes_key},
    named_role{"d2i_X509_REVOKED", fills_crl},
    named_role{"i2d_re_X509_CRL_tbs", writes_always},
    named_role{"i2d_re_X509_tbs", writes_always},
    named_role{"o2i_ECPublicKey", writes_key},
    named_role{"v2i_GENERAL_NAME_ex", writes_structure},
});

static_assert(std::ranges::is_sorted(named_roles, {}, &named_role::name));

// 0: a name that no class depends on.
[[nodiscard]] constexpr std::uint32_t roles_of(std::string_view name) noexcept {
    // Quick test: most names in a program are not OpenSSL's.
    constexpr std::string_view first_letters = "ABCDEGOPRSTXadiov";
    if (name.size() < 8 || first_letters.find(name[0]) == std::string_view::npos) {
        return 0;
    }
    // The last entry that is not greater: the name itself, or a prefix of it without the star. The next entry
    // may be the whole name with a star.
    const auto* const after = std::ranges::upper_bound(named_roles, name, {}, &named_role::name);
    if (after != named_roles.end() && after->name.size() == name.size() + 1 && after->name.back() == '*' &&
        after->name.starts_with(name)) {
        return after->roles;
    }
    for (const auto* r = after; r != named_roles.begin();) {
        --r;
        if (r->name == name) {
            return r->roles;
        }
        if (r->name.back() == '*' && name.starts_with(r->name.substr(0, r->name.size() - 1))) {
            return r->roles;
        }
        if (r->name.empty() || name.substr(0, 4) != r->name.substr(0, 4)) { // no prefix is shorter than this
            break;
        }
    }
    return 0;
}

// The class of a module whose names have these roles.
[[nodiscard]] constexpr module_class class_of(std::uint32_t roles) noexcept {
    constexpr struct {
        std::uint32_t gives;
        std::uint32_t writes;
    } pairs[] = {
        {gives_time, writes_time | writes_string},
        {gives_number, writes_number | writes_string},
        {gives_name, writes_name | writes_string},
        {gives_extension, writes_extension | writes_string},
        {gives_key, writes_key | writes_string},
        {gives_crl, fills_crl},
        {gives_structure, writes_structure | writes_string | writes_number | writes_name},
        {gives_dh, writes_dh},
    };
    if ((roles & decodes_item) != 0 && (roles & gives_item) != 0) {
        roles |= writes_string | fills_crl;
    }
    if ((roles & gives_old_key) != 0 && (roles & fills_old_key) != 0) {
        roles |= writes_key; // out of a certificate: a program's own keys are no matter
    }
    if ((roles & (writes_always | sees_first_use)) != 0) {
        return module_class::writer;
    }
    for (const auto& p : pairs) {
        if ((roles & p.gives) != 0 && (roles & p.writes) != 0) {
            return module_class::writer;
        }
    }
    if ((roles & attaches) == 0) {
        return module_class::reader;
    }
    return (roles & hides_owner) != 0 ? module_class::writer : module_class::attacher;
}

} // namespace ibid::openssl
