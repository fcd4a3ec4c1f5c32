// SPDX-License-Identifier: Apache-2.0
#include "session_peer.h"

#include <openssl/asn1t.h>

#include <utility>

#include "certificate_cache.h"
#include "scope.h"

namespace ibid::openssl {

namespace {

int decode(ASN1_VALUE** value, const unsigned char** in, long length, const ASN1_ITEM*, int tag,
           int tag_class, char optional, ASN1_TLC* position) noexcept {
    thread_scope& scope = this_thread_scope();
    certificate_cache& cache = *scope.session_peers;
    const functions& f = cache.f();
    const bool plain = tag == -1 && tag_class == 0 && optional == 0 && *value == nullptr;
    // The certificate's own decoding asks for X509_it() too, and wants the real one.
    certificate_cache* const session = std::exchange(scope.session_peers, nullptr);
    int result = 0;
    if (plain) {
        f.ERR_set_mark();
        X509* const peer = cache.parse(nullptr, in, length, {}, false);
        f.ERR_pop_to_mark();
        if (peer != nullptr) {
            *value = reinterpret_cast<ASN1_VALUE*>(peer);
            result = 1;
        }
    }
    if (result == 0) {
        result = f.ASN1_item_ex_d2i(value, in, length, f.X509_it(), tag, tag_class, optional, position);
    }
    scope.session_peers = session;
    return result;
}

// When the rest of the session cannot be decoded, what there is of it is freed inside the same call.
void destroy(ASN1_VALUE** value, const ASN1_ITEM*) noexcept {
    thread_scope& scope = this_thread_scope();
    // X509_free asks for X509_it() too: with this item, it would come back here.
    certificate_cache* const session = std::exchange(scope.session_peers, nullptr);
    session->f().X509_free(reinterpret_cast<X509*>(*value));
    scope.session_peers = session;
    *value = nullptr;
}

} // namespace

const ASN1_ITEM* session_peer_item() noexcept {
    static constexpr ASN1_EXTERN_FUNCS externals = {nullptr, nullptr, &destroy, nullptr, &decode,
                                                    nullptr, nullptr, nullptr,  nullptr};
    static constexpr ASN1_ITEM item = {ASN1_ITYPE_EXTERN, V_ASN1_SEQUENCE, nullptr, 0, &externals, 0, "X509"};
    return &item;
}

} // namespace ibid::openssl
