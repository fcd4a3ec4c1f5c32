// SPDX-License-Identifier: Apache-2.0
#include "program_indices.h"

#include <array>
#include <atomic>
#include <limits>

#include "session_notes.h"

namespace ibid::openssl::interpose {

namespace {

// Classes of objects at which ibid keeps something.
constexpr std::array classes = {CRYPTO_EX_INDEX_X509, CRYPTO_EX_INDEX_EVP_PKEY, CRYPTO_EX_INDEX_X509_STORE,
                                CRYPTO_EX_INDEX_SSL_SESSION, CRYPTO_EX_INDEX_SSL};

// Higher than any index that OpenSSL gives out, in order and from 1 on. Data that the program sets at ibid's
// index is kept here, and what it sets from here on one higher: so its indices stay distinct.
constexpr int not_given_out = 1000;

// The highest index that the program has registered, for each class of objects in each libcrypto. 0: none,
// which OpenSSL never gives out.
constinit std::array<std::array<std::atomic<int>, classes.size()>, libcrypto::most> registered{};

// Null: ibid keeps nothing at such objects.
[[nodiscard]] std::atomic<int>* highest_of(const libcrypto& of, int object_class) noexcept {
    for (std::size_t i = 0; i < classes.size(); ++i) {
        if (classes[i] == object_class) {
            return &registered[of.number()][i];
        }
    }
    return nullptr;
}

// Negative: not registered.
[[nodiscard]] int index_of_ibid(const libcrypto& of, int object_class) noexcept {
    const certificate_cache* const certificates = of.certificates_ever();
    const trust_store_cache* const stores = of.trust_stores_ever();
    switch (object_class) {
    case CRYPTO_EX_INDEX_X509:
        return certificates != nullptr ? certificates->index() : -1;
    case CRYPTO_EX_INDEX_EVP_PKEY:
        return certificates != nullptr ? certificates->index_of_keys() : -1;
    case CRYPTO_EX_INDEX_X509_STORE:
        return stores != nullptr ? stores->index() : -1;
    case CRYPTO_EX_INDEX_SSL_SESSION:
        return index_of_sessions(of);
    default:
        return index_of_connections(of);
    }
}

void register_before_program(libcrypto& of, int object_class) {
    if (object_class == CRYPTO_EX_INDEX_SSL_SESSION) {
        register_index_of_sessions(of);
    } else if (object_class == CRYPTO_EX_INDEX_SSL) {
        register_index_of_connections(of);
    } else {
        (void)of.certificates();
    }
}

// Classes of which ibid makes and frees other objects than stock, or at other times: shared objects and their
// parts, its own stores and verifications, and what OpenSSL reads a file with.
[[nodiscard]] bool is_counted_class(int object_class) noexcept {
    switch (object_class) {
    case CRYPTO_EX_INDEX_X509_STORE:
    case CRYPTO_EX_INDEX_X509_STORE_CTX:
    case CRYPTO_EX_INDEX_BIO:
    case CRYPTO_EX_INDEX_X509:
    case CRYPTO_EX_INDEX_EVP_PKEY:
    case CRYPTO_EX_INDEX_RSA:
    case CRYPTO_EX_INDEX_DSA:
    case CRYPTO_EX_INDEX_DH:
    case CRYPTO_EX_INDEX_EC_KEY:
        return true;
    default:
        return false;
    }
}

void limit_indices(libcrypto& of, int object_class, int index) noexcept {
    if (object_class == CRYPTO_EX_INDEX_X509 && index > certificate_cache::highest_index) {
        of.disable(
            "the program has registered too much data for certificates (ex_data)"); // ends might go untold
    }
}

} // namespace

int index_to_read(libcrypto& of, int object_class, int index) {
    if (index >= not_given_out) {
        return index == std::numeric_limits<int>::max() ? index : index + 1;
    }
    return index > 0 && index == index_of_ibid(of, object_class) ? not_given_out : index;
}

int index_to_write(libcrypto& of, int object_class, int index) {
    if (index > highest_of(of, object_class)->load(std::memory_order_relaxed)) {
        register_before_program(of, object_class);
    }
    return index_to_read(of, object_class, index);
}

int get_ex_new_index(libcrypto& of, int object_class, long number, void* pointer, CRYPTO_EX_new* on_new,
                     CRYPTO_EX_dup* on_dup, CRYPTO_EX_free* on_free) {
    // A program with callbacks for each object may count them, and its code would run wherever ibid frees
    // one.
    if (is_counted_class(object_class) && (on_new != nullptr || on_dup != nullptr || on_free != nullptr)) {
        of.disable("the program has callbacks for every certificate, key, trust store or BIO (ex_data)");
    }
    const int index = of.f.CRYPTO_get_ex_new_index(object_class, number, pointer, on_new, on_dup, on_free);
    limit_indices(of, object_class, index);
    if (std::atomic<int>* const known = highest_of(of, object_class)) {
        int highest = known->load(std::memory_order_relaxed);
        while (index > highest && !known->compare_exchange_weak(highest, index, std::memory_order_relaxed)) {
        }
    }
    return index;
}

int free_ex_index(libcrypto& of, int object_class, int index) {
    if (highest_of(of, object_class) != nullptr && index > 0 && index == index_of_ibid(of, object_class)) {
        return 0; // as for an index that nobody has registered
    }
    return of.f.CRYPTO_free_ex_index(object_class, index);
}

} // namespace ibid::openssl::interpose
