// SPDX-License-Identifier: Apache-2.0
//
// An object that counts its constructions and destructions, for tests of which object is destroyed when, and
// where.
#pragma once

#include <atomic>

namespace ibid_test {

struct life_counts {
    std::atomic<int> born{0};
    std::atomic<int> dead{0};
    [[nodiscard]] int alive() const { return born - dead; }
};

struct tracked {
    explicit tracked(life_counts& l) : where(&l), number(l.born.fetch_add(1)) {}
    tracked(const tracked&) = delete;
    tracked& operator=(const tracked&) = delete;
    ~tracked() { where->dead.fetch_add(1); }

    life_counts* where;
    int number; // 0 for the first of its life_counts
    int uses = 0;
};

// A factory for them.
inline auto make_tracked(life_counts& l) {
    return [&l] { return tracked(l); };
}

} // namespace ibid_test
