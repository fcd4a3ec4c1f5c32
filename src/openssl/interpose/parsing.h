// SPDX-License-Identifier: Apache-2.0
//
// Calls that parse a certificate. Results for libssl are shared; results for the program only with
// IBID_SCOPE=all.
//
// Law: every function here returns what the OpenSSL function of its name returns; only the cost differs.
// Source: manual page d2i_X509(3).
#pragma once

#include <utility>

#include "openssl/instance/libcrypto.h"

namespace ibid::openssl::interpose {

// libssl: X509_new_ex, and the d2i_X509 that follows and fills the empty object. `code`: the return address.
// It only tells whether the caller is one of libssl's two functions that parse a certificate which the
// program presents. These make no tail call.
[[nodiscard]] X509* new_certificate(libcrypto& of, OSSL_LIB_CTX* context, const char* property_query);
[[nodiscard]] X509* parse_peer(libcrypto& of, X509** a, const unsigned char** pp, long length,
                               const void* code);

// libssl verifies this leaf, which it has parsed: a client's certificate on a server, or a server's
// certificate.
void learn_whose(libcrypto& of, const X509* leaf, bool of_server) noexcept;

// libssl's name for the type of the peer's certificate in a session: a type whose decoder looks into the
// cache.
[[nodiscard]] const ASN1_ITEM* session_peer_item(unsigned libcrypto) noexcept;

// A program's own d2i_X509. `shares`: according to the settings.
[[nodiscard]] X509* parse_for_program(libcrypto& of, X509** a, const unsigned char** pp, long length,
                                      bool shares);

// An object that has just been parsed for the program; `*place`, if given, was empty before. Returns the
// shared object with the same bytes.
[[nodiscard]] X509* share_for_program(libcrypto& of, X509** place, X509* parsed);

// A parser fills the object that it is given. If that object is shared, its other holders must not see a
// change: the parser gets an empty object of the same context instead. The program's reference to the shared
// object stays, which costs memory, never correctness.
class private_target {
public:
    private_target(libcrypto& of, X509** a);
    private_target(const private_target&) = delete;
    private_target& operator=(const private_target&) = delete;
    ~private_target() = default;

    // Returns the parser's result. A parser that failed before it used `*a` (at a PEM file's end) has not
    // changed it.
    template <class Result>
    [[nodiscard]] Result* settle(Result* parsed) {
        if (parsed == nullptr) {
            put_back();
        }
        return parsed;
    }

private:
    void put_back();

    const functions& f_;
    X509** a_;
    X509* shared_ = nullptr;
    X509* replacement_ = nullptr;
};

// A decoder of the program with an output argument for the certificate: decode(place).
template <class Decode>
[[nodiscard]] X509* decode_for_program(libcrypto& of, X509** place, bool shares, Decode decode) {
    if (place != nullptr && *place != nullptr) {
        private_target target(of, place);
        return target.settle(decode());
    }
    X509* const parsed = decode();
    return shares && parsed != nullptr ? share_for_program(of, place, parsed) : parsed;
}

// ASN1_item_d2i and ASN1_item_d2i_ex of a program, which may fill a certificate.
template <class Decode>
[[nodiscard]] ASN1_VALUE* decode_item(libcrypto& of, ASN1_VALUE** value, const ASN1_ITEM* item,
                                      Decode decode) {
    if (value == nullptr || *value == nullptr || item != of.f.X509_it()) {
        return decode();
    }
    private_target target(of, reinterpret_cast<X509**>(value));
    return target.settle(decode());
}

} // namespace ibid::openssl::interpose
