// SPDX-License-Identifier: Apache-2.0
//
// The class of a module (reader, attacher, writer), decided by the names in its relocations. The programs are
// those of Debian 12.
#include "openssl/modules/module_class.h"

#include <sstream>
#include <string>

#include <gtest/gtest.h>

namespace ibid::openssl {
namespace {

[[nodiscard]] std::uint32_t roles_of_all(const std::string& names) {
    std::uint32_t all = 0;
    std::istringstream in(names);
    for (std::string name; in >> name;) {
        all |= roles_of(name);
    }
    return all;
}

[[nodiscard]] module_class class_of_names(const std::string& names) {
    return class_of(roles_of_all(names));
}

struct program {
    const char* name;
    module_class its_class;
    const char* names; // undefined symbols: all that have to do with certificates, keys, and values of ASN.1
};

constexpr program programs[] = {
    {"nginx", module_class::attacher,
     "ASN1_GENERALIZEDTIME_print ASN1_TIME_print ASN1_d2i_bio EVP_PKEY_free PEM_read_bio_DHparams "
     "PEM_read_bio_PrivateKey PEM_read_bio_X509 PEM_read_bio_X509_AUX PEM_write_bio_X509 "
     "SSL_SESSION_get0_hostname SSL_SESSION_get_id SSL_get0_alpn_selected SSL_get0_verified_chain "
     "SSL_get1_peer_certificate SSL_get1_session SSL_get_SSL_CTX SSL_get_certificate "
     "SSL_get_current_cipher SSL_get_error SSL_get_ex_data SSL_get_ex_data_X509_STORE_CTX_idx "
     "SSL_get_options SSL_get_peer_cert_chain SSL_get_rbio SSL_get_servername SSL_get_session "
     "SSL_get_shutdown SSL_get_verify_result SSL_get_version SSL_get_wbio X509_LOOKUP_ctrl "
     "X509_LOOKUP_file X509_NAME_digest X509_NAME_oneline X509_NAME_print_ex X509_STORE_CTX_free "
     "X509_STORE_CTX_get1_chain X509_STORE_CTX_get1_issuer X509_STORE_CTX_get_current_cert "
     "X509_STORE_CTX_get_error X509_STORE_CTX_get_error_depth X509_STORE_CTX_get_ex_data "
     "X509_STORE_CTX_init X509_STORE_CTX_new X509_STORE_add_lookup X509_STORE_set_flags "
     "X509_chain_up_ref X509_check_host X509_check_issued X509_digest X509_email_free X509_free "
     "X509_get0_notAfter X509_get0_notBefore X509_get1_ocsp X509_get_ex_data X509_get_issuer_name "
     "X509_get_serialNumber X509_get_subject_name X509_pubkey_digest X509_set_ex_data X509_up_ref "
     "X509_verify_cert X509_verify_cert_error_string d2i_OCSP_RESPONSE d2i_SSL_SESSION "
     "i2d_OCSP_REQUEST i2d_OCSP_RESPONSE i2d_SSL_SESSION"},
    {"haproxy", module_class::writer,
     "ASN1_INTEGER_set ASN1_OCTET_STRING_free ASN1_STRING_get0_data ASN1_STRING_length "
     "ASN1_STRING_to_UTF8 ASN1_TIME_print ASN1_TIME_to_tm EVP_PKEY_CTX_free EVP_PKEY_CTX_new_from_name "
     "EVP_PKEY_CTX_set_params EVP_PKEY_free EVP_PKEY_fromdata EVP_PKEY_fromdata_init EVP_PKEY_generate "
     "EVP_PKEY_get_base_id EVP_PKEY_get_bits EVP_PKEY_get_default_digest_nid EVP_PKEY_keygen_init "
     "EVP_PKEY_up_ref PEM_X509_INFO_read_bio PEM_read_bio_PUBKEY PEM_read_bio_PrivateKey "
     "PEM_read_bio_X509 PEM_read_bio_X509_AUX SSL_SESSION_get_id SSL_SESSION_get_master_key "
     "SSL_SESSION_get_max_early_data SSL_get0_alpn_selected SSL_get0_next_proto_negotiated "
     "SSL_get1_peer_certificate SSL_get_SSL_CTX SSL_get_all_async_fds SSL_get_certificate "
     "SSL_get_changed_async_fds SSL_get_client_random SSL_get_current_cipher SSL_get_early_data_status "
     "SSL_get_error SSL_get_ex_data SSL_get_ex_data_X509_STORE_CTX_idx SSL_get_finished "
     "SSL_get_peer_cert_chain SSL_get_peer_finished SSL_get_privatekey SSL_get_rbio "
     "SSL_get_server_random SSL_get_servername SSL_get_session SSL_get_state SSL_get_verify_result "
     "SSL_get_version SSL_get_wbio X509V3_EXT_nconf X509V3_EXT_nconf_nid X509V3_set_ctx "
     "X509_ALGOR_get0 X509_CRL_get0_lastUpdate X509_CRL_get0_nextUpdate X509_CRL_get_REVOKED "
     "X509_CRL_get_issuer X509_CRL_get_signature_nid X509_CRL_get_version X509_EXTENSION_free "
     "X509_INFO_free X509_NAME_ENTRY_get_data X509_NAME_ENTRY_get_object X509_NAME_add_entry_by_txt "
     "X509_NAME_cmp X509_NAME_dup X509_NAME_entry_count X509_NAME_free X509_NAME_get_entry "
     "X509_NAME_get_index_by_NID X509_NAME_hash_ex X509_NAME_print_ex X509_OBJECT_get0_X509 "
     "X509_OBJECT_get0_X509_CRL X509_OBJECT_get_type X509_PUBKEY_get0_param "
     "X509_REVOKED_get0_revocationDate X509_REVOKED_get0_serialNumber X509_STORE_CTX_get0_cert "
     "X509_STORE_CTX_get1_chain X509_STORE_CTX_get_current_cert X509_STORE_CTX_get_error "
     "X509_STORE_CTX_get_error_depth X509_STORE_CTX_get_ex_data X509_STORE_add_cert X509_STORE_add_crl "
     "X509_STORE_free X509_STORE_get0_objects X509_STORE_load_locations X509_STORE_new "
     "X509_STORE_set_flags X509_add_ext X509_chain_up_ref X509_check_issued X509_check_private_key "
     "X509_digest X509_free X509_get0_tbs_sigalg X509_get_X509_PUBKEY X509_get_default_cert_dir "
     "X509_get_ext_d2i X509_get_issuer_name X509_get_pubkey X509_get_serialNumber "
     "X509_get_subject_name X509_get_version X509_getm_notAfter X509_getm_notBefore X509_gmtime_adj "
     "X509_new X509_set_issuer_name X509_set_pubkey X509_set_subject_name X509_set_version X509_sign "
     "X509_up_ref d2i_OCSP_CERTID d2i_OCSP_RESPONSE d2i_SSL_SESSION i2d_ECDSA_SIG i2d_OCSP_CERTID "
     "i2d_SSL_SESSION i2d_X509"},
    {"libcurl", module_class::reader,
     "ASN1_STRING_get0_data ASN1_STRING_length ASN1_STRING_print ASN1_STRING_to_UTF8 ASN1_STRING_type "
     "ASN1_TIME_print EVP_PKEY_copy_parameters EVP_PKEY_free EVP_PKEY_get1_RSA EVP_PKEY_get_bn_param "
     "EVP_PKEY_get_id PEM_X509_INFO_read_bio PEM_read_bio_PrivateKey PEM_read_bio_X509 "
     "PEM_read_bio_X509_AUX PEM_write_bio_X509 RSA_flags RSA_free SSL_get0_alpn_selected "
     "SSL_get1_peer_certificate SSL_get_certificate SSL_get_current_cipher SSL_get_error "
     "SSL_get_ex_data SSL_get_peer_cert_chain SSL_get_privatekey SSL_get_shutdown "
     "SSL_get_verify_result SSL_get_version X509V3_EXT_print X509_EXTENSION_get_data "
     "X509_EXTENSION_get_object X509_INFO_free X509_LOOKUP_file X509_NAME_ENTRY_get_data "
     "X509_NAME_get_entry X509_NAME_get_index_by_NID X509_NAME_print_ex X509_PUBKEY_get0_param "
     "X509_STORE_add_cert X509_STORE_add_crl X509_STORE_add_lookup X509_STORE_free "
     "X509_STORE_load_file X509_STORE_load_path X509_STORE_set_flags X509_STORE_up_ref "
     "X509_check_issued X509_free X509_get0_extensions X509_get0_notAfter X509_get0_notBefore "
     "X509_get0_signature X509_get_X509_PUBKEY X509_get_ext_d2i X509_get_issuer_name X509_get_pubkey "
     "X509_get_serialNumber X509_get_subject_name X509_get_version X509_load_crl_file "
     "X509_verify_cert_error_string d2i_OCSP_RESPONSE d2i_PKCS12_bio d2i_PrivateKey_bio d2i_X509_bio "
     "i2d_X509_PUBKEY"},
    {"python_ssl", module_class::reader,
     "ASN1_OBJECT_free ASN1_OCTET_STRING_free ASN1_STRING_get0_data ASN1_STRING_length "
     "ASN1_STRING_to_UTF8 ASN1_STRING_type ASN1_TIME_print EC_KEY_free EC_KEY_new_by_curve_name "
     "PEM_read_DHparams PEM_read_bio_X509 PEM_write_bio_X509 PEM_write_bio_X509_AUX SSL_SESSION_get_id "
     "SSL_SESSION_get_ticket_lifetime_hint SSL_SESSION_get_time SSL_SESSION_get_timeout "
     "SSL_get0_alpn_selected SSL_get0_param SSL_get0_verified_chain SSL_get1_peer_certificate "
     "SSL_get1_session SSL_get_SSL_CTX SSL_get_ciphers SSL_get_current_cipher "
     "SSL_get_current_compression SSL_get_error SSL_get_ex_data SSL_get_finished "
     "SSL_get_peer_cert_chain SSL_get_peer_finished SSL_get_rbio SSL_get_servername SSL_get_session "
     "SSL_get_shutdown SSL_get_verify_callback SSL_get_verify_mode SSL_get_verify_result "
     "SSL_get_version SSL_get_wbio X509_NAME_ENTRY_get_data X509_NAME_ENTRY_get_object "
     "X509_NAME_ENTRY_set X509_NAME_entry_count X509_NAME_get_entry X509_NAME_print_ex "
     "X509_OBJECT_free X509_OBJECT_get0_X509 X509_OBJECT_get0_X509_CRL X509_OBJECT_get_type "
     "X509_OBJECT_new X509_OBJECT_set1_X509 X509_OBJECT_set1_X509_CRL X509_STORE_add_cert "
     "X509_STORE_get0_objects X509_STORE_lock X509_STORE_unlock X509_VERIFY_PARAM_clear_flags "
     "X509_VERIFY_PARAM_get_flags X509_VERIFY_PARAM_set1_host X509_VERIFY_PARAM_set1_ip "
     "X509_VERIFY_PARAM_set_flags X509_VERIFY_PARAM_set_hostflags X509_check_ca X509_cmp X509_free "
     "X509_get0_notAfter X509_get0_notBefore X509_get_default_cert_dir X509_get_default_cert_dir_env "
     "X509_get_default_cert_file X509_get_default_cert_file_env X509_get_ext_d2i X509_get_issuer_name "
     "X509_get_serialNumber X509_get_subject_name X509_get_version X509_subject_name_hash X509_up_ref "
     "X509_verify_cert_error_string d2i_SSL_SESSION d2i_X509_bio i2d_SSL_SESSION i2d_X509 i2d_X509_bio"},
    {"libpq", module_class::reader,
     "ASN1_STRING_get0_data ASN1_STRING_length SSL_get1_peer_certificate SSL_get_current_cipher "
     "SSL_get_current_compression SSL_get_error SSL_get_version X509_NAME_ENTRY_get_data "
     "X509_NAME_get_entry X509_NAME_get_index_by_NID X509_STORE_load_locations X509_STORE_set_flags "
     "X509_digest X509_free X509_get_ext_d2i X509_get_signature_info X509_get_subject_name"},
    {"mod_ssl", module_class::reader,
     "ASN1_INTEGER_to_BN ASN1_OBJECT_free ASN1_STRING_free ASN1_STRING_get0_data ASN1_STRING_length "
     "ASN1_STRING_new ASN1_STRING_print_ex ASN1_TIME_check ASN1_TIME_diff ASN1_TIME_print ASN1_d2i_bio "
     "ASN1_i2d_bio EVP_PKEY_free EVP_PKEY_get_bits EVP_PKEY_up_ref PEM_ASN1_read_bio "
     "PEM_X509_INFO_read_bio PEM_read_bio_Parameters PEM_read_bio_PrivateKey PEM_read_bio_X509 "
     "PEM_write_bio_X509 SSL_SESSION_get_compress_id SSL_SESSION_get_id SSL_SESSION_get_time "
     "SSL_get0_alpn_selected SSL_get1_peer_certificate SSL_get_SSL_CTX SSL_get_certificate "
     "SSL_get_ciphers SSL_get_client_CA_list SSL_get_current_cipher SSL_get_error SSL_get_ex_data "
     "SSL_get_ex_data_X509_STORE_CTX_idx SSL_get_peer_cert_chain SSL_get_rbio SSL_get_servername "
     "SSL_get_session SSL_get_shutdown SSL_get_srp_userinfo SSL_get_srp_username SSL_get_verify_depth "
     "SSL_get_verify_mode SSL_get_verify_result SSL_get_version SSL_get_wbio X509V3_EXT_print "
     "X509_ALGOR_get0 X509_EXTENSION_get_data X509_EXTENSION_get_object X509_INFO_free "
     "X509_NAME_ENTRY_get_data X509_NAME_ENTRY_get_object X509_NAME_cmp X509_NAME_entry_count "
     "X509_NAME_free X509_NAME_get_entry X509_NAME_get_index_by_NID X509_NAME_oneline "
     "X509_NAME_print_ex X509_PUBKEY_get0_param X509_STORE_CTX_cleanup X509_STORE_CTX_free "
     "X509_STORE_CTX_get0_current_issuer X509_STORE_CTX_get0_store X509_STORE_CTX_get1_chain "
     "X509_STORE_CTX_get1_issuer X509_STORE_CTX_get_current_cert X509_STORE_CTX_get_error "
     "X509_STORE_CTX_get_error_depth X509_STORE_CTX_get_ex_data X509_STORE_CTX_init X509_STORE_CTX_new "
     "X509_STORE_CTX_set_depth X509_STORE_CTX_set_error X509_STORE_CTX_set_ex_data X509_STORE_add_cert "
     "X509_STORE_load_file X509_STORE_load_path X509_STORE_set_flags X509_check_issued "
     "X509_check_private_key X509_cmp_current_time X509_digest X509_email_free X509_free "
     "X509_get0_notAfter X509_get0_notBefore X509_get0_serialNumber X509_get0_tbs_sigalg "
     "X509_get1_ocsp X509_get_X509_PUBKEY X509_get_ext X509_get_ext_count X509_get_ext_d2i "
     "X509_get_issuer_name X509_get_serialNumber X509_get_subject_name X509_get_version "
     "X509_getm_notAfter X509_getm_notBefore X509_up_ref X509_verify_cert "
     "X509_verify_cert_error_string d2i_AutoPrivateKey d2i_DISPLAYTEXT d2i_ECPKParameters "
     "d2i_OCSP_RESPONSE d2i_PrivateKey_bio d2i_SSL_SESSION i2d_OCSP_REQUEST i2d_OCSP_RESPONSE "
     "i2d_PrivateKey i2d_SSL_SESSION"},
    {"mosquitto", module_class::reader,
     "ASN1_STRING_get0_data ASN1_STRING_length EC_KEY_free EC_KEY_new_by_curve_name "
     "EVP_PKEY_get1_EC_KEY EVP_PKEY_get_id EVP_PKEY_type PEM_read_DHparams PEM_read_bio_X509 "
     "SSL_get0_alpn_selected SSL_get0_param SSL_get1_peer_certificate SSL_get_SSL_CTX "
     "SSL_get_current_cipher SSL_get_error SSL_get_ex_data SSL_get_ex_data_X509_STORE_CTX_idx "
     "SSL_get_fd SSL_get_peer_cert_chain SSL_get_rbio SSL_get_servername SSL_get_verify_result "
     "SSL_get_wbio X509_LOOKUP_file X509_NAME_ENTRY_get_data X509_NAME_get_entry "
     "X509_NAME_get_index_by_NID X509_NAME_get_text_by_NID X509_NAME_oneline X509_NAME_print_ex "
     "X509_STORE_CTX_get_current_cert X509_STORE_CTX_get_error X509_STORE_CTX_get_error_depth "
     "X509_STORE_CTX_get_ex_data X509_STORE_CTX_set_error X509_STORE_add_cert X509_STORE_add_lookup "
     "X509_STORE_free X509_STORE_new X509_STORE_set_flags X509_VERIFY_PARAM_set1_host "
     "X509_VERIFY_PARAM_set1_ip_asc X509_VERIFY_PARAM_set_hostflags X509_check_issued X509_free "
     "X509_get_X509_PUBKEY X509_get_ext_d2i X509_get_issuer_name X509_get_key_usage X509_get_pubkey "
     "X509_get_subject_name X509_getm_notAfter X509_getm_notBefore X509_load_crl_file "
     "X509_verify_cert_error_string d2i_OCSP_RESPONSE d2i_X509 i2d_X509_PUBKEY"},
};

class module_class_of_program : public testing::TestWithParam<program> {};

TEST_P(module_class_of_program, the_class_is_told_by_its_names) {
    EXPECT_EQ(class_of_names(GetParam().names), GetParam().its_class);
}

// Whatever else a program does, one such name decides.
TEST_P(module_class_of_program, one_name_more_may_make_it_a_writer) {
    const std::string names = GetParam().names;
    for (const char* const more :
         {"X509_sign", "X509_set_pubkey", "X509_alias_set1", "i2d_re_X509_tbs", "X509_set1_notAfter"}) {
        EXPECT_EQ(class_of_names(names + " " + more), module_class::writer) << more;
    }
}

INSTANTIATE_TEST_SUITE_P(debian, module_class_of_program, testing::ValuesIn(programs),
                         [](const auto& p) { return p.param.name; });

TEST(module_class, whoever_attaches_data_and_hides_whose_a_certificate_is_counts_as_a_writer) {
    for (const char* const hides : {"PKCS7_sign", "CMS_add1_cert", "OSSL_CMP_CTX_set1_cert",
                                    "TS_RESP_CTX_set_certs", "SSL_CTX_set_cert_store"}) {
        EXPECT_EQ(class_of_names(hides), module_class::reader) << hides;
        EXPECT_EQ(class_of_names(std::string("X509_set_ex_data ") + hides), module_class::writer) << hides;
    }
}

TEST(roles, belong_to_whole_names) {
    EXPECT_EQ(roles_of("X509_sign"), writes_always);
    EXPECT_EQ(roles_of("X509_set_ex_data"), attaches);
    EXPECT_EQ(roles_of("X509_getm_notBefore"), gives_time);
    for (const char* const name :
         {"", "X", "X509_", "X509_sig", "X509_signed", "X509_sign_", "X509_set", "X509_get_version",
          "X509_get_ex_data", "X509_free", "x509_sign", "SSL_CTX_new", "malloc", "zzzzzzzzzz"}) {
        EXPECT_EQ(roles_of(name), 0U) << name;
    }
}

// What shows the entries of a CRL in the order in which they are now.
TEST(roles, of_printing_a_crl_are_those_of_listing_it) {
    for (const char* const prints :
         {"X509_CRL_print", "X509_CRL_print_ex", "X509_CRL_print_fp", "ASN1_item_print"}) {
        EXPECT_EQ(roles_of(prints), lists_crl) << prints;
    }
}

TEST(roles, of_a_prefix_are_those_of_all_that_begin_so) {
    EXPECT_EQ(roles_of("X509_CRL_set_version"), writes_always);
    EXPECT_EQ(roles_of("X509_CRL_set1_lastUpdate"), writes_always);
    EXPECT_EQ(roles_of("X509_set1_notBefore"), writes_always);
    EXPECT_EQ(roles_of("RSA_meth_set_verify"), alters_algorithms);
    EXPECT_EQ(roles_of("EVP_PKEY_meth_set_verify"), alters_algorithms);
    EXPECT_EQ(roles_of("EVP_PKEY_add1_attr"), writes_key);
    EXPECT_EQ(roles_of("EVP_PKEY_add1_attr_by_txt"), writes_key);
    EXPECT_EQ(roles_of("EC_KEY_METHOD_set_verify"), alters_algorithms);
    EXPECT_EQ(roles_of("EC_KEY_METHOD_get_verify"), 0U);
    // What is listed by itself is not the prefix's.
    EXPECT_EQ(roles_of("RSA_set_default_method"), alters_algorithms | alters_parsing);
    EXPECT_EQ(roles_of("X509_set_ex_data"), attaches);
}

// Each entry of the table is found by its own name, or by one that begins so.
TEST(roles, are_found_for_each_entry) {
    for (const named_role& r : named_roles) {
        std::string name(r.name);
        if (name.back() == '*') {
            EXPECT_EQ(roles_of(name.substr(0, name.size() - 1) + "_zzz"), r.roles) << name;
            EXPECT_EQ(roles_of(name.substr(0, name.size() - 1)), r.roles) << name;
        } else {
            EXPECT_EQ(roles_of(name), r.roles) << name;
        }
    }
}

// A pointer to the inside, and what writes through it, are harmless each by itself.
TEST(module_class, makes_a_writer) {
    constexpr std::pair<const char*, const char*> pairs[] = {
        {"X509_getm_notAfter", "X509_gmtime_adj"},
        {"X509_getm_notBefore", "ASN1_TIME_set_string"},
        {"X509_CRL_get_lastUpdate", "ASN1_TIME_adj"},
        {"X509_get_serialNumber", "ASN1_INTEGER_set"},
        {"X509_get_serialNumber", "BN_to_ASN1_INTEGER"},
        {"X509_get_serialNumber", "ASN1_STRING_set"},
        {"X509_get_subject_name", "X509_NAME_add_entry_by_txt"},
        {"X509_get_issuer_name", "X509_NAME_delete_entry"},
        {"X509_NAME_ENTRY_get_data", "ASN1_STRING_set0"},
        {"X509_get_ext", "X509_EXTENSION_set_data"},
        {"X509_EXTENSION_get_data", "ASN1_OCTET_STRING_set"},
        {"X509_get0_pubkey", "EVP_PKEY_set1_RSA"},
        {"X509_get_pubkey", "EVP_PKEY_fromdata"},
        {"X509_get_X509_PUBKEY", "X509_PUBKEY_set0_param"},
        {"X509_OBJECT_get0_X509_CRL", "d2i_X509_CRL"},
        {"X509_get0_pubkey_bitstr", "ASN1_BIT_STRING_set_bit"},
        {"X509v3_get_ext", "X509_EXTENSION_set_critical"},
        {"X509_get_serialNumber", "d2i_ASN1_INTEGER"},
        {"X509_get_serialNumber", "a2i_ASN1_INTEGER"},
        {"X509_get_pubkey", "o2i_ECPublicKey"},
        {"X509_STORE_CTX_get1_crls", "PEM_read_bio_X509_CRL"},
        {"EVP_PKEY_get1_DH", "DH_set0_key"},
        {"EVP_PKEY_get0", "d2i_DHparams"},
    };
    for (const auto& [gives, writes] : pairs) {
        SCOPED_TRACE(std::string(gives) + " " + writes);
        EXPECT_EQ(class_of_names(gives), module_class::reader);
        EXPECT_EQ(class_of_names(writes), module_class::reader);
        EXPECT_EQ(class_of_names(std::string(gives) + " " + writes), module_class::writer);
        EXPECT_EQ(class_of_names(std::string("X509_set_ex_data ") + gives), module_class::attacher);
        EXPECT_EQ(class_of_names(std::string("X509_set_ex_data ") + gives + " " + writes),
                  module_class::writer);
    }
    // Of two kinds: no way leads from one to the other.
    EXPECT_EQ(class_of_names("X509_get_serialNumber X509_gmtime_adj"), module_class::reader);
    EXPECT_EQ(class_of_names("X509_getm_notAfter ASN1_INTEGER_set"), module_class::reader);
    EXPECT_EQ(class_of_names("X509_get_subject_name EVP_PKEY_set1_RSA"), module_class::reader);
}

TEST(module_class, that_names_nothing_is_a_reader) {
    EXPECT_EQ(class_of(0), module_class::reader);
    EXPECT_EQ(class_of_names("printf malloc SSL_read"), module_class::reader);
}

} // namespace
} // namespace ibid::openssl
