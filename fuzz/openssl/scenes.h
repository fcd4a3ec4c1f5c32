// SPDX-License-Identifier: Apache-2.0
//
// What a program does with received bytes, only with OpenSSL's public functions. Independent of ibid.
//
// ibid treats a program that references functions that write differently from a program that only reads. So
// there are two programs of these scenes: without play_writing(), and with it.
//
// Law: each scene repeats its operation several times, so that under ibid the first is a miss, the second is
// a hit while the first result is held, and the last one comes after all results were freed.
#pragma once

#include "input.h"
#include "outcome.h"

namespace ibid::fuzz {

void play_decoding(const input& in, outcome& seen); // d2i_X509 and similar functions, into every kind of `*a`
[[gnu::weak]] void
play_writing(const input& in,
             outcome& seen); // public setters on certificates that were decoded, or came from a session
void play_handshake(const input& in, outcome& seen); // a peer that sends these bytes as its certificates
void play_session(const input& in, outcome& seen);   // d2i_SSL_SESSION
void play_trust_file(const input& in,
                     outcome& seen); // X509_STORE_load_file, X509_load_crl_file and similar functions

inline constexpr unsigned scenes = 5;

using scene = void (*)(const input&, outcome&);

// Null: this program has no such scene.
[[nodiscard]] inline scene scene_of(const input& in) {
    static const scene all[scenes] = {&play_decoding, &play_writing, &play_handshake, &play_session,
                                      &play_trust_file};
    return all[in.scene % scenes];
}

inline void play(const input& in, outcome& seen) {
    ERR_clear_error();
    scene_of(in)(in, seen);
    ERR_clear_error();
}

} // namespace ibid::fuzz
