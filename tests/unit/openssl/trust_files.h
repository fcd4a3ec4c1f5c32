// SPDX-License-Identifier: Apache-2.0
//
// For tests of trust files: PEM texts, files that are made and removed, and lists of a store's objects.
#pragma once

#include <openssl/pem.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "certificates.h"
#include "this_openssl.h"

namespace ibid::test {

template <class Write>
[[nodiscard]] std::string pem(Write write) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
    check(write(out.get()) == 1, "write PEM");
    char* text = nullptr;
    const long size = BIO_get_mem_data(out.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

[[nodiscard]] inline std::string pem_of(const authority& a) {
    return pem([&](BIO* out) { return PEM_write_bio_X509(out, a.certificate.get()); });
}

[[nodiscard]] inline std::string pem_of(const crl_ptr& crl) {
    return pem([&](BIO* out) { return PEM_write_bio_X509_CRL(out, crl.get()); });
}

// A CRL with these serial numbers, in this order.
[[nodiscard]] inline crl_ptr make_crl_of(const authority& issuer, const std::vector<std::string>& serials) {
    return crl_of(make_crl_der(issuer, serials));
}

// `count` entries in the order of their serial numbers; and, behind them, one more.
[[nodiscard]] inline crl_ptr make_ordered_crl(const authority& issuer, int count,
                                              const X509* revoked = nullptr) {
    std::vector<std::string> serials;
    for (int i = 0; i < count; ++i) {
        char hex[16];
        std::snprintf(hex, sizeof hex, "%x", 0x77000000 + i);
        serials.emplace_back(hex);
    }
    if (revoked != nullptr) {
        BIGNUM* const number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(revoked), nullptr);
        char* const hex = BN_bn2hex(number);
        serials.emplace_back(hex);
        OPENSSL_free(hex);
        BN_free(number);
    }
    return make_crl_of(issuer, serials);
}

// A store's objects, with references, so that no address is used again.
class listing {
public:
    explicit listing(X509_STORE* store) {
        const objects_of all(store);
        for (int i = 0; i < all.count(); ++i) {
            const X509_OBJECT* const o = all[i];
            if (X509* const x = X509_OBJECT_get0_X509(o)) {
                X509_up_ref(x);
                certificates_.emplace_back(x);
                objects.push_back(x);
                encoded.push_back(der_of(x));
            } else if (X509_CRL* const crl = X509_OBJECT_get0_X509_CRL(o)) {
                X509_CRL_up_ref(crl);
                crls_.emplace_back(crl);
                objects.push_back(crl);
                unsigned char* der = nullptr;
                const int size = i2d_X509_CRL(crl, &der);
                encoded.emplace_back(der, der + size);
                OPENSSL_free(der);
            }
        }
    }

    std::vector<const void*> objects;
    std::vector<bytes> encoded;

private:
    std::vector<x509_ptr> certificates_;
    std::vector<crl_ptr> crls_;
};

class folder {
public:
    folder() {
        char name[] = "/tmp/ibid-trust-XXXXXX";
        check(mkdtemp(name) != nullptr, "folder");
        path = name;
    }
    folder(const folder&) = delete;
    folder& operator=(const folder&) = delete;
    ~folder() { std::filesystem::remove_all(path); }

    std::filesystem::path path;
};

// Overwrites a file's contents: with the same inode, size and times, except for the time that cannot be set.
inline void write_over(const std::filesystem::path& path, const std::string& content) {
    struct stat before {};
    const bool was_there = stat(path.c_str(), &before) == 0;
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    check(fd >= 0 && write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size()),
          "write");
    if (was_there) {
        check(static_cast<std::size_t>(before.st_size) == content.size(), "of another size");
        const struct timespec times[2] = {before.st_atim, before.st_mtim};
        futimens(fd, times);
    }
    close(fd);
}

// Puts a new file at this path.
inline void write_new(const std::filesystem::path& path, const std::string& content) {
    const std::filesystem::path fresh = path.string() + ".new";
    write_over(fresh, content);
    std::filesystem::rename(fresh, path);
}

} // namespace ibid::test
