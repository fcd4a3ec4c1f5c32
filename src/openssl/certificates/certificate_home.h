// SPDX-License-Identifier: Apache-2.0
//
// The table of certificates: how it takes references to its entries, and where it lies.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>

#include "certificate_entry.h"
#include "certificate_weight.h"
#include "ibid/detail/table/interner.h"
#include "ibid/statistics.h"
#include "openssl/binding/forked_child.h"
#include "openssl/binding/functions.h"
#include "statistics/layout.h"

namespace ibid::openssl {

// The traits of the table's entries.
struct certificate_traits {
    using entry = certificate_entry;
    using key = certificate_key;
    static bool may_match(const entry& e, const key& k) noexcept { return e.may_be(k); }
    // Under the lock of the table's shard: X509_up_ref takes none, and calls nothing.
    static bool try_acquire(entry& e) noexcept;
    static void acquire(entry& e) noexcept;
    static void release(entry& e); // may run foreign code
    static std::size_t weight(const entry& e) noexcept;
    static void weigh(entry& e, const key& k) noexcept { e.weigh(k.der); }
    static std::size_t saved(const entry& e) noexcept { return e.der_size; }
};

// A table, and what its entries need from the cache. Each process in a chain of forks makes its own when it
// needs one; never freed after it was used.
struct certificate_home {
    using table_type = detail::interner<certificate_traits>;
    const functions& f;
    table_type* table;

    // `counters`: where to count; null: private counters. Throws bad_alloc.
    [[nodiscard]] static std::unique_ptr<certificate_home> make(const functions& f, counter_block* counters);
};

// An entry that may not be handed out again counts as ending, so that the table removes it.
inline bool certificate_traits::try_acquire(entry& e) noexcept {
    const std::uint32_t left = e.hand_outs_left.load(std::memory_order_relaxed);
    if (left == 0) {
        return false;
    }
    if (forked_child::is_young()) { // a few uncounted ones do not matter
        forked_child::count_one();
    } else {
        e.hand_outs_left.store(left - 1, std::memory_order_relaxed);
    }
    return e.home->f.X509_up_ref(e.x509) == 1;
}

inline void certificate_traits::acquire(entry& e) noexcept {
    e.home->f.X509_up_ref(e.x509);
}

inline void certificate_traits::release(entry& e) {
    e.home->f.X509_free(e.x509);
}

// Not retained: entries that were changed, cannot be shared, or have no known weight.
inline std::size_t certificate_traits::weight(const entry& e) noexcept {
    const std::uint32_t known = e.weight.load(std::memory_order_relaxed);
    const bool unfit = known == 0 || known == std::numeric_limits<std::uint32_t>::max() ||
                       e.changed.load(std::memory_order_relaxed) || e.refused.load(std::memory_order_relaxed);
    return unfit ? too_heavy : known;
}

// How `ibid certs` finds the entries of `home`, which has a table, in another process's memory.
[[nodiscard]] shared_statistics::certificates_anchor
anchor_of(const std::atomic<certificate_home*>& home) noexcept;

} // namespace ibid::openssl
