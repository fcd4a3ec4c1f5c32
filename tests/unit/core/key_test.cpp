// SPDX-License-Identifier: Apache-2.0
//
// Keys: their types, where entries store them, and what they can be looked up by.
#include <array>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "ibid/cache.h"
#include "support/tracked_value.h"

namespace ibid {
namespace {

using namespace ibid::testing;

struct tree {
    std::string name;
    std::vector<tree> children;
    bool operator==(const tree&) const = default;
};
struct with_view {
    std::string_view name;
    bool operator==(const with_view&) const = default;
};
struct answering : with_view { // its texts stay
    [[nodiscard]] const std::string_view& hash_fields() const { return name; }
};
static_assert(detail::has_view<std::string_view>() && detail::has_view<with_view>());
static_assert(detail::has_view<std::vector<std::pair<int, std::span<const int>>>>());
static_assert(detail::has_view<std::variant<int, std::array<std::string_view, 2>>>());
static_assert(!detail::has_view<tree>() && !detail::has_view<answering>());
static_assert(!detail::has_view<std::optional<std::string>>());
static_assert(!detail::has_view<std::tuple<std::string, const char*, std::filesystem::path>>());

// Interned by `key`, found by `other`, and the other way round.
template <class Key, class Other>
void expect_same_key(const Key& key, const Other& other) {
    cache<Key, int> c;
    handle<int> h = c.intern(key, [] { return 1; });
    EXPECT_EQ(c.find(other), h);
    EXPECT_EQ(c.intern(other, [] { return 2; }), h);
    h = nullptr;
    h = c.intern(other, [] { return 3; });
    EXPECT_EQ(c.find(key), h);
    c.for_each([&](const Key& stored, const handle<int>&) { EXPECT_TRUE(stored == key); });
}

TEST(keys, that_are_texts_are_found_by_every_kind_of_text) {
    const std::string text = "an example";
    expect_same_key(text, std::string_view(text));
    expect_same_key(text, text.c_str());
    expect_same_key(text, "an example");
    expect_same_key(text, std::as_bytes(std::span(text)));
    expect_same_key(text, std::vector<char>(text.begin(), text.end()));
#if !defined(_WIN32) // whose paths are wide text
    expect_same_key(text, std::filesystem::path(text));
    expect_same_key(std::filesystem::path(text), text);
#endif
    expect_same_key(std::wstring(L"wide"), std::wstring_view(L"wide"));
    expect_same_key(std::u8string(u8"utf-8"), std::u8string_view(u8"utf-8"));
}

TEST(keys, that_are_bytes_are_found_by_every_kind_of_bytes) {
    const std::vector<std::byte> bytes{std::byte{0}, std::byte{1}, std::byte{255}};
    const unsigned char raw[] = {0, 1, 255};
    expect_same_key(bytes, std::span<const std::byte>(bytes));
    expect_same_key(bytes, std::span<const unsigned char>(raw));
    expect_same_key(bytes, std::string_view("\0\1\377", 3));
    expect_same_key(std::vector<unsigned char>(raw, raw + 3), std::as_bytes(std::span(raw)));
    expect_same_key(std::vector<int>{1, 2, 3}, std::vector<int>{1, 2, 3});
    const std::vector<int> numbers{1, 2, 3};
    expect_same_key(numbers, std::span<const int>(numbers));
}

TEST(keys, that_are_numbers_are_found_by_other_numbers) {
    expect_same_key(1, 1);
    expect_same_key(2.5, 2.5F);
    expect_same_key(std::uint64_t{7}, std::uint8_t{7});
    cache<double, int> c;
    const auto h = c.intern(0.0, [] { return 1; });
    EXPECT_EQ(c.find(-0.0), h) << "equal keys are one key, though their bytes differ";
}

TEST(keys, with_zeros_inside_are_whole) {
    cache<std::string, int> c;
    const auto a = c.intern(std::string("a\0b", 3), [] { return 1; });
    const auto b = c.intern(std::string("a\0c", 3), [] { return 2; });
    const auto shorter = c.intern("a", [] { return 3; });
    EXPECT_NE(a, b);
    EXPECT_NE(a, shorter);
    EXPECT_EQ(c.find(std::string_view("a\0b", 3)), a);
}

TEST(keys, may_be_empty) {
    cache<std::string, int> c;
    const auto h = c.intern("", [] { return 1; });
    EXPECT_EQ(c.find(std::string_view()), h);
    EXPECT_EQ(c.find(std::span<const std::byte>()), h);
    EXPECT_FALSE(c.find(std::string_view("\0", 1)));
    struct unit {
        bool operator==(const unit&) const = default;
    };
    struct one_hash {
        std::uint64_t operator()(const unit&) const { return 0; }
    };
    cache<unit, int, key_beside, one_hash> only;
    const auto one = only.intern(unit(), [] { return 1; });
    EXPECT_EQ(only.find(unit()), one);
}

TEST(keys, may_be_a_mebibyte_and_differ_in_any_byte) {
    cache<std::string, std::size_t> c;
    std::string key(1 << 20, 'k');
    const auto plain = c.intern(key, [] { return std::size_t{0}; });
    std::vector<handle<std::size_t>> all;
    for (const std::size_t at : {std::size_t{0}, std::size_t{1023}, key.size() / 2, key.size() - 1}) {
        key[at] = 'K';
        EXPECT_FALSE(c.find(key));
        all.push_back(c.intern(key, [&] { return at; }));
        EXPECT_EQ(c.find(std::string_view(key)), all.back());
        key[at] = 'k';
    }
    EXPECT_EQ(c.find(key), plain);
    EXPECT_EQ(c.statistics().entries, 5U);
}

struct costly_key {
    static inline int built = 0;
    std::string text;
    explicit costly_key(std::string_view t) : text(t) { ++built; }
    costly_key(const costly_key& other) : text(other.text) { ++built; }
    friend bool operator==(const costly_key& a, const costly_key& b) { return a.text == b.text; }
    friend bool operator==(const costly_key& a, std::string_view b) { return a.text == b; }
};
struct costly_hash {
    using is_keyed = void;
    std::uint64_t operator()(const costly_key& k) const { return (*this)(std::string_view(k.text)); }
    std::uint64_t operator()(std::string_view t) const { return hash<std::string_view>()(t); }
};

TEST(keys, are_not_built_for_a_hit) {
    cache<costly_key, int, key_beside, costly_hash> c;
    const auto h = c.intern(std::string_view("text"), [] { return 1; });
    costly_key::built = 0;
    EXPECT_EQ(c.intern(std::string_view("text"), [] { return 2; }), h);
    EXPECT_EQ(c.find(std::string_view("text")), h);
    for (int misses = 0; misses < 10; ++misses) { // after misses, a thread skips the lock-free lookup
        EXPECT_FALSE(c.find(std::string_view("other")));
    }
    EXPECT_EQ(c.intern(std::string_view("text"), [] { return 2; }), h);
    EXPECT_EQ(costly_key::built, 0);
}

TEST(values, are_not_copied_for_a_hit) {
    cache<costly_key, costly_key, key_is_value, costly_hash> c;
    const costly_key text("text");
    const auto h = c.intern(text);
    for (int misses = 0; misses < 10; ++misses) {
        EXPECT_FALSE(c.find(std::string_view("other")));
    }
    costly_key::built = 0;
    EXPECT_EQ(c.intern(text), h);
    EXPECT_EQ(c.intern(std::string_view("text")), h);
    EXPECT_EQ(costly_key::built, 0);
}

// Without a size, and copied as bytes; but its parts are not.
struct counted_number {
    static inline int made = 0;
    int number;
    explicit counted_number(const long& from) : number(static_cast<int>(from)) { ++made; }
    friend bool operator==(const counted_number& a, const counted_number& b) = default;
    friend bool operator==(const counted_number& a, long b) { return a.number == b; }
};
struct hash_of_numbers {
    using is_keyed = void;
    std::uint64_t operator()(const counted_number& k) const { return hash<long>()(k.number); }
    std::uint64_t operator()(long n) const { return hash<long>()(n); }
};

TEST(values, are_not_converted_for_a_hit) {
    cache<counted_number, counted_number, key_is_value, hash_of_numbers> c;
    const auto h = c.intern(7L);
    for (int misses = 0; misses < 10; ++misses) {
        EXPECT_FALSE(c.find(8L));
    }
    counted_number::made = 0;
    EXPECT_EQ(c.intern(7L), h);
    EXPECT_EQ(counted_number::made, 0);
}

struct named {
    std::string name;
    int number = 0;
    [[nodiscard]] std::string upper() const {
        std::string s = name;
        for (char& ch : s) {
            ch = static_cast<char>(ch - 'a' + 'A');
        }
        return s;
    }
    [[nodiscard]] const std::string& reference() const { return name; }
};

template <auto Member>
void expect_key_at(std::string_view key) {
    cache<std::string, named, key_at<Member>> c;
    handle<named> h = c.intern(key, [] { return named{"ab", 1}; });
    EXPECT_EQ(c.find(key), h);
    EXPECT_EQ(c.intern(named{"ab", 2}), h);
    const named lvalue{"ab", 3};
    EXPECT_EQ(c.intern(lvalue), h);
    c.for_each([&](const std::string& k, const handle<named>&) { EXPECT_EQ(k, key); });
    h.reset();
    h = c.intern(named{"ab", 4});
    EXPECT_EQ(h->number, 4);
    EXPECT_EQ(c.find(key), h);
    EXPECT_GT(c.statistics().bytes_not_parsed, 0U);
}

TEST(keys, may_stand_inside_the_value_as_a_member_or_what_a_member_function_gives) {
    expect_key_at<&named::name>("ab");
    expect_key_at<&named::reference>("ab");
    expect_key_at<&named::upper>("AB");
}

TEST(keys, that_stand_inside_the_value_are_stored_once) {
    struct keyed {
        costly_key key;
        int n;
    };
    cache<costly_key, keyed, key_at<&keyed::key>, costly_hash> c;
    const costly_key k("text");
    costly_key::built = 0;
    const auto h = c.intern(k, [&] { return keyed{k, 1}; });
    EXPECT_EQ(costly_key::built, 1) << "the copy that the value itself holds";
    c.for_each([&](const costly_key& stored, const handle<keyed>& same) { EXPECT_EQ(&stored, &same->key); });
}

TEST(keys, that_are_the_values_make_a_set) {
    cache<std::string, std::string, key_is_value> names;
    const auto a = names.intern(std::string("a name"));
    const auto b = names.intern("a name", [] { return "a name"; });
    EXPECT_EQ(a, b);
    std::string moved = "another name, long enough to own memory";
    const char* const text = moved.data();
    const auto c = names.intern(std::move(moved));
    EXPECT_EQ(c->data(), text) << "moved in, not copied";
    EXPECT_EQ(names.intern(*c), c);
}

TEST(keys, that_only_move_are_interned_as_values) {
    struct by_target {
        std::uint64_t operator()(const std::unique_ptr<int>& p) const { return hash<int>()(*p); }
    };
    struct equal_target {
        bool operator()(const std::unique_ptr<int>& a, const std::unique_ptr<int>& b) const {
            return *a == *b;
        }
    };
    using pointers = cache<std::unique_ptr<int>, std::unique_ptr<int>, key_is_value, by_target, equal_target>;
    pointers c;
    const auto a = c.intern(std::make_unique<int>(1));
    const auto b = c.intern(std::make_unique<int>(1));
    EXPECT_EQ(a, b);
    EXPECT_NE(c.intern(std::make_unique<int>(2)), a);
}

// A key that is made at each use, which can fail.
struct spelt {
    std::string text;
    static inline int until_failure = -1; // below zero: never
    static inline int alive = 0;

    explicit spelt(std::string of) : text(std::move(of)) { ++alive; }
    spelt(const spelt&) = delete;
    spelt& operator=(const spelt&) = delete;
    ~spelt() { --alive; }
    [[nodiscard]] std::string key() const {
        if (until_failure == 0) {
            throw std::bad_alloc();
        }
        until_failure -= until_failure > 0 ? 1 : 0;
        return text;
    }
};

TEST(key, that_cannot_be_made_for_a_comparison_costs_the_lookup_and_keeps_no_reference) {
    cache<std::string, spelt, key_at<&spelt::key>> c;
    {
        const handle<spelt> h = c.intern(std::string("k"), [] { return spelt("k"); });
        (void)c.find(std::string("k")); // and now hits need no lock
        spelt::until_failure = 0;
        EXPECT_THROW((void)c.find(std::string("k")), std::bad_alloc);
        spelt::until_failure = 1; // enough for comparison, but not to be counted
        EXPECT_EQ(c.find(std::string("k")), h);
        spelt::until_failure = -1;
    }
    EXPECT_EQ(spelt::alive, 0);
    EXPECT_EQ(c.statistics().entries, 0U);
}

} // namespace
} // namespace ibid
