// SPDX-License-Identifier: Apache-2.0
//
// Which keys have verified which certificates' signatures.
//
// Laws:
//  - Only successes are remembered, each for one certificate object and one key object. The record ends with
//    either.
//  - A signature check is a pure function of the two only if OpenSSL's own code computes it. While a provider
//    outside of libcrypto is active, or an engine offers one of the algorithms, nothing is remembered and no
//    record is used.
//  - When providers, properties, engines or configuration change, all records end.
//  - Dates, revocation, names and policies are not signatures; OpenSSL checks them each time.
// Why: docs/decisions/0005-verify-memo.md.
#pragma once

#include <openssl/types.h>

#include <array>
#include <atomic>
#include <cstdint>

#include "ibid/statistics.h"
#include "openssl/binding/functions.h"

namespace ibid::openssl {

class signature_memo {
public:
    // Kept with the certificate: the last two keys that verified it (two: an issuer may be cross-signed).
    // Relaxed: a stale number costs one more verification, and the number publishes nothing else.
    struct record {
        std::array<std::atomic<std::uint64_t>, 2> keys{};
    };

    signature_memo(const functions& f, counter_block* counters);

    // Gives a key a number that no other key of this process will have. It is stored in the key's ex_data, so
    // a new key at the same address does not inherit it. Requires: only the caller has the key.
    void name(EVP_PKEY* key); // OpenSSL may allocate memory: a thread may be cancelled there

    [[nodiscard]] int index() const noexcept { return index_; }

    // As X509_verify(x, key), where `known` belongs to `x`.
    [[nodiscard]] int verify(record& known, X509* x, EVP_PKEY* key);

    // The same in two steps, for a verification that the caller does. 0: nothing can be remembered of `key`.
    // Take the number before the verification: a change of providers during it then makes the record
    // worthless.
    [[nodiscard]] std::uint64_t token(const EVP_PKEY* key) const;
    [[nodiscard]] static bool knows(const record& known, std::uint64_t token) noexcept;
    static void remember(record& known, std::uint64_t token) noexcept;
    void count(std::uint64_t token, bool hit) noexcept;

    // Hits: verifications that were remembered. Misses: those that were done.
    [[nodiscard]] ibid::statistics statistics() const noexcept { return sum(counters_); }

    // Whether all algorithms are OpenSSL's own. Call just before a verification, which uses the providers
    // too.
    [[nodiscard]] bool algorithms_are_openssls_own() const {
        return algorithms_are_openssls_own(generation_.load(std::memory_order_acquire));
    }

    void forget_all() noexcept { generation_.fetch_add(1, std::memory_order_acq_rel); }

private:
    // Whether all algorithms of this generation are OpenSSL's own. Queries OpenSSL once for each generation,
    // just before a verification, which uses the providers too.
    [[nodiscard]] bool algorithms_are_openssls_own(std::uint64_t generation) const;

    const functions& f_;
    // The last generation that was checked; the lowest bit is the result. Relaxed: a thread that sees an old
    // value checks again.
    mutable std::atomic<std::uint64_t> asked_{~std::uint64_t{0}};
    int index_ = -1; // of the ex_data; negative: no memo
    std::atomic<std::uint64_t> next_key_{1};
    std::atomic<std::uint64_t> generation_{
        0}; // acquire in token() pairs with forget_all(): what changed before is seen
    counter_block own_counters_{};
    counter_block& counters_;
};

} // namespace ibid::openssl
