// SPDX-License-Identifier: Apache-2.0
#include "signature_memo.h"

#include "ex_data.h"
#include "settings.h"

namespace ibid::openssl {

namespace {

constexpr unsigned generation_shift = 44; // 2^44 keys, 2^20 reconfigurations; then the memo stays silent

} // namespace

signature_memo::signature_memo(const functions& f, counter_block* counters) noexcept
    : f_(f), counters_(counters != nullptr ? *counters : own_counters_) {
    if (environment().verify_memo) {
        index_ =
            f.CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_EVP_PKEY, 0, nullptr, nullptr, &not_copied, nullptr);
    }
}

void signature_memo::name(EVP_PKEY* key) noexcept {
    if (index_ >= 0) {
        const std::uint64_t number = next_key_.fetch_add(1, std::memory_order_relaxed);
        (void)f_.EVP_PKEY_set_ex_data(key, index_, reinterpret_cast<void*>(number));
    }
}

bool signature_memo::names(const EVP_PKEY* key) const noexcept {
    return index_ >= 0 && key != nullptr && f_.EVP_PKEY_get_ex_data(key, index_) != nullptr;
}

std::uint64_t signature_memo::token(const EVP_PKEY* key) const noexcept {
    if (index_ < 0 || key == nullptr) {
        return 0;
    }
    const auto number = reinterpret_cast<std::uintptr_t>(f_.EVP_PKEY_get_ex_data(key, index_));
    const std::uint64_t generation = generation_.load(std::memory_order_acquire);
    const bool exhausted = number >> generation_shift != 0 || generation >> (64 - generation_shift) != 0;
    return number == 0 || exhausted ? 0 : generation << generation_shift | number;
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

int signature_memo::verify(record& known, X509* x, EVP_PKEY* key) noexcept {
    const std::uint64_t now = token(key);
    if (now == 0) {
        return f_.X509_verify(x, key);
    }
    const bool hit = knows(known, now);
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
