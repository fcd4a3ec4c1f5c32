// SPDX-License-Identifier: Apache-2.0
#include "parsing.h"

#include <array>

#include <openssl/asn1t.h>

#include "openssl/binding/one_thread.h"
#include "openssl/certificates/der.h"
#include "openssl/instance/forked_child.h"
#include "private_objects.h"

namespace ibid::openssl::interpose {

namespace {

// The last object that X509_new_ex gave to libssl: empty, and nobody else's. The d2i_X509 that follows at
// once may replace it instead of filling it, and learns from here what no getter tells: where it is to be
// parsed. Each d2i_X509 of libssl's follows an X509_new_ex of its own, so that what a failed call has left
// here is written over before it is read.
struct fresh_object {
    const X509* object = nullptr;
    OSSL_LIB_CTX* context = nullptr;
    const char* property_query = nullptr; // the caller's string: alive for as long as the caller's call
};

constinit thread_local fresh_object fresh;

// What libssl has parsed last on this thread, and which of its places did so. A verification of the same
// object tells whose it is.
struct parsed_peer {
    const X509* object = nullptr;
    const void* code = nullptr;
};
constexpr std::size_t remembered_peers = 8; // a leaf, and what may come with it
constinit thread_local std::array<parsed_peer, remembered_peers> last_peers{};
constinit thread_local std::size_t next_peer = 0;

// Whether a child that was forked just now leaves this parse to OpenSSL.
[[nodiscard]] bool is_left_to_openssl(const libcrypto& of, const unsigned char* der, long length,
                                      parse_context context) {
    if (!forked_child::is_young()) {
        return false;
    }
    const certificate_cache* const cache = of.made_certificates();
    if (cache != nullptr && has_one_thread() && cache->may_have(der, length, context)) {
        return false;
    }
    forked_child::count_one();
    return true;
}

// Whether the time of this parse may tell a stranger who was here (docs/safety.md).
[[nodiscard]] bool parses_in_full(const libcrypto& of, const unsigned char* der, long length,
                                  const void* code) {
    switch (environment().privacy) {
    case privacy_setting::off:
        return false;
    case privacy_setting::strict:
        return !of.is_clients_parser(code);
    case privacy_setting::standard:
        break;
    }
    return !of.is_clients_parser(code) &&
           !looks_like_issuer({der, length > 0 ? sequence_extent(der, static_cast<std::size_t>(length)) : 0});
}

} // namespace

void learn_whose(libcrypto& of, const X509* leaf, bool of_server) noexcept {
    for (const parsed_peer& p : last_peers) {
        if (p.object == leaf && leaf != nullptr) {
            of.learn_parser(p.code, of_server);
        }
    }
}

X509* new_certificate(libcrypto& of, OSSL_LIB_CTX* context, const char* property_query) {
    X509* const made = of.f.X509_new_ex(context, property_query);
    fresh = {made, context, property_query};
    return made;
}

X509* parse_peer(libcrypto& of, X509** a, const unsigned char** pp, long length, const void* code) {
    const fresh_object empty = std::exchange(fresh, {});
    const bool replaceable =
        a != nullptr && *a != nullptr && *a == empty.object && pp != nullptr && *pp != nullptr;
    const parse_context context{empty.context, empty.property_query};
    certificate_cache* const cache = replaceable && !of.has_writer() && !of.parses_own(code) &&
                                             !is_left_to_openssl(of, *pp, length, context)
                                         ? of.certificates()
                                         : nullptr;
    if (cache == nullptr) {
        return of.f.d2i_X509(a, pp, length);
    }
    if (of.gives_own_objects()) {
        register_index_of_sessions(of);
    }
    X509* const peer = parses_in_full(of, *pp, length, code) ? cache->parse_in_full(a, pp, length, context)
                                                             : cache->parse(a, pp, length, context, false);
    last_peers[next_peer] = {peer, code};
    next_peer = (next_peer + 1) % remembered_peers;
    return peer;
}

namespace {

// With an error in the queue it cannot be seen whether OpenSSL finds a fault in a certificate
// (has_sound_extensions).
[[nodiscard]] bool may_share(libcrypto& of) {
    return of.f.ERR_peek_error() == 0;
}

} // namespace

X509* parse_for_program(libcrypto& of, X509** a, const unsigned char** pp, long length, bool shares) {
    if (a != nullptr && *a != nullptr) {
        private_target target(of, a);
        return target.settle(of.f.d2i_X509(a, pp, length));
    }
    certificate_cache* const cache =
        shares && pp != nullptr && *pp != nullptr && may_share(of) ? of.certificates() : nullptr;
    return cache != nullptr ? cache->parse(a, pp, length, {}, false) : of.f.d2i_X509(a, pp, length);
}

X509* share_for_program(libcrypto& of, X509** place, X509* parsed) {
    certificate_cache* const cache = may_share(of) ? of.certificates() : nullptr;
    X509* const shared = cache != nullptr ? cache->adopt(parsed, false) : nullptr;
    if (shared == nullptr) {
        return parsed;
    }
    of.f.X509_free(parsed);
    if (place != nullptr) {
        *place = shared;
    }
    return shared;
}

private_target::private_target(libcrypto& of, X509** a) : f_(of.f), a_(a) {
    // Also when nothing is shared any more: others keep what they have.
    const certificate_cache* const cache = of.certificates_ever();
    const parse_context* const origin = cache != nullptr ? cache->origin(*a) : nullptr;
    if (origin != nullptr) {
        // Without memory for it, nothing stands there, and the parser will ask for memory again.
        replacement_ = f_.X509_new_ex(const_cast<OSSL_LIB_CTX*>(origin->given), origin->property_query);
        shared_ = std::exchange(*a, replacement_);
    }
}

void private_target::put_back() {
    if (replacement_ != nullptr && *a_ == replacement_) {
        f_.X509_free(replacement_);
        *a_ = shared_;
    }
}

// ---- The peer's certificate in a TLS session: a ticket, a session cache, d2i_SSL_SESSION.
//
// libssl decodes a session by a template of its own, which names the certificate's type by a place that holds
// the address of X509_it. That place leads here. On any doubt and on every failure OpenSSL's own decoder runs
// on the same bytes, so that its errors and its advance of the input are the ones seen. Source:
// ASN1_EXTERN_FUNCS in openssl/asn1t.h.

namespace {

[[nodiscard]] libcrypto& of_item(const ASN1_ITEM* item) noexcept;

int make_peer(ASN1_VALUE** value, const ASN1_ITEM* item) {
    const functions& f = of_item(item).f;
    return f.ASN1_item_ex_new(value, f.X509_it());
}

void free_peer(ASN1_VALUE** value, const ASN1_ITEM* item) {
    const functions& f = of_item(item).f;
    f.ASN1_item_ex_free(value, f.X509_it());
}

int encode_peer(const ASN1_VALUE** value, unsigned char** out, const ASN1_ITEM* item, int tag,
                int tag_class) {
    const functions& f = of_item(item).f;
    return f.ASN1_item_ex_i2d(value, out, f.X509_it(), tag, tag_class);
}

int decode_peer(ASN1_VALUE** value, const unsigned char** in, long length, const ASN1_ITEM* item, int tag,
                int tag_class, char optional, ASN1_TLC* position) {
    libcrypto& of = of_item(item);
    const functions& f = of.f;
    const bool plain = tag == -1 && tag_class == 0 && optional == 0 && *value == nullptr &&
                       !of.has_writer() && !is_left_to_openssl(of, *in, length, {});
    if (certificate_cache* const cache = plain ? of.certificates() : nullptr) {
        if (of.gives_own_objects()) {
            register_index_of_sessions(of); // before OpenSSL makes the session that this is for
        }
        f.ERR_set_mark();
        X509* const peer = cache->parse(nullptr, in, length, {}, false);
        f.ERR_pop_to_mark();
        of.publish();
        if (peer != nullptr) {
            *value = reinterpret_cast<ASN1_VALUE*>(peer);
            return 1;
        }
    }
    return f.ASN1_item_ex_d2i(value, in, length, f.X509_it(), tag, tag_class, optional, position);
}

constexpr ASN1_EXTERN_FUNCS peer_functions = {nullptr,      &make_peer, &free_peer, nullptr, &decode_peer,
                                              &encode_peer, nullptr,    nullptr,    nullptr};
constexpr ASN1_ITEM peer_item = {ASN1_ITYPE_EXTERN, V_ASN1_SEQUENCE, nullptr, 0, &peer_functions, 0, "X509"};
constexpr std::array<ASN1_ITEM, libcrypto::most> peer_items = {peer_item, peer_item, peer_item, peer_item};

libcrypto& of_item(const ASN1_ITEM* item) noexcept {
    return libcrypto::at(static_cast<unsigned>(item - peer_items.data()));
}

} // namespace

const ASN1_ITEM* session_peer_item(unsigned libcrypto) noexcept {
    return &peer_items[libcrypto];
}

} // namespace ibid::openssl::interpose
