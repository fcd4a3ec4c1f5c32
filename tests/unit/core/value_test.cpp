// SPDX-License-Identifier: Apache-2.0
//
// Values of every kind are built in place, at their alignment.
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include "ibid/cache.h"
#include "ibid/intern.h"
#include "ibid/weak.h"
#include "support/tracked_value.h"

namespace ibid {
namespace {

using namespace ibid::testing;

template <std::size_t Alignment>
struct alignas(Alignment) aligned {
    unsigned char byte;
};

template <class Key, std::size_t Alignment>
void expect_aligned(const Key& key) {
    cache<Key, aligned<Alignment>> c;
    const auto h = c.intern(key, [] { return aligned<Alignment>{7}; });
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(h.get()) % Alignment, 0U) << Alignment;
    EXPECT_EQ(h->byte, 7);
    const weak<aligned<Alignment>> w(h);
    EXPECT_EQ(w.lock(), h);
}

TEST(values, of_every_alignment_are_aligned) {
    expect_aligned<char, 1>('k');
    expect_aligned<char, 2>('k');
    expect_aligned<std::string, 8>("key");
    expect_aligned<std::string, 16>("key");
    expect_aligned<char, 32>('k');
    expect_aligned<std::string, 64>("key");
    expect_aligned<int, 512>(1);
    expect_aligned<std::string, 4096>("key");
}

struct alignas(256) wide_key {
    std::array<unsigned char, 256> bytes{};
    friend bool operator==(const wide_key& a, const wide_key& b) { return a.bytes == b.bytes; }
};

TEST(values, may_have_keys_that_want_more_alignment_than_they) {
    cache<wide_key, char> c;
    const auto h = c.intern(wide_key{}, [] { return 'v'; });
    EXPECT_EQ(c.find(wide_key{}), h);
    c.for_each([](const wide_key& k, const handle<char>&) {
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&k) % 256, 0U);
    });
}

TEST(values, that_cannot_move_are_built_in_place) {
    struct immovable {
        explicit immovable(int v) : value(v) {}
        immovable(const immovable&) = delete;
        std::mutex mutex;
        int value;
    };
    static_assert(!std::is_move_constructible_v<immovable>);
    cache<int, immovable> c;
    EXPECT_EQ(c.intern(1, [] { return immovable(5); })->value, 5);
    EXPECT_EQ(c.intern(1, [](int k) { return immovable(k); })->value, 1)
        << "the first one ended with its handle";
}

TEST(values, that_only_move_are_moved_in) {
    cache<int, std::unique_ptr<int>> c;
    EXPECT_EQ(**c.intern(1, [] { return std::make_unique<int>(5); }), 5);
}

TEST(values, are_built_from_what_converts_explicitly_or_not) {
    cache<int, std::string> texts;
    EXPECT_EQ(*texts.intern(1, [] { return "literal"; }), "literal");
    EXPECT_EQ(*texts.intern(2, [] { return std::string_view("view"); }), "view");
    static const std::string kept = "kept";
    EXPECT_EQ(*texts.intern(3, []() -> const std::string& { return kept; }), "kept");
    cache<int, std::vector<int>> vectors;
    EXPECT_EQ(vectors.intern(1, [] { return std::size_t{3}; })->size(), 3U);
}

struct covers_its_address {
    int n = 4;
    covers_its_address* operator&() { return nullptr; }             // NOLINT(google-runtime-operator)
    const covers_its_address* operator&() const { return nullptr; } // NOLINT(google-runtime-operator)
};

TEST(values, that_overload_the_address_operator_are_found_all_the_same) {
    cache<int, covers_its_address> c;
    const auto h = c.intern(1, [] { return covers_its_address(); });
    EXPECT_EQ(h->n, 4);
    EXPECT_EQ(c.find(1), h);
    const view<covers_its_address> whole(h, *h);
    EXPECT_EQ(view<covers_its_address>(whole, *whole)->n, 4);
}

struct brings_its_own_new {
    int n = 1;
    static void* operator new(std::size_t) = delete;
    static void* operator new(std::size_t, void*) = delete;
};

TEST(values, are_not_asked_for_their_own_operator_new) {
    cache<int, brings_its_own_new> c;
    EXPECT_EQ(c.intern(1, [] { return brings_its_own_new(); })->n, 1);
}

TEST(values, may_be_empty_huge_or_functions) {
    struct nothing {};
    cache<int, nothing> c;
    const auto a = c.intern(1, [] { return nothing(); });
    const auto b = c.intern(2, [] { return nothing(); });
    EXPECT_NE(a, b) << "each key has its own value, even of an empty type";
    cache<int, std::array<char, 1 << 20>> huge;
    EXPECT_EQ(huge.intern(1, [] { return std::array<char, 1 << 20>{}; })->size(), 1U << 20);
    cache<int, std::function<int(int)>> functions;
    EXPECT_EQ((*functions.intern(2, [] { return std::function<int(int)>([](int x) { return x * 2; }); }))(21),
              42);
}

TEST(values, may_hold_handles_of_their_own_cache) {
    struct node {
        int n;
        handle<node> next;
    };
    cache<int, node> c;
    handle<node> head;
    for (int i = 0; i < 10; ++i) {
        head = c.intern(i, [&] { return node{i, head}; });
    }
    int length = 0;
    for (handle<node> at = head; at; at = at->next) {
        ++length;
    }
    EXPECT_EQ(length, 10);
    head.reset();
    EXPECT_EQ(c.statistics().entries, 0U);
}

TEST(values, are_destroyed_before_the_drop_returns_although_their_destructor_interns) {
    struct logs_its_end {
        explicit logs_its_end(cache<std::string, int>& l) : log(&l) {}
        logs_its_end(const logs_its_end&) = delete;
        ~logs_its_end() {
            log->pin(log->intern("ended", [] { return 1; }));
        }
        cache<std::string, int>* log;
    };
    cache<std::string, int> log;
    cache<int, logs_its_end> c;
    (void)c.intern(1, [&] { return logs_its_end(log); });
    EXPECT_TRUE(log.find("ended"));
}

} // namespace
} // namespace ibid
