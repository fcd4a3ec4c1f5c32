// SPDX-License-Identifier: Apache-2.0
//
// Which keys have verified which certificates' signatures already.
//
// Law: only successes are remembered, each for one certificate object and one key object; the memory of it ends with
// either. Whether a signature is right is a pure function of the two only where OpenSSL's own code computes it: while
// any provider is active whose code is not libcrypto's, or an engine offers one of the algorithms, nothing is remembered and
// nothing is taken as remembered. When providers, properties, engines or configuration change, everything ends. Dates,
// revocation, names and policies are not signatures and are checked as ever. Argued in docs/decisions/0005-verify-memo.md.
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
    // Kept with the certificate: the last two keys (an issuer may have been cross-signed) that verified it. Relaxed: a
    // number that is seen late costs one more verification, and nothing else is published through it.
    struct record {
        std::array<std::atomic<std::uint64_t>, 2> keys{};
    };

    signature_memo(const functions& f, counter_block* counters);

    // Gives a key a number of its own, which no other key of this process will have: it lives in the key object's ex_data,
    // so that an address that is used again does not inherit it. Only while nobody else has the key.
    void name(EVP_PKEY* key) noexcept;

    [[nodiscard]] int index() const noexcept { return index_; }

    // Whether `key` has a number: only then anything can be remembered of it.
    [[nodiscard]] bool names(const EVP_PKEY* key) const noexcept;

    // As X509_verify(x, key), where `known` belongs to `x`.
    [[nodiscard]] int verify(record& known, X509* x, EVP_PKEY* key);

    // The same in two steps, for a verification that somebody else does. `key` as it is now; 0: nothing can be remembered of it.
    // Taken before the verification: a change that comes during it makes what is remembered worthless.
    [[nodiscard]] std::uint64_t token(const EVP_PKEY* key) const;
    [[nodiscard]] static bool knows(const record& known, std::uint64_t token) noexcept;
    static void remember(record& known, std::uint64_t token) noexcept;
    void count(std::uint64_t token, bool hit) noexcept;

    // Hits: verifications that were remembered. Misses: those that were done.
    [[nodiscard]] ibid::statistics statistics() const noexcept { return sum(counters_); }

    void forget_all() noexcept { generation_.fetch_add(1, std::memory_order_acq_rel); }

private:
    // Whether all algorithms are OpenSSL's own, in this generation. Asks OpenSSL once a generation, where it is about to use its
    // providers anyway.
    [[nodiscard]] bool algorithms_are_openssls_own(std::uint64_t generation) const;

    const functions& f_;
    // The last generation that was asked about, and the answer in its lowest bit. Relaxed: who sees an old one asks again.
    mutable std::atomic<std::uint64_t> asked_{~std::uint64_t{0}};
    int index_ = -1; // of the ex_data; negative: no memo
    std::atomic<std::uint64_t> next_key_{1};
    std::atomic<std::uint64_t> generation_{
        0}; // acquire in token() pairs with forget_all(): what changed before is seen
    counter_block own_counters_{};
    counter_block& counters_;
};

} // namespace ibid::openssl
