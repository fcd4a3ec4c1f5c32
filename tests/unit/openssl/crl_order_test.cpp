// SPDX-License-Identifier: Apache-2.0
//
// A program that prints the entries of a store's CRL, in their order: as in the file, until something
// searches in it. OpenSSL sorts a list in place at the first search.
#include <openssl/x509.h>

#include <unistd.h>

#include <cstdio>
#include <fstream>

#include <gtest/gtest.h>

#include "certificates.h"
#include "this_openssl.h"

namespace ibid::test {
namespace {

[[nodiscard]] std::vector<long> order_of(X509_CRL* crl) {
    std::vector<long> all;
    STACK_OF(X509_REVOKED)* const shown = X509_CRL_get_REVOKED(crl);
    for (int i = 0; i < sk_X509_REVOKED_num(shown); ++i) {
        all.push_back(ASN1_INTEGER_get(X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(shown, i))));
    }
    return all;
}

[[nodiscard]] store_ptr store_with(const std::string& path) {
    store_ptr s(X509_STORE_new());
    check(X509_load_crl_file(X509_STORE_add_lookup(s.get(), X509_LOOKUP_file()), path.c_str(),
                             X509_FILETYPE_PEM) == 1,
          "CRL");
    return s;
}

[[nodiscard]] X509_CRL* list_in(const store_ptr& s) {
    return objects_of(s.get()).list(0);
}

TEST(CrlOrder, SeesTheOrderOfTheFileUntilItSearchesItself) {
    const std::string path = testing::TempDir() + "ibid-order-" + std::to_string(getpid()) + ".pem";
    const authority root = make_authority("root");
    std::ofstream(path) << as_pem(PEM_STRING_X509_CRL, make_crl_der(root, 10));
    const store_ptr a = store_with(path);
    const store_ptr b = store_with(path);
    std::vector<long> in_file;
    for (int i = 0; i < 10; ++i) {
        in_file.push_back(2'000'000'000L - i);
    }
    const std::vector<long> sorted(in_file.rbegin(), in_file.rend());
    EXPECT_EQ(order_of(list_in(a)), in_file);
    const x509_ptr nobody = make_certificate("nobody", root.key.get(), &root, false);
    X509_REVOKED* found = nullptr;
    EXPECT_EQ(X509_CRL_get0_by_cert(list_in(a), &found, nobody.get()), 0);
    EXPECT_EQ(order_of(list_in(a)), sorted);
    EXPECT_EQ(order_of(list_in(b)), in_file) << "this store has not been searched";
    EXPECT_EQ(order_of(list_in(store_with(path))), in_file);
    std::remove(path.c_str());
}

} // namespace
} // namespace ibid::test
