// SPDX-License-Identifier: Apache-2.0
//
// ibid's policy: not a copy, but the real table, used like in a program with short connections. Each handle
// is dropped at once, so every hit is an effect of the budget.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "ibid/cache.h"
#include "ibid/detail/table/interner.h"

#include "policies.h"

namespace bench_retention {

[[nodiscard]] inline ibid::retention entries(std::size_t n) {
    return {.bytes = std::numeric_limits<std::size_t>::max(), .entries = n};
}

// The generic cache: every value is protected from the start.
class ibid_cache {
public:
    ibid_cache(std::size_t capacity, std::size_t) : cache_({.retain = entries(capacity)}) {}

    bool access(request r) {
        bool made = false;
        (void)cache_.intern(r.key, [&] {
            made = true;
            return r.key;
        });
        return !made;
    }

private:
    ibid::cache<std::uint32_t, std::uint32_t, ibid::key_is_value> cache_;
};

// The same table as for certificates: an entry becomes protected when its chain verifies, which is after the
// lookup in the handshake.
class ibid_two_classes {
    struct certificate;
    struct traits {
        using entry = certificate;
        using key = std::uint32_t;
        static constexpr bool optimistic = false; // hits are under the lock: the count below is a plain int
        static bool may_match(const certificate& c, std::uint32_t k) noexcept { return c.number == k; }
        static bool may_match(std::uint32_t flying, std::uint32_t k) noexcept { return flying == k; }
        static bool try_acquire(certificate& c) noexcept {
            ++c.references; // one thread: an entry in the table is alive
            return true;
        }
        static void acquire(certificate& c) noexcept { ++c.references; }
        static void release(certificate& c) noexcept {
            if (--c.references == 0) {
                c.in->forget(c);
                delete &c;
            }
        }
        static std::size_t weight(const certificate&) noexcept { return sizeof(certificate); }
        static std::size_t saved(const certificate&) noexcept { return sizeof(std::uint32_t); }
    };
    using table = ibid::detail::interner<traits>;
    struct certificate : ibid::detail::entry_word {
        certificate(table* t, std::uint32_t n) : in(t), number(n) {}
        table* in;
        std::uint32_t number;
        int references = 1;
    };

public:
    ibid_two_classes(std::size_t capacity, std::size_t) : table_(table::create({})) {
        table_->retain(entries(capacity));
    }
    ibid_two_classes(const ibid_two_classes&) = delete;
    ibid_two_classes& operator=(const ibid_two_classes&) = delete;
    ~ibid_two_classes() { table_->close(); }

    bool access(request r) {
        const std::uint64_t hash = ibid::hash<std::uint32_t>{}(r.key);
        certificate* c = table_->find(hash, r.key);
        const bool hit = c != nullptr;
        if (!hit) {
            table::flight_type flight{&r.key, hash};
            (void)table_->begin(flight); // one thread: no other thread has it or makes it
            c = new certificate(table_, r.key);
            table_->publish(flight, *c);
        }
        if (r.verifies) {
            table_->protect(*c);
        }
        traits::release(*c);
        return hit;
    }

private:
    table* table_;
};

} // namespace bench_retention
