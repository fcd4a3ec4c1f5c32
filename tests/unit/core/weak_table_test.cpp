// SPDX-License-Identifier: Apache-2.0
//
// Probing after inserts and erases: entries in a run are found, erased ones are not.
#include "ibid/detail/table/weak_table.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace ibid {
namespace {

struct entry : detail::entry_word {
    std::uint64_t whole = 0;
};

class weak_table : public ::testing::Test {
protected:
    using table = detail::weak_table<entry, std::allocator<std::byte>>;

    entry& put_in(std::uint64_t hash) {
        entry& e = entries_.emplace_back();
        e.whole = hash;
        e.set_hash(hash);
        table_.free(table_.reserve(1));
        table_.insert(e, hash);
        inside_.insert(&e);
        return e;
    }

    void take_out(entry& e) {
        EXPECT_TRUE(table_.erase(e));
        EXPECT_FALSE(table_.erase(e)) << "it was already removed";
        inside_.erase(&e);
        if (table_.could_shrink(0)) {
            table_.free(table_.shrink());
        }
    }

    // Exactly the entries in the table, with both kinds of lookup.
    void check() const {
        ASSERT_EQ(table_.size(), inside_.size());
        for (const entry& e : entries_) {
            const bool inside = inside_.contains(&e);
            const entry* const found =
                table_.find(e.whole, [&](const entry& candidate) { return &candidate == &e; });
            ASSERT_EQ(found != nullptr, inside) << std::hex << e.whole;
            std::uint64_t word = 0;
            const entry* const peeked = table_.peek(e.whole, word);
            ASSERT_TRUE(peeked != nullptr || !inside) << std::hex << e.whole;
            ASSERT_TRUE(peeked == nullptr || peeked->whole == e.whole);
        }
    }

    // Alternates inserts and erases, with hashes from `next`, with up to `most` entries at once.
    template <class Next>
    void churn(unsigned seed, std::size_t most, Next next) {
        std::mt19937_64 random(seed);
        std::vector<entry*> held;
        for (int step = 0; step < 3000; ++step) {
            if (held.size() < most && (held.empty() || random() % 8 < 5)) {
                held.push_back(&put_in(next(random)));
            } else {
                std::swap(held[random() % held.size()], held.back());
                take_out(*held.back());
                held.pop_back();
            }
            if (step % 50 == 0) {
                check();
            }
        }
        check();
    }

    table table_{{}};
    std::deque<entry> entries_;
    std::set<const entry*> inside_;
};

TEST_F(weak_table, keep_random_entries_in_reach) {
    churn(1, 200, [](auto& random) { return random(); });
}

// Runs far longer than a tag can distinguish: all homes are within a few slots, also around the end of the
// array.
TEST_F(weak_table, keep_entries_of_long_runs_in_reach) {
    churn(2, 90, [](auto& random) { return (random() & ~std::uint64_t{0xffff}) | (random() % 5 + 0xfffd); });
}

TEST_F(weak_table, keep_entries_of_one_home_in_reach) {
    churn(3, 60, [](auto& random) { return random() << 16 | 0x1234; });
}

// Homes that four bits cannot distinguish, in one run.
TEST_F(weak_table, keep_entries_in_reach_whose_homes_lie_sixteen_apart) {
    churn(4, 40, [](auto& random) { return (random() << 16) + random() % 3 * 16 + random() % 2; });
}

TEST_F(weak_table, take_an_entry_whose_tag_is_all_zeros) {
    entry& e = put_in(0x0000'ffff'0000'0000);
    entry& nothing_but_zeros = put_in(0);
    check();
    take_out(nothing_but_zeros);
    check();
    take_out(e);
    check();
}

} // namespace
} // namespace ibid
