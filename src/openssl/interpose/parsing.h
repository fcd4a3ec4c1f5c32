// SPDX-License-Identifier: Apache-2.0
//
// Calls that parse a certificate. Those of libssl are shared; those of the program only with IBID_SCOPE=all.
//
// Law: every function here returns what the OpenSSL function of its name returns; only the cost differs.
// Source: manual page d2i_X509(3).
#pragma once

#include <utility>

#include "openssl/instance/libcrypto.h"

namespace ibid::openssl::interpose {

// libssl: X509_new_ex, and the d2i_X509 that follows and fills the empty object in. `code`: the return
// address. It tells one thing: whether one of libssl's two functions that parse what a program presents is at
// work. These end in no jump.
[[nodiscard]] X509* new_certificate(libcrypto& of, OSSL_LIB_CTX* context, const char* property_query);
[[nodiscard]] X509* parse_peer(libcrypto& of, X509** a, const unsigned char** pp, long length,
                               const void* code);

// libssl verifies: this leaf, which it has parsed, is a client's that a server has before it, or a server's.
void learn_whose(libcrypto& of, const X509* leaf, bool of_server) noexcept;

// libssl's name for the type of the peer's certificate in a session: a type whose decoder looks into the
// cache.
[[nodiscard]] const ASN1_ITEM* session_peer_item(unsigned libcrypto) noexcept;

// A program's own d2i_X509. `shares`: where the settings say so.
[[nodiscard]] X509* parse_for_program(libcrypto& of, X509** a, const unsigned char** pp, long length,
                                      bool shares);

// An object that has just been parsed for the program; `*place`, when it was given, held none before. Gives
// the shared twin.
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

    // Passes on what the parser gave. One that failed before it came to `*a` (a PEM file's end) has left what
    // stood there.
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

// A decoder of the program's with a place for the certificate: decode(place).
template <class Decode>
[[nodiscard]] X509* decode_for_program(libcrypto& of, X509** place, bool shares, Decode decode) {
    if (place != nullptr && *place != nullptr) {
        private_target target(of, place);
        return target.settle(decode());
    }
    X509* const parsed = decode();
    return shares && parsed != nullptr ? share_for_program(of, place, parsed) : parsed;
}

// ASN1_item_d2i and ASN1_item_d2i_ex of a program, which may fill a certificate in.
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
