// SPDX-License-Identifier: Apache-2.0
//
// The public calls after which the algorithms at hand may be others: what was verified before is verified again.
#include "openssl/interposed.h"

#define IBID_RECONFIGURATION(result, name, parameters, arguments, failure)                                   \
    __asm__(".symver ibid_" #name ", " #name "@OPENSSL_3.0.0");                                              \
    result ibid_##name parameters {                                                                          \
        const auto* const f = ibid::openssl::interposed::before_call(__builtin_return_address(0));           \
        if (f == nullptr || f->name == nullptr) {                                                            \
            return failure;                                                                                  \
        }                                                                                                    \
        result const done = f->name arguments;                                                               \
        ibid::openssl::interposed::after_reconfiguration();                                                  \
        return done;                                                                                         \
    }                                                                                                        \
    static_assert(true)

// The few that take nothing and return nothing.
#define IBID_RECONFIGURATION_OF_ALL(name)                                                                    \
    __asm__(".symver ibid_" #name ", " #name "@OPENSSL_3.0.0");                                              \
    void ibid_##name() {                                                                                     \
        const auto* const f = ibid::openssl::interposed::before_call(__builtin_return_address(0));           \
        if (f != nullptr && f->name != nullptr) {                                                            \
            f->name();                                                                                       \
            ibid::openssl::interposed::after_reconfiguration();                                              \
        }                                                                                                    \
    }                                                                                                        \
    static_assert(true)

#pragma GCC visibility push(default)
extern "C" {

IBID_RECONFIGURATION(OSSL_PROVIDER*, OSSL_PROVIDER_load, (OSSL_LIB_CTX * context, const char* name),
                     (context, name), nullptr);
IBID_RECONFIGURATION(OSSL_PROVIDER*, OSSL_PROVIDER_try_load,
                     (OSSL_LIB_CTX * context, const char* name, int retain), (context, name, retain),
                     nullptr);
IBID_RECONFIGURATION(int, OSSL_PROVIDER_unload, (OSSL_PROVIDER * provider), (provider), 0);
IBID_RECONFIGURATION(int, EVP_set_default_properties, (OSSL_LIB_CTX * context, const char* query),
                     (context, query), 0);
IBID_RECONFIGURATION(int, EVP_default_properties_enable_fips, (OSSL_LIB_CTX * context, int enable),
                     (context, enable), 0);
IBID_RECONFIGURATION(int, OSSL_LIB_CTX_load_config, (OSSL_LIB_CTX * context, const char* file),
                     (context, file), 0);
IBID_RECONFIGURATION(int, CONF_modules_load,
                     (const CONF* configuration, const char* name, unsigned long flags),
                     (configuration, name, flags), 0);
IBID_RECONFIGURATION(int, CONF_modules_load_file, (const char* file, const char* name, unsigned long flags),
                     (file, name, flags), 0);
IBID_RECONFIGURATION(int, CONF_modules_load_file_ex,
                     (OSSL_LIB_CTX * context, const char* file, const char* name, unsigned long flags),
                     (context, file, name, flags), 0);
IBID_RECONFIGURATION(int, EVP_PKEY_meth_add0, (const EVP_PKEY_METHOD* method), (method), 0);
IBID_RECONFIGURATION(int, EVP_PKEY_meth_remove, (const EVP_PKEY_METHOD* method), (method), 0);
#ifndef OPENSSL_NO_ENGINE
IBID_RECONFIGURATION(int, ENGINE_set_default, (ENGINE * engine, unsigned int flags), (engine, flags), 0);
IBID_RECONFIGURATION(int, ENGINE_set_default_string, (ENGINE * engine, const char* list), (engine, list), 0);
IBID_RECONFIGURATION(int, ENGINE_register_all_complete, (), (), 0);
IBID_RECONFIGURATION(int, ENGINE_register_complete, (ENGINE * engine), (engine), 0);
IBID_RECONFIGURATION(int, ENGINE_register_RSA, (ENGINE * engine), (engine), 0);
IBID_RECONFIGURATION(int, ENGINE_register_DSA, (ENGINE * engine), (engine), 0);
IBID_RECONFIGURATION(int, ENGINE_register_EC, (ENGINE * engine), (engine), 0);
IBID_RECONFIGURATION(int, ENGINE_register_digests, (ENGINE * engine), (engine), 0);
IBID_RECONFIGURATION(int, ENGINE_register_pkey_meths, (ENGINE * engine), (engine), 0);
IBID_RECONFIGURATION(int, ENGINE_register_pkey_asn1_meths, (ENGINE * engine), (engine), 0);
IBID_RECONFIGURATION(int, ENGINE_set_default_RSA, (ENGINE * engine), (engine), 0);
IBID_RECONFIGURATION(int, ENGINE_set_default_DSA, (ENGINE * engine), (engine), 0);
IBID_RECONFIGURATION(int, ENGINE_set_default_EC, (ENGINE * engine), (engine), 0);
IBID_RECONFIGURATION(int, ENGINE_set_default_digests, (ENGINE * engine), (engine), 0);
IBID_RECONFIGURATION(int, ENGINE_set_default_pkey_meths, (ENGINE * engine), (engine), 0);
IBID_RECONFIGURATION(int, ENGINE_set_default_pkey_asn1_meths, (ENGINE * engine), (engine), 0);
IBID_RECONFIGURATION_OF_ALL(ENGINE_register_all_RSA);
IBID_RECONFIGURATION_OF_ALL(ENGINE_register_all_DSA);
IBID_RECONFIGURATION_OF_ALL(ENGINE_register_all_EC);
IBID_RECONFIGURATION_OF_ALL(ENGINE_register_all_digests);
IBID_RECONFIGURATION_OF_ALL(ENGINE_register_all_pkey_meths);
IBID_RECONFIGURATION_OF_ALL(ENGINE_register_all_pkey_asn1_meths);
#endif

} // extern "C"
#pragma GCC visibility pop
