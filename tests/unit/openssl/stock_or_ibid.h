// SPDX-License-Identifier: Apache-2.0
//
// Tests that run twice, stock (IBID_DISABLE=1) and under ibid. Both runs check what a program can see; only
// the run under ibid checks which objects are shared, and what was parsed.
#pragma once

#include <cstdint>

#include "ibid_openssl.h"
#include "linkage.h"

namespace ibid::test {

[[nodiscard]] inline bool sharing() {
    return ibid_openssl_why_not(IBID_OPENSSL_FEATURE_TRUST_STORES) == nullptr;
}

// The same for libcrypto's calls to itself, which cannot be intercepted if it is bound to itself.
[[nodiscard]] inline bool sharing_inside() {
    return sharing() && !symbolic();
}

// Under ibid: one object. Stock: two.
[[nodiscard]] inline bool shared_as_it_should_be(const void* a, const void* b) {
    return (a == b) == sharing();
}

[[nodiscard]] inline ibid_openssl_statistics statistics_of(ibid_openssl_kind kind) {
    ibid_openssl_statistics now{};
    now.size = sizeof now;
    ibid_openssl_get_statistics(kind, &now); // stock: all zero
    return now;
}

// The counts since this object was constructed.
class counted {
public:
    explicit counted(ibid_openssl_kind kind) : kind_(kind), before_(statistics_of(kind)) {}

    [[nodiscard]] std::uint64_t hits() const { return statistics_of(kind_).hits - before_.hits; }
    [[nodiscard]] std::uint64_t misses() const { return statistics_of(kind_).misses - before_.misses; }

private:
    ibid_openssl_kind kind_;
    ibid_openssl_statistics before_;
};

} // namespace ibid::test
