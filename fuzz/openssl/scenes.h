// SPDX-License-Identifier: Apache-2.0
//
// What a program does with the bytes that it was sent, by OpenSSL's public functions alone. Nothing here knows of ibid.
//
// Law: each scene does what it does several times over, so that under ibid the first is a miss, the second a hit while the
// first result is held, and the last one comes after all were freed.
#pragma once

#include "input.h"
#include "outcome.h"

namespace ibid::fuzz {

void play_decoding(const input& in, outcome& seen);  // d2i_X509 and its kin, into every kind of `*a`
void play_writing(const input& in, outcome& seen);   // public setters on what was decoded
void play_handshake(const input& in, outcome& seen); // a peer that sends these bytes as its certificates
void play_session(const input& in, outcome& seen);   // d2i_SSL_SESSION
void play_trust_file(const input& in,
                     outcome& seen); // X509_STORE_load_file, X509_load_crl_file and their kin

inline constexpr unsigned scenes = 5;

inline void play(const input& in, outcome& seen) {
    using scene = void (*)(const input&, outcome&);
    static constexpr scene all[scenes] = {&play_decoding, &play_writing, &play_handshake, &play_session,
                                          &play_trust_file};
    ERR_clear_error();
    all[in.scene % scenes](in, seen);
    ERR_clear_error();
}

} // namespace ibid::fuzz
