// SPDX-License-Identifier: Apache-2.0
//
// A library that exports OpenSSL's names for functions of its own, as one does that contains an OpenSSL and
// hides nothing. They say that they were called.
#include <stdio.h>

#define OWN(name)                                                                                            \
    void* name(void);                                                                                        \
    void* name(void) {                                                                                       \
        puts("the library's own " #name);                                                                    \
        return NULL;                                                                                         \
    }

OWN(OpenSSL_version_num)
OWN(SSL_CTX_load_verify_locations)
OWN(SSL_CTX_new)
OWN(SSL_get0_peer_certificate)
OWN(X509_NAME_oneline)
OWN(X509_STORE_get0_objects)
OWN(X509_STORE_get1_all_certs)
OWN(X509_add1_reject_object)
OWN(X509_alias_set1)
OWN(X509_free)
OWN(X509_get_subject_name)
OWN(X509_up_ref)
OWN(X509_verify)
OWN(X509_verify_cert)
OWN(d2i_X509)
