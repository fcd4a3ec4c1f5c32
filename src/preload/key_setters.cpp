// SPDX-License-Identifier: Apache-2.0
//
// The public setters of keys: what a key has verified before it changed says nothing of what it verifies afterwards.
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <cstdio>

#include "openssl/interposed.h"

#define IBID_KEY_SETTER(name, parameters, key, arguments)                                                    \
    IBID_KEY_WRITER(int, name, parameters, key, arguments, 0)
// What fills in a key that the caller may give.
#define IBID_KEY_MAKER(name, parameters, place, arguments)                                                   \
    IBID_KEY_WRITER(int, name, parameters, place != nullptr ? *place : nullptr, arguments, 0)
#define IBID_KEY_DECODER(name, parameters, place, arguments)                                                 \
    IBID_KEY_WRITER(EVP_PKEY*, name, parameters, place != nullptr ? *place : nullptr, arguments, nullptr)
#define IBID_KEY_WRITER(result, name, parameters, key, arguments, failure)                                   \
    __asm__(".symver ibid_" #name ", " #name "@OPENSSL_3.0.0");                                              \
    result ibid_##name parameters {                                                                          \
        const ibid::openssl::interposed::key_write write(__builtin_return_address(0), key);                  \
        return write.f() != nullptr && write.f()->name != nullptr ? write.f()->name arguments : failure;     \
    }                                                                                                        \
    static_assert(true)

#pragma GCC visibility push(default)
extern "C" {

IBID_KEY_SETTER(EVP_PKEY_assign, (EVP_PKEY * key, int type, void* material), key, (key, type, material));
IBID_KEY_SETTER(EVP_PKEY_copy_parameters, (EVP_PKEY * to, const EVP_PKEY* from), to, (to, from));
IBID_KEY_SETTER(EVP_PKEY_set1_DH, (EVP_PKEY * key, dh_st* dh), key, (key, dh));
IBID_KEY_SETTER(EVP_PKEY_set1_DSA, (EVP_PKEY * key, dsa_st* dsa), key, (key, dsa));
IBID_KEY_SETTER(EVP_PKEY_set1_EC_KEY, (EVP_PKEY * key, ec_key_st* ec), key, (key, ec));
IBID_KEY_SETTER(EVP_PKEY_set1_RSA, (EVP_PKEY * key, rsa_st* rsa), key, (key, rsa));
IBID_KEY_SETTER(EVP_PKEY_set1_encoded_public_key, (EVP_PKEY * key, const unsigned char* bytes, size_t size),
                key, (key, bytes, size));
IBID_KEY_SETTER(EVP_PKEY_set1_engine, (EVP_PKEY * key, ENGINE* engine), key, (key, engine));
IBID_KEY_SETTER(EVP_PKEY_set_bn_param, (EVP_PKEY * key, const char* name, const BIGNUM* value), key,
                (key, name, value));
IBID_KEY_SETTER(EVP_PKEY_set_int_param, (EVP_PKEY * key, const char* name, int value), key,
                (key, name, value));
IBID_KEY_SETTER(EVP_PKEY_set_octet_string_param,
                (EVP_PKEY * key, const char* name, const unsigned char* bytes, size_t size), key,
                (key, name, bytes, size));
IBID_KEY_SETTER(EVP_PKEY_set_params, (EVP_PKEY * key, OSSL_PARAM parameters[]), key, (key, parameters));
IBID_KEY_SETTER(EVP_PKEY_set_size_t_param, (EVP_PKEY * key, const char* name, size_t value), key,
                (key, name, value));
IBID_KEY_SETTER(EVP_PKEY_set_type, (EVP_PKEY * key, int type), key, (key, type));
IBID_KEY_SETTER(EVP_PKEY_set_type_by_keymgmt, (EVP_PKEY * key, EVP_KEYMGMT* management), key,
                (key, management));
IBID_KEY_SETTER(EVP_PKEY_set_type_str, (EVP_PKEY * key, const char* text, int length), key,
                (key, text, length));
IBID_KEY_SETTER(EVP_PKEY_set_utf8_string_param, (EVP_PKEY * key, const char* name, const char* text), key,
                (key, name, text));

IBID_KEY_MAKER(EVP_PKEY_fromdata, (EVP_PKEY_CTX * by, EVP_PKEY** key, int selection, OSSL_PARAM parameters[]),
               key, (by, key, selection, parameters));
IBID_KEY_MAKER(EVP_PKEY_generate, (EVP_PKEY_CTX * by, EVP_PKEY** key), key, (by, key));
IBID_KEY_MAKER(EVP_PKEY_keygen, (EVP_PKEY_CTX * by, EVP_PKEY** key), key, (by, key));
IBID_KEY_MAKER(EVP_PKEY_paramgen, (EVP_PKEY_CTX * by, EVP_PKEY** key), key, (by, key));

IBID_KEY_DECODER(d2i_AutoPrivateKey, (EVP_PKEY * *key, const unsigned char** in, long size), key,
                 (key, in, size));
IBID_KEY_DECODER(d2i_AutoPrivateKey_ex,
                 (EVP_PKEY * *key, const unsigned char** in, long size, OSSL_LIB_CTX* context,
                  const char* query),
                 key, (key, in, size, context, query));
IBID_KEY_DECODER(d2i_KeyParams, (int type, EVP_PKEY** key, const unsigned char** in, long size), key,
                 (type, key, in, size));
IBID_KEY_DECODER(d2i_PrivateKey, (int type, EVP_PKEY** key, const unsigned char** in, long size), key,
                 (type, key, in, size));
IBID_KEY_DECODER(d2i_PrivateKey_ex,
                 (int type, EVP_PKEY** key, const unsigned char** in, long size, OSSL_LIB_CTX* context,
                  const char* query),
                 key, (type, key, in, size, context, query));
IBID_KEY_DECODER(d2i_KeyParams_bio, (int type, EVP_PKEY** key, BIO* in), key, (type, key, in));
IBID_KEY_DECODER(d2i_PrivateKey_bio, (BIO * in, EVP_PKEY** key), key, (in, key));
IBID_KEY_DECODER(d2i_PrivateKey_ex_bio, (BIO * in, EVP_PKEY** key, OSSL_LIB_CTX* context, const char* query),
                 key, (in, key, context, query));
IBID_KEY_DECODER(d2i_PrivateKey_fp, (FILE * in, EVP_PKEY** key), key, (in, key));
IBID_KEY_DECODER(d2i_PrivateKey_ex_fp, (FILE * in, EVP_PKEY** key, OSSL_LIB_CTX* context, const char* query),
                 key, (in, key, context, query));
IBID_KEY_DECODER(d2i_PublicKey, (int type, EVP_PKEY** key, const unsigned char** in, long size), key,
                 (type, key, in, size));

} // extern "C"
#pragma GCC visibility pop
