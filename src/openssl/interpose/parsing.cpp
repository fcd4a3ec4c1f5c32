// SPDX-License-Identifier: Apache-2.0
#include "parsing.h"

#include <array>

#include <openssl/asn1t.h>

#include "openssl/binding/error_queue.h"
#include "openssl/binding/forked_child.h"
#include "openssl/binding/one_thread.h"
#include "openssl/certificates/der.h"
#include "session_notes.h"

namespace ibid::openssl::interpose {

namespace {

// The last object that X509_new_ex gave to libssl; it is empty, and only libssl has it. The d2i_X509 that
// follows may replace it instead of filling it, and reads the parse context here, because there is no getter.
// Each d2i_X509 of libssl follows its own X509_new_ex, so a value left by a failed call is overwritten before
// it is read.
struct fresh_object {
    const X509* object = nullptr;
    OSSL_LIB_CTX* context = nullptr;
    const char* property_query = nullptr; // the caller's string, valid during the caller's call
};

constinit thread_local fresh_object fresh;

// The objects that libssl has parsed last on this thread, and from which call site. A verification of the
// same object shows on which side it was parsed.
struct parsed_peer {
    const X509* object = nullptr;
    const void* code = nullptr;
};
constexpr std::size_t remembered_peers = 8; // a leaf and its chain
constinit thread_local std::array<parsed_peer, remembered_peers> last_peers{};
constinit thread_local std::size_t next_peer = 0;

// Whether a child that was just forked leaves this parse to OpenSSL.
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

// Whether the time of this parse may reveal earlier peers to a stranger (docs/safety.md).
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

// With an error in the queue, ibid cannot check whether OpenSSL finds a fault in a certificate
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
    // Also after sharing has stopped, because other holders keep their objects.
    const certificate_cache* const cache = of.certificates_ever();
    const parse_context* const origin = cache != nullptr ? cache->origin(*a) : nullptr;
    if (origin != nullptr) {
        // Without memory, the place stays empty, and the parser allocates itself.
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
// libssl decodes a session by an ASN.1 template, which refers to the certificate's type by a slot with the
// address of X509_it. That slot leads here. In unusual cases and on every failure OpenSSL's own decoder runs
// on the same bytes, so the errors and the advance of the input are OpenSSL's. Source: ASN1_EXTERN_FUNCS in
// openssl/asn1t.h.

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
        X509* peer = nullptr;
        {
            const errors_as_before unsaid(f);
            peer = cache->parse(nullptr, in, length, {}, false);
        }
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
