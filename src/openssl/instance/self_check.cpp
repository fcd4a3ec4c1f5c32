// SPDX-License-Identifier: Apache-2.0
#include "self_check.h"

#include <array>
#include <cstring>

#include "openssl/binding/error_queue.h"

namespace ibid::openssl {

namespace {

#define IBID_NEWER "this OpenSSL is newer than ibid's tests, and in a trial "

// Self-signed, version 3, P-256, CN=ibid self-check, valid until 2126; its key was deleted.
// clang-format off
constexpr std::array<unsigned char, 363> own_certificate = {
    0x30, 0x82, 0x01, 0x67, 0x30, 0x82, 0x01, 0x0d, 0xa0, 0x03, 0x02, 0x01, 0x02, 0x02, 0x01, 0x13,
    0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02, 0x30, 0x1a, 0x31, 0x18,
    0x30, 0x16, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x0f, 0x69, 0x62, 0x69, 0x64, 0x20, 0x73, 0x65,
    0x6c, 0x66, 0x2d, 0x63, 0x68, 0x65, 0x63, 0x6b, 0x30, 0x20, 0x17, 0x0d, 0x32, 0x36, 0x31, 0x31,
    0x32, 0x39, 0x30, 0x39, 0x34, 0x37, 0x31, 0x36, 0x5a, 0x18, 0x0f, 0x32, 0x31, 0x32, 0x36, 0x31,
    0x31, 0x30, 0x35, 0x30, 0x39, 0x34, 0x37, 0x31, 0x36, 0x5a, 0x30, 0x1a, 0x31, 0x18, 0x30, 0x16,
    0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x0f, 0x69, 0x62, 0x69, 0x64, 0x20, 0x73, 0x65, 0x6c, 0x66,
    0x2d, 0x63, 0x68, 0x65, 0x63, 0x6b, 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
    0x04, 0x03, 0x1b, 0xa5, 0x39, 0x9d, 0x91, 0x28, 0x6d, 0x71, 0x66, 0x50, 0x3e, 0x0a, 0x92, 0x79,
    0xdd, 0xc0, 0x84, 0x9a, 0xd3, 0xe5, 0x6b, 0x8a, 0x5e, 0x34, 0xa6, 0xee, 0x56, 0x36, 0x6e, 0xf3,
    0xfe, 0x65, 0x01, 0xd1, 0xd0, 0x40, 0x6b, 0x7d, 0xf8, 0xcd, 0x46, 0x58, 0x38, 0x12, 0xb6, 0xc4,
    0x95, 0x71, 0xcf, 0x0f, 0x94, 0x0a, 0x54, 0x6a, 0x36, 0x5b, 0x7c, 0x93, 0xae, 0x02, 0x7e, 0xdb,
    0x18, 0xa3, 0x42, 0x30, 0x40, 0x30, 0x0f, 0x06, 0x03, 0x55, 0x1d, 0x13, 0x01, 0x01, 0xff, 0x04,
    0x05, 0x30, 0x03, 0x01, 0x01, 0xff, 0x30, 0x0e, 0x06, 0x03, 0x55, 0x1d, 0x0f, 0x01, 0x01, 0xff,
    0x04, 0x04, 0x03, 0x02, 0x02, 0x04, 0x30, 0x1d, 0x06, 0x03, 0x55, 0x1d, 0x0e, 0x04, 0x16, 0x04,
    0x14, 0xe8, 0x0b, 0x0b, 0xb2, 0x33, 0x93, 0xd3, 0xd9, 0x3a, 0xce, 0xab, 0xec, 0xd9, 0x0d, 0xa6,
    0xc9, 0xc2, 0x9f, 0x57, 0xe3, 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03,
    0x02, 0x03, 0x48, 0x00, 0x30, 0x45, 0x02, 0x21, 0x00, 0xa4, 0xa1, 0x18, 0x52, 0x1e, 0x01, 0x5a,
    0x3d, 0xf1, 0x89, 0xb1, 0xf8, 0x98, 0x26, 0x6f, 0x2a, 0x04, 0x4f, 0x8c, 0x0a, 0x51, 0xe2, 0x41,
    0xe5, 0x3b, 0x80, 0xa4, 0x3b, 0x8d, 0x7b, 0xd7, 0xb2, 0x02, 0x20, 0x2f, 0x5f, 0x75, 0x56, 0x4d,
    0xb5, 0x4a, 0x3b, 0x51, 0xe9, 0x30, 0xfe, 0xca, 0x8c, 0x8b, 0x3b, 0x0c, 0xcd, 0x69, 0x03, 0x04,
    0xad, 0x05, 0x06, 0x1e, 0xb0, 0x53, 0xb5, 0xd6, 0xb0, 0xc4, 0xf0,
};
// clang-format on

constexpr auto own_size = static_cast<long>(own_certificate.size());

// Has one reference.
class held {
public:
    held(const functions& f, X509* x) noexcept : f_(f), x_(x) {}
    held(const held&) = delete;
    held& operator=(const held&) = delete;
    ~held() noexcept(false) { f_.X509_free(x_); }
    [[nodiscard]] X509* get() const noexcept { return x_; }

private:
    const functions& f_;
    X509* const x_;
};

class checker {
public:
    checker(const functions& f, certificate_cache& cache) noexcept : f_(f), cache_(cache) {}

