// SPDX-License-Identifier: Apache-2.0
#include "signature_memo.h"

#include "openssl/binding/error_queue.h"
#include "openssl/binding/ex_data.h"
#include "openssl/binding/forked_child.h"
#include "openssl/binding/probes.h"
#include "openssl/binding/settings.h"

namespace ibid::openssl {

namespace {

// A provider whose function table is in libcrypto is part of libcrypto.
[[nodiscard]] bool lies_in_libcrypto(const functions& f, const void* object) noexcept {
    return f.libcrypto.contains(object);
}

constexpr unsigned generation_shift = 44; // 2^44 keys, 2^20 reconfigurations; then nothing is remembered

} // namespace

signature_memo::signature_memo(const functions& f, counter_block* counters)
    : f_(f), counters_(counters != nullptr ? *counters : own_counters_) {
    if (environment().verify_memo) {
        index_ =
            f.CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_EVP_PKEY, 0, nullptr, nullptr, &not_copied, nullptr);
    }
}

void signature_memo::name(EVP_PKEY* key) {
    if (index_ >= 0) {
        const std::uint64_t number = next_key_.fetch_add(1, std::memory_order_relaxed);
        (void)f_.EVP_PKEY_set_ex_data(key, index_, reinterpret_cast<void*>(number));
    }
}

namespace {

struct provider_check {
    const functions& f;
    bool all_built_in;
};

// A provider that is part of libcrypto (the default and the base provider) has its function table there. A
// provider of a module or of the program may begin to refuse at any time without any call.
int is_built_in(OSSL_PROVIDER* provider, void* argument) {
    auto& check = *static_cast<provider_check*>(argument);
    if (!lies_in_libcrypto(check.f, check.f.OSSL_PROVIDER_get0_dispatch(provider))) {
        check.all_built_in = false;
    }
    return check.all_built_in ? 1 : 0;
}

[[nodiscard]] bool offers(const functions& f, ENGINE* engine) {
    if (engine != nullptr) {
        f.ENGINE_finish(engine);
    }
    return engine != nullptr;
}

[[nodiscard]] bool engines_offer_something(const functions& f) {
    if (f.ENGINE_finish == nullptr || f.ENGINE_get_default_RSA == nullptr ||
        f.ENGINE_get_default_EC == nullptr || f.ENGINE_get_digest_engine == nullptr ||
        f.ENGINE_get_pkey_meth_engine == nullptr) {
        return false; // a build without engines
    }
    if (offers(f, f.ENGINE_get_default_RSA()) || offers(f, f.ENGINE_get_default_EC())) {
        return true;
    }
    for (const int digest : {NID_sha1, NID_sha224, NID_sha256, NID_sha384, NID_sha512}) {
        if (offers(f, f.ENGINE_get_digest_engine(digest))) {
            return true;
        }
    }
    for (const int key : {EVP_PKEY_RSA, EVP_PKEY_RSA_PSS, EVP_PKEY_EC, EVP_PKEY_ED25519, EVP_PKEY_ED448}) {
        if (offers(f, f.ENGINE_get_pkey_meth_engine(key))) {
            return true;
        }
    }
    return false;
}

} // namespace

bool signature_memo::algorithms_are_openssls_own(std::uint64_t generation) const {
    const std::uint64_t asked = asked_.load(std::memory_order_relaxed);
    if (asked >> 1 == generation) {
        return (asked & 1) != 0;
    }
    const errors_as_before unsaid(f_);
    provider_check check{f_, true};
    f_.OSSL_PROVIDER_do_all(nullptr, &is_built_in, &check);
    const bool own = check.all_built_in && !engines_offer_something(f_);
    if (!forked_child::is_young()) {
        asked_.store(generation << 1 | (own ? 1 : 0), std::memory_order_relaxed);
    }
    return own;
}

std::uint64_t signature_memo::token(const EVP_PKEY* key) const {
    if (index_ < 0 || key == nullptr) {
        return 0;
    }
    const auto number = reinterpret_cast<std::uintptr_t>(f_.EVP_PKEY_get_ex_data(key, index_));
    const std::uint64_t generation = generation_.load(std::memory_order_acquire);
    const bool exhausted = number >> generation_shift != 0 || generation >> (64 - generation_shift) != 0;
    return number == 0 || exhausted || !algorithms_are_openssls_own(generation)
               ? 0
               : generation << generation_shift | number;
}

bool signature_memo::knows(const record& known, std::uint64_t token) noexcept {
    for (const auto& k : known.keys) {
        if (k.load(std::memory_order_relaxed) == token) {
            return true;
        }
    }
    return false;
}

void signature_memo::remember(record& known, std::uint64_t token) noexcept {
    known.keys[1].store(known.keys[0].load(std::memory_order_relaxed), std::memory_order_relaxed);
    known.keys[0].store(token, std::memory_order_relaxed);
}

void signature_memo::count(std::uint64_t token, bool hit) noexcept {
    counter_stripe& stripe = counters_[token % counter_stripes];
    (hit ? stripe.hits : stripe.misses).fetch_add(1, std::memory_order_relaxed);
}

int signature_memo::verify(record& known, X509* x, EVP_PKEY* key) {
    const std::uint64_t now = token(key);
    if (now == 0) {
        return f_.X509_verify(x, key);
    }
    const bool hit = knows(known, now);
    IBID_PROBE(verify, x, hit);
    count(now, hit);
    if (hit) {
        return 1;
    }
    const int result = f_.X509_verify(x, key);
    if (result == 1) {
        remember(known, now);
    }
    return result;
}

} // namespace ibid::openssl
