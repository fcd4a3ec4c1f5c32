// SPDX-License-Identifier: Apache-2.0
//
// The C functions of ibid_openssl.h, over the same caches as the interposed symbols.
#include "openssl/instance/libcrypto.h"
#include "openssl/scan/scan.h"
#include "this_libcrypto.h"
#include "why_not.h"

namespace ibid::openssl {

namespace {

// Replaces chain[i] by the shared certificate with the same bytes.
void share_in(const functions& f, certificate_cache& cache, OPENSSL_STACK* chain, int i) {
    auto* const own = static_cast<X509*>(f.OPENSSL_sk_value(chain, i));
    if (X509* const shared = cache.share(own)) {
        f.OPENSSL_sk_set(chain, i, shared);
        f.X509_free(own);
    }
}

// The caches of a libcrypto, read once, because it may be disabled at any moment.
struct caches {
    certificate_cache* const certificates;
    trust_store_cache* const trust_stores;
    explicit caches(libcrypto* of) noexcept
        : certificates(of != nullptr ? of->certificates() : nullptr),
          trust_stores(of != nullptr ? of->trust_stores() : nullptr) {}
};

[[nodiscard]] int load_file(X509_STORE* store, const char* path, file_kind kind, int type) {
    libcrypto* const l = this_libcrypto();
    trust_store_cache* const stores = caches(l).trust_stores;
    if (stores == nullptr) {
        return -1;
    }
    return stores->load(store, path, kind, type);
}

} // namespace

} // namespace ibid::openssl

using namespace ibid::openssl;

X509* ibid_openssl_parse_certificate(const unsigned char** pp, size_t size) {
    libcrypto* const l = this_libcrypto();
    if (l == nullptr || pp == nullptr || size > static_cast<size_t>(__LONG_MAX__)) {
        return nullptr;
    }
    certificate_cache* const cache = l->certificates();
    const long length = static_cast<long>(size);
    return cache != nullptr && *pp != nullptr ? cache->parse(nullptr, pp, length, {}, false)
                                              : l->f.d2i_X509(nullptr, pp, length);
}

int ibid_openssl_load_trust_store(X509_STORE* store, const char* path) {
    if (const int count = load_file(store, path, file_kind::certificates_and_crls, X509_FILETYPE_PEM);
        count >= 0) {
        return count > 0 ? 1 : 0;
    }
    libcrypto* const l = this_libcrypto();
    return l != nullptr ? l->f.X509_STORE_load_file_ex(store, path, nullptr, nullptr) : 0;
}

int ibid_openssl_load_crls(X509_STORE* store, const char* path, int type) {
    if (const int count = load_file(store, path, file_kind::crls, type); count >= 0) {
        return count;
    }
    libcrypto* const l = this_libcrypto();
    X509_LOOKUP* const lookup =
        l != nullptr ? l->f.X509_STORE_add_lookup(store, l->f.X509_LOOKUP_file()) : nullptr;
    return lookup != nullptr ? l->f.X509_load_crl_file(lookup, path, type) : 0;
}

void ibid_openssl_share_chain(X509_STORE_CTX* verification) {
    libcrypto* const l = this_libcrypto();
    certificate_cache* const cache = l != nullptr ? l->certificates() : nullptr;
    if (cache == nullptr || verification == nullptr) {
        return;
    }
    // libssl hands its own stack to the verification, leaf first, and takes the peer from it afterwards.
    const functions& f = l->f;
    auto* const chain = reinterpret_cast<OPENSSL_STACK*>(f.X509_STORE_CTX_get0_untrusted(verification));
    const bool leaf_first = chain != nullptr && f.OPENSSL_sk_num(chain) > 0 &&
                            f.OPENSSL_sk_value(chain, 0) == f.X509_STORE_CTX_get0_cert(verification);
    if (!leaf_first) {
        return;
    }
    for (int i = 0; i < f.OPENSSL_sk_num(chain); ++i) {
        share_in(f, *cache, chain, i);
    }
    f.X509_STORE_CTX_set_cert(verification, static_cast<X509*>(f.OPENSSL_sk_value(chain, 0)));
}

void ibid_openssl_retain(size_t bytes, size_t entries) {
    const caches of(this_libcrypto());
    if (of.certificates != nullptr) {
        of.certificates->retain({bytes, entries});
    }
    if (of.trust_stores != nullptr) {
        of.trust_stores->retain({bytes, entries});
    }
}

void ibid_openssl_trim() {
    const caches of(this_libcrypto());
    if (of.trust_stores != nullptr) {
        of.trust_stores->trim(); // first, because files hold certificates
    }
    if (of.certificates != nullptr) {
        of.certificates->trim();
    }
}

int ibid_openssl_get_statistics(enum ibid_openssl_kind kind, struct ibid_openssl_statistics* into) {
    const caches of(this_libcrypto());
    if (into == nullptr || into->size != sizeof *into || of.certificates == nullptr) {
        return 0;
    }
    ibid::statistics s;
    switch (kind) {
    case IBID_OPENSSL_CERTIFICATES:
        s = of.certificates->statistics();
        break;
    case IBID_OPENSSL_TRUST_STORES:
        s = of.trust_stores != nullptr ? of.trust_stores->statistics() : ibid::statistics();
        break;
    case IBID_OPENSSL_SIGNATURES:
        s = of.certificates->signatures();
        break;
    default:
        return 0;
    }
    *into = {sizeof *into,       s.hits,   s.misses,   s.evictions,     s.detached,
             s.bytes_not_parsed, s.active, s.retained, s.retained_bytes};
    return 1;
}

const char* ibid_openssl_why_not(enum ibid_openssl_feature feature) {
    libcrypto* const l = this_libcrypto();
    if (l == nullptr) {
        return environment().disabled                  ? "IBID_DISABLE is set"
               : modules::why_not_scanned() != nullptr ? modules::why_not_scanned()
                                                       : "no OpenSSL 3 or 4 was found in this process";
    }
    return why_not(*l, feature);
}
