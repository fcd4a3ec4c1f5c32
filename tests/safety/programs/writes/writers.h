// SPDX-License-Identifier: Apache-2.0
//
// A table of functions that write. WRITERS_FROM(find) fills it by name; the plugin fills it by relocations.
#ifndef IBID_TESTS_SAFETY_WRITERS_H
#define IBID_TESTS_SAFETY_WRITERS_H

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define WRITERS(X)                                                                                           \
    X(X509_getm_notBefore)                                                                                   \
    X(X509_getm_notAfter)                                                                                    \
    X(X509_set1_notAfter)                                                                                    \
    X(X509_set_version)                                                                                      \
    X(X509_set_serialNumber)                                                                                 \
    X(X509_set_subject_name)                                                                                 \
    X(X509_set_pubkey)                                                                                       \
    X(X509_delete_ext)                                                                                       \
    X(X509_add1_trust_object)                                                                                \
    X(X509_add1_reject_object)                                                                               \
    X(X509_alias_set1)                                                                                       \
    X(X509_set_ex_data)                                                                                      \
    X(X509_set_proxy_flag)                                                                                   \
    X(X509_NAME_add_entry_by_txt)                                                                            \
    X(X509_NAME_delete_entry)                                                                                \
    X(ASN1_TIME_set)                                                                                         \
    X(ASN1_INTEGER_set)                                                                                      \
    X(ASN1_STRING_set)                                                                                       \
    X(EVP_PKEY_get1_EC_KEY)                                                                                  \
    X(EVP_PKEY_set1_EC_KEY)                                                                                  \
    X(EVP_PKEY_set_ex_data)                                                                                  \
    X(X509_CRL_set1_nextUpdate)                                                                              \
    X(X509_CRL_add0_revoked)                                                                                 \
    X(X509_CRL_delete_ext)                                                                                   \
    X(X509_CRL_sort)                                                                                         \
    X(X509_REVOKED_set_serialNumber)

struct writers {
#define X(name) __typeof__(&name) name;
    WRITERS(X)
#undef X
};

#endif