    // Uses an object that it changes at the end. Null, or the assumption that is wrong.
    [[nodiscard]] const char* first_life() {
        const held first(f_, parse());
        const held second(f_, parse());
        if (first.get() == nullptr || !cache_.shares(first.get())) {
            return IBID_NEWER "a certificate could not be shared";
        }
        if (second.get() != first.get()) {
            return IBID_NEWER "a certificate is not found again";
        }
        if (!is_encoded_alike(first.get())) {
            return IBID_NEWER "a certificate does not encode to what it was parsed from";
        }
        if (!copies_are_apart(first.get())) {
            return IBID_NEWER "a copy of a certificate is taken for the original";
        }
        if (!verifies(first.get())) {
            return IBID_NEWER "a signature does not verify each time";
        }
        if (!store_keeps_one(first.get())) {
            return IBID_NEWER "a trust store loses an object";
        }
        return writes_are_seen(first.get()) ? nullptr : IBID_NEWER "a change to a certificate is not seen";
    }

    // The former object has been changed and freed.
    [[nodiscard]] const char* second_life() {
        if (is_found()) {
            return IBID_NEWER "a certificate that was changed is found again";
        }
        {
            const held again(f_, parse());
            if (!is_found()) {
                return IBID_NEWER "a certificate could not be shared";
            }
        }
        return is_found() ? IBID_NEWER "the end of a certificate is not reported" : nullptr;
    }

private:
    [[nodiscard]] bool is_found() const { return cache_.may_have(own_certificate.data(), own_size, {}); }

    [[nodiscard]] X509* parse() {
        const unsigned char* p = own_certificate.data();
        X509* const x = cache_.parse(nullptr, &p, own_size, {}, true);
        if (p == own_certificate.data() + own_size) {
            return x;
        }
        f_.X509_free(x);
        return nullptr;
    }

    [[nodiscard]] bool is_encoded_alike(const X509* x) const {
        std::array<unsigned char, own_certificate.size()> der{};
        unsigned char* p = der.data();
        return f_.i2d_X509(const_cast<X509*>(x), nullptr) == own_size &&
               f_.i2d_X509(const_cast<X509*>(x), &p) == own_size && der == own_certificate;
    }

    [[nodiscard]] bool copies_are_apart(X509* x) const {
        const held copy(f_, f_.X509_dup(x));
        return copy.get() != nullptr && copy.get() != x && !cache_.shares(copy.get()) && cache_.shares(x) &&
               f_.X509_get_ex_data(copy.get(), cache_.index()) == nullptr;
    }

    [[nodiscard]] bool verifies(X509* x) const {
        EVP_PKEY* const key = f_.X509_get0_pubkey(x);
        return key != nullptr && f_.X509_verify(x, key) == 1 && cache_.verify(x, key) == 1 &&
               cache_.verify(x, key) == 1 && f_.X509_verify(x, key) == 1;
    }

    [[nodiscard]] bool store_keeps_one(X509* x) const {
        struct owned_store {
            const functions& f;
            X509_STORE* store;
            ~owned_store() noexcept(false) { f.X509_STORE_free(store); }
        } const own{f_, f_.X509_STORE_new()};
        if (own.store == nullptr || f_.X509_STORE_add_cert(own.store, x) != 1 ||
            f_.X509_STORE_add_cert(own.store, x) != 1 || f_.X509_STORE_get1_all_certs == nullptr) {
            return false;
        }
        struct owned_list {
            const functions& f;
            OPENSSL_STACK* list;
            ~owned_list() noexcept(false) {
                f.OPENSSL_sk_pop_free(list, reinterpret_cast<OPENSSL_sk_freefunc>(f.X509_free));
            }
        } const all{f_, reinterpret_cast<OPENSSL_STACK*>(f_.X509_STORE_get1_all_certs(own.store))};
        return f_.OPENSSL_sk_num(all.list) == 1 && f_.OPENSSL_sk_value(all.list, 0) == x;
    }

    // Detaches it.
    [[nodiscard]] bool writes_are_seen(X509* x) {
        const X509_NAME* const subject = f_.X509_get_subject_name(x);
        if (!cache_.is_as_parsed(x) || f_.X509_NAME_entry_count(subject) != 1) {
            return false;
        }
        const ASN1_STRING* const value = f_.X509_NAME_ENTRY_get_data(f_.X509_NAME_get_entry(subject, 0));
        static constexpr char name[] = "ibid self-check";
        if (f_.ASN1_STRING_length(value) != sizeof name - 1 ||
            std::memcmp(f_.ASN1_STRING_get0_data(value), name, sizeof name - 1) != 0) {
            return false;
        }
        cache_.expose(x, parts_are_exposed); // as a program's call of this getter is noted
        auto* const letters = const_cast<unsigned char*>(f_.ASN1_STRING_get0_data(value));
        letters[0] ^= 0x20;
        const bool is_seen = !cache_.is_as_parsed(x);
        letters[0] ^= 0x20;
        return is_seen;
    }

    const functions& f_;
    certificate_cache& cache_;
};

} // namespace

const char* broken_law(const functions& f, certificate_cache& cache) {
    const errors_as_before unsaid(f);
    checker c(f, cache);
    const char* const broken = c.first_life();
    return broken != nullptr ? broken : c.second_life();
}

} // namespace ibid::openssl
