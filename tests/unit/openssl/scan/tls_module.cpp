// SPDX-License-Identifier: Apache-2.0
//
// A module that makes two connections with itself, and returns whether both show the same object. With
// IBID_TEST_WRITES it references a function that writes.
#include "connections.h"

extern "C" [[gnu::visibility("default")]] int ibid_test_shares() {
    const ibid::test::two_connections c;
#ifdef IBID_TEST_WRITES
    X509_alias_set1(c.one.clients_view(), reinterpret_cast<const unsigned char*>("mine"), 4);
    int size = 0;
    if (X509_alias_get0(c.two.clients_view(), &size) != nullptr) {
        return -2; // the other one sees it
    }
#endif
    return c.shaken ? (c.share() ? 1 : 0) : -1;
}

// Shows whether the module's own call is intercepted: it registers a callback for every certificate, and ibid
// then shares nothing.
extern "C" [[gnu::visibility("default")]] int ibid_test_asks_to_be_told() {
    return CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_X509, 0, nullptr, nullptr, nullptr,
                                   [](void*, void*, CRYPTO_EX_DATA*, int, long, void*) {});
}

extern "C" [[gnu::visibility("default")]] const void* ibid_test_libcrypto() {
    return reinterpret_cast<const void*>(&OpenSSL_version_num);
}
