// SPDX-License-Identifier: Apache-2.0
//
// Functions that exist only in some versions and builds of OpenSSL, and that the installed headers may not
// declare. ibid finds functions of a libcrypto by name, independently of the headers that it was compiled
// with; so it needs their types.
//
// Law: nothing here is called or referenced by its symbol. Only a function table holds it (functions.h), and
// may lack it.
#pragma once

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/types.h>
#include <openssl/x509_vfy.h>
#if OPENSSL_VERSION_MAJOR < 4 && !defined(OPENSSL_NO_ENGINE)
#include <openssl/engine.h>
#endif

extern "C" {

#if OPENSSL_VERSION_NUMBER < 0x30300000L
STACK_OF(X509_OBJECT) * X509_STORE_get1_objects(X509_STORE*); // since 3.3
#endif

#if OPENSSL_VERSION_MAJOR >= 4
int OPENSSL_atexit(void (*)());
int EVP_PKEY_meth_add0(const EVP_PKEY_METHOD*);
int EVP_PKEY_meth_remove(const EVP_PKEY_METHOD*);
#endif

#if OPENSSL_VERSION_MAJOR >= 4 || defined(OPENSSL_NO_ENGINE)
int ENGINE_finish(ENGINE*);
int ENGINE_set_default(ENGINE*, unsigned int);
int ENGINE_set_default_string(ENGINE*, const char*);
int ENGINE_register_all_complete();
int ENGINE_register_complete(ENGINE*);
ENGINE* ENGINE_get_default_RSA();
ENGINE* ENGINE_get_default_EC();
ENGINE* ENGINE_get_digest_engine(int);
ENGINE* ENGINE_get_pkey_meth_engine(int);
#define IBID_DECLARE(kind)                                                                                   \
    int ENGINE_register_##kind(ENGINE*);                                                                     \
    int ENGINE_set_default_##kind(ENGINE*);                                                                  \
    void ENGINE_register_all_##kind();                                                                       \
    void ENGINE_unregister_##kind(ENGINE*);
IBID_DECLARE(RSA)
IBID_DECLARE(DSA)
IBID_DECLARE(EC)
IBID_DECLARE(digests)
IBID_DECLARE(pkey_meths)
IBID_DECLARE(pkey_asn1_meths)
#undef IBID_DECLARE
#endif

} // extern "C"
