// SPDX-License-Identifier: Apache-2.0
#include "interposed.h"

#include <utility>

#include "der.h"
#include "mutation.h"
#include "outer_borders.h"
#include "scope.h"
#include "session_peer.h"

namespace ibid::openssl::interposed {

namespace {

// For calls that concern what is shared already.
[[nodiscard]] certificate_cache* cache_of(const caller& by) noexcept {
    return by.of != nullptr ? by.of->made_certificates() : nullptr;
}

// Whether what this call parses may be shared, by the rule in scope.h.
[[nodiscard]] bool shared_here(purpose now, caller_kind kind) noexcept {
    const bool everything = environment().scope == scope_setting::all;
    switch (now) {
    case purpose::trust_store:
        return true;
    case purpose::private_copy:
        return false;
    case purpose::unknown:
        break;
    }
    return kind == caller_kind::libssl || everything;
}

// A call that loads a trust store: what it parses is OpenSSL's own, and the operator's choice.
template <class Function, class... Arguments>
[[nodiscard]] int load(const caller& by, Function functions::*function, Arguments... arguments) {
    if (by.of == nullptr || by.of->f.*function == nullptr) {
        return 0;
    }
    const with_purpose loading(purpose::trust_store);
    return (by.of->f.*function)(arguments...);
}

// A call that decodes something with certificates of peers in it: they come from this cache, if there is one.
class decoding_peers {
public:
    explicit decoding_peers(certificate_cache* cache) noexcept
        : before_(std::exchange(this_thread_scope().session_peers, cache)) {}
    decoding_peers(const decoding_peers&) = delete;
    decoding_peers& operator=(const decoding_peers&) = delete;
    ~decoding_peers() { this_thread_scope().session_peers = before_; }

private:
    certificate_cache* before_;
};

// The certificate that is to be filled, if it is one.
[[nodiscard]] X509** as_certificate(const caller& by, ASN1_VALUE** value, const ASN1_ITEM* item) {
    const bool certificate = value != nullptr && *value != nullptr && item == by.of->f.X509_it();
    return certificate ? reinterpret_cast<X509**>(value) : nullptr;
}

// A decoder, for what is certificate or not: nearly always not, and then nothing of this is needed.
template <class Decode>
[[nodiscard, gnu::noinline]] ASN1_VALUE* fill(const caller& by, X509** a, Decode decode) {
    this_thread_scope().fresh = nullptr; // if it was this one, it is filled now
    own_place place(by, a);
    return place.settle(decode());
}

} // namespace

own_place::own_place(const void* code, X509** a) noexcept : own_place(caller_of(code), a) {}

own_place::own_place(const caller& by, X509** a) noexcept
    : f_(by.of != nullptr ? &by.of->f : nullptr), a_(a) {
    if (by.of != nullptr && a != nullptr && *a != nullptr) {
        // Also when ibid has stood aside since: whoever else holds it keeps what he has.
        certificate_cache* const cache = by.of->certificates_ever();
        origin_ = cache != nullptr ? cache->origin(*a) : nullptr;
    }
    if (origin_ != nullptr) {
        // Without memory for it, nothing stands there, and the parser will ask for memory again.
        stands_there_ = f_->X509_new_ex(context(), origin_->property_query);
        stood_there_ = std::exchange(*a, stands_there_);
        to_free_ = by.kind != caller_kind::application ? stood_there_ : nullptr;
    }
}

void own_place::put_back() noexcept {
    if (stands_there_ != nullptr && *a_ == stands_there_) {
        f_->X509_free(stands_there_);
        *a_ = stood_there_;
        to_free_ = nullptr;
    }
}

own_place::~own_place() {
    if (to_free_ != nullptr) {
        f_->X509_free(to_free_);
    }
}

X509* x509_new_ex(const void* code, OSSL_LIB_CTX* context, const char* property_query) {
    const caller by = caller_of(code);
    if (by.of == nullptr || by.of->f.X509_new_ex == nullptr) {
        return nullptr;
    }
    X509* const fresh = by.of->f.X509_new_ex(context, property_query);
    if (by.kind != caller_kind::application) {
        thread_scope& scope = this_thread_scope();
        scope.fresh = fresh;
        scope.library_context = context;
        scope.property_query = property_query;
    }
    return fresh;
}

X509* d2i_x509(const void* code, X509** a, const unsigned char** pp, long length) {
    const caller by = caller_of(code);
    if (by.of == nullptr || by.of->f.d2i_X509 == nullptr) {
        return nullptr;
    }
    thread_scope& scope = this_thread_scope();
    const X509* const fresh = std::exchange(scope.fresh, nullptr);
    const bool from_openssl = a != nullptr && *a == fresh && by.kind != caller_kind::application;
    own_place place(by, from_openssl ? nullptr : a);
    const bool empty = a == nullptr || *a == nullptr;
    // An object that somebody else may know is filled in place, as d2i_X509 says; only an empty one, straight from
    // X509_new_ex in OpenSSL's own code or from here, may be replaced by the shared one.
    const bool replaceable = !empty && (from_openssl || place.made());
    const bool shared =
        pp != nullptr && *pp != nullptr && (empty || replaceable) && shared_here(scope.now, by.kind);
    certificate_cache* const cache = shared ? by.of->certificates() : nullptr;
    if (cache == nullptr) {
        return place.settle(by.of->f.d2i_X509(a, pp, length));
    }
    parse_context context;
    if (replaceable) {
        context.given = place.made() ? place.context() : scope.library_context;
        context.property_query = place.made() ? place.property_query() : scope.property_query;
    }
    return place.settle(cache->parse(a, pp, length, context, scope.now == purpose::trust_store));
}

X509* d2i_x509_aux(const void* code, X509** a, const unsigned char** pp, long length) {
    const caller by = caller_of(code);
    if (by.of == nullptr || by.of->f.d2i_X509_AUX == nullptr) {
        return nullptr;
    }
    // Trust settings behind the certificate would be written into it. A trust store's file without any is read this way
    // too, and there d2i_X509_AUX is d2i_X509.
    const bool plain =
        pp != nullptr && *pp != nullptr && length > 0 &&
        sequence_extent(*pp, static_cast<std::size_t>(length)) == static_cast<std::size_t>(length);
    if (plain && this_thread_scope().now == purpose::trust_store) {
        return d2i_x509(code, a, pp, length);
    }
    const with_purpose writing(purpose::private_copy);
    own_place place(by, a);
    return place.settle(by.of->f.d2i_X509_AUX(a, pp, length));
}

// X509_load_cert_file is this with two nulls, and calls it inside libcrypto, where it may not be met. So is the next pair.
int x509_load_cert_file(const void* code, X509_LOOKUP* lookup, const char* file, int type) {
    return x509_load_cert_file_ex(code, lookup, file, type, nullptr, nullptr);
}

int x509_load_cert_file_ex(const void* code, X509_LOOKUP* lookup, const char* file, int type,
                           OSSL_LIB_CTX* context, const char* property_query) {
    const caller by = caller_of(code);
    if (type == X509_FILETYPE_PEM && context == nullptr && property_query == nullptr) {
        if (const int count = load_shared(by, lookup, file, file_kind::certificates, type); count >= 0) {
            return count;
        }
    }
    return load(by, &functions::X509_load_cert_file_ex, lookup, file, type, context, property_query);
}

int x509_load_cert_crl_file(const void* code, X509_LOOKUP* lookup, const char* file, int type) {
    return x509_load_cert_crl_file_ex(code, lookup, file, type, nullptr, nullptr);
}

int x509_load_cert_crl_file_ex(const void* code, X509_LOOKUP* lookup, const char* file, int type,
                               OSSL_LIB_CTX* context, const char* property_query) {
    const caller by = caller_of(code);
    if (type == X509_FILETYPE_PEM && context == nullptr && property_query == nullptr) {
        if (const int count = load_shared(by, lookup, file, file_kind::certificates_and_crls, type);
            count >= 0) {
            return count;
        }
    }
    return load(by, &functions::X509_load_cert_crl_file_ex, lookup, file, type, context, property_query);
}

int x509_load_crl_file(const void* code, X509_LOOKUP* lookup, const char* file, int type) {
    const caller by = caller_of(code);
    if (type == X509_FILETYPE_PEM || type == X509_FILETYPE_ASN1) {
        if (const int count = load_shared(by, lookup, file, file_kind::crls, type); count >= 0) {
            return count;
        }
    }
    return load(by, &functions::X509_load_crl_file, lookup, file, type);
}

OSSL_STORE_INFO* ossl_store_load(const void* code, OSSL_STORE_CTX* from) {
    const caller by = caller_of(code);
    if (by.of == nullptr || by.of->f.OSSL_STORE_load == nullptr) {
        return nullptr;
    }
    const bool for_trust_store = by.kind == caller_kind::libcrypto;
    const with_purpose loading(for_trust_store ? purpose::trust_store : this_thread_scope().now);
    return by.of->f.OSSL_STORE_load(from);
}

#ifndef OPENSSL_NO_OCSP
OCSP_BASICRESP* ocsp_response_get1_basic(const void* code, OCSP_RESPONSE* response) {
    const caller by = caller_of(code);
    if (by.of == nullptr || by.of->f.OCSP_response_get1_basic == nullptr) {
        return nullptr;
    }
    const decoding_peers responder(cache_of(by));
    return by.of->f.OCSP_response_get1_basic(response);
}
#endif

const ASN1_ITEM* x509_it(const void* code) {
    if (this_thread_scope().session_peers != nullptr) {
        return session_peer_item();
    }
    const caller by = caller_of(code);
    return by.of != nullptr && by.of->f.X509_it != nullptr ? by.of->f.X509_it() : nullptr;
}

ASN1_VALUE* asn1_item_d2i(const void* code, ASN1_VALUE** value, const unsigned char** in, long length,
                          const ASN1_ITEM* item) {
    const caller by = caller_of(code);
    if (by.of == nullptr || by.of->f.ASN1_item_d2i == nullptr) {
        return nullptr;
    }
    if (by.kind != caller_kind::libssl || this_thread_scope().now == purpose::private_copy) {
        X509** const a = as_certificate(by, value, item);
        return a == nullptr ? by.of->f.ASN1_item_d2i(value, in, length, item)
                            : fill(by, a, [&] { return by.of->f.ASN1_item_d2i(value, in, length, item); });
    }
    const decoding_peers session(by.of->certificates());
    return by.of->f.ASN1_item_d2i(value, in, length, item);
}

ASN1_VALUE* asn1_item_d2i_ex(const void* code, ASN1_VALUE** value, const unsigned char** in, long length,
                             const ASN1_ITEM* item, OSSL_LIB_CTX* context, const char* property_query) {
    const caller by = caller_of(code);
    if (by.of == nullptr || by.of->f.ASN1_item_d2i_ex == nullptr) {
        return nullptr;
    }
    X509** const a = as_certificate(by, value, item);
    return a == nullptr
               ? by.of->f.ASN1_item_d2i_ex(value, in, length, item, context, property_query)
               : fill(by, a, [&] {
                     return by.of->f.ASN1_item_d2i_ex(value, in, length, item, context, property_query);
                 });
}

int x509_verify(const void* code, X509* x, EVP_PKEY* key) {
    const caller by = caller_of(code);
    if (by.of == nullptr || by.of->f.X509_verify == nullptr) {
        return 0;
    }
    certificate_cache* const cache = by.of->made_certificates();
    return cache != nullptr ? cache->verify(x, key) : by.of->f.X509_verify(x, key);
}

int x509_verify_cert(const void* code, X509_STORE_CTX* verification) {
    const caller by = caller_of(code);
    if (by.of == nullptr || by.of->f.X509_verify_cert == nullptr) {
        return -1;
    }
    const functions& f = by.of->f;
    certificate_cache* const cache = cache_of(by);
    const bool links = cache != nullptr && by.of->symbolic() && by.kind == caller_kind::libssl;
    const int result = links ? by.of->links().verify(f, verification) : f.X509_verify_cert(verification);
    if (cache != nullptr && result > 0 && f.X509_STORE_CTX_get_error(verification) == X509_V_OK) {
        // X509_STORE_CTX's chain is a stack of X509; the typed sk_ functions are macros over these two.
        const auto* const chain =
            reinterpret_cast<const OPENSSL_STACK*>(f.X509_STORE_CTX_get0_chain(verification));
        for (int i = 0; i < f.OPENSSL_sk_num(chain); ++i) {
            cache->earn(static_cast<X509*>(f.OPENSSL_sk_value(chain, i)));
        }
    }
    return result;
}

int crypto_get_ex_new_index(const void* code, int object_class, long number, void* pointer,
                            CRYPTO_EX_new* on_new, CRYPTO_EX_dup* on_dup, CRYPTO_EX_free* on_free) {
    const caller by = caller_of(code);
    if (by.of == nullptr || by.of->f.CRYPTO_get_ex_new_index == nullptr) {
        return -1;
    }
    // A program that wants to be told of every certificate that is made, copied, or freed counts them one by one.
    if (object_class == CRYPTO_EX_INDEX_X509 &&
        (on_new != nullptr || on_dup != nullptr || on_free != nullptr)) {
        by.of->stand_aside();
    }
    const int index =
        by.of->f.CRYPTO_get_ex_new_index(object_class, number, pointer, on_new, on_dup, on_free);
    if (object_class == CRYPTO_EX_INDEX_X509 && index > certificate_cache::highest_index) {
        by.of->stand_aside(); // ends might go untold: see there
    }
    return index;
}

OSSL_LIB_CTX* ossl_lib_ctx_set0_default(const void* code, OSSL_LIB_CTX* context) {
    const caller by = caller_of(code);
    if (by.of == nullptr || by.of->f.OSSL_LIB_CTX_set0_default == nullptr) {
        return nullptr;
    }
    const functions& f = by.of->f;
    if (context == nullptr || f.OSSL_LIB_CTX_get0_global_default == nullptr ||
        context == f.OSSL_LIB_CTX_get0_global_default()) {
        return f.OSSL_LIB_CTX_set0_default(context);
    }
    by.of->stand_aside();
    OSSL_LIB_CTX* const before = f.OSSL_LIB_CTX_set0_default(context);
    if (f.OSSL_LIB_CTX_set0_default(nullptr) == context) { // without memory it is not
        by.of->keep_indices_apart(context);
    }
    return before;
}

void ossl_lib_ctx_free(const void* code, OSSL_LIB_CTX* context) {
    const caller by = caller_of(code);
    if (by.of == nullptr || by.of->f.OSSL_LIB_CTX_free == nullptr) {
        return;
    }
    if (certificate_cache* const cache = cache_of(by); cache != nullptr && context != nullptr) {
        cache->forget_context(context);
    }
    const bool goes = by.of->f.OSSL_LIB_CTX_set0_default == nullptr ||
                      by.of->f.OSSL_LIB_CTX_set0_default(nullptr) != context;
    if (goes) { // OpenSSL frees no context that is this thread's default
        by.of->forget_indices(context);
    }
    by.of->f.OSSL_LIB_CTX_free(context);
}

const functions* before_write(const void* code, const X509* x) noexcept {
    const caller by = caller_of(code);
    if (by.of == nullptr) {
        return nullptr;
    }
    // Also when ibid has stood aside since: a call that found it before may be about to hand it out.
    certificate_cache* const cache = by.of->certificates_ever();
    if (cache != nullptr && cache->detach(x)) {
        tell_mutation(code, "certificate");
    }
    return &by.of->f;
}

const functions* before_crl_write(const void* code, const X509_CRL*) noexcept {
    const caller by = caller_of(code);
    if (by.of == nullptr) {
        return nullptr;
    }
    return &by.of->f;
}

key_write::key_write(const void* code, const EVP_PKEY* key) noexcept {
    const caller by = caller_of(code);
    if (by.of == nullptr) {
        return;
    }
    // Whoever calls: libcrypto also writes to the key of a call that is met nowhere else, or for a callback that ends in a jump.
    f_ = &by.of->f;
    certificate_cache* const cache = by.of->made_certificates();
    remembering_ = cache != nullptr && cache->remembers(key) ? cache : nullptr;
}

key_write::~key_write() {
    if (remembering_ != nullptr) {
        remembering_->forget_verifications();
    }
}

const functions* before_call(const void* code) noexcept {
    const caller by = caller_of(code);
    return by.of != nullptr ? &by.of->f : nullptr;
}

void after_reconfiguration() noexcept {
    library::for_each([](library& l) {
        if (certificate_cache* const cache = l.made_certificates()) {
            cache->forget_verifications();
        }
    });
}

} // namespace ibid::openssl::interposed
