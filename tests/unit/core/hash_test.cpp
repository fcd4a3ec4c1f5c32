// SPDX-License-Identifier: Apache-2.0
//
// Hostile keys: the hash is keyed, and keys that collide without the secret do not collide with it.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <typeindex>
#include <vector>

#include <gtest/gtest.h>

#include "ibid/cache.h"
#include "ibid/hash.h"
#include "ibid/intern.h"

namespace {

struct fraction {
    int numerator = 0;
    int denominator = 1;
    friend bool operator==(const fraction& a, const fraction& b) {
        return a.numerator * b.denominator == b.numerator * a.denominator;
    }
};

} // namespace

template <>
struct std::hash<fraction> {
    std::size_t operator()(const fraction& f) const noexcept {
        return std::hash<double>()(static_cast<double>(f.numerator) / f.denominator);
    }
};

namespace ibid {
namespace {

std::string printed_by_another_process() {
    std::FILE* const out = ::popen(IBID_PRINT_HASH, "r");
    std::array<char, 64> line{};
    EXPECT_NE(out, nullptr);
    EXPECT_NE(std::fgets(line.data(), line.size(), out), nullptr);
    EXPECT_EQ(::pclose(out), 0);
    return line.data();
}

TEST(hashes, of_one_key_differ_between_processes) {
    const std::string a = printed_by_another_process();
    const std::string b = printed_by_another_process();
    EXPECT_NE(a, b);
}

TEST(hashes, of_one_key_are_the_same_throughout_a_process) {
    EXPECT_EQ(hash<std::string>()(std::string("ibidem")),
              hash<std::string_view>()(std::string_view("ibidem")));
    EXPECT_NE(hash<std::string>()("ibidem"), hash<std::string>()("ibidem."));
    EXPECT_NE(hash_bytes("ibidem", 6), XXH3_64bits("ibidem", 6));
}

TEST(hashes, tell_all_lengths_apart) {
    const std::string zeros(2000, '\0');
    std::set<std::uint64_t> seen;
    for (std::size_t n = 0; n <= zeros.size(); ++n) {
        seen.insert(hash_bytes(zeros.data(), n));
    }
    EXPECT_EQ(seen.size(), zeros.size() + 1);
}

// Any number of 32-byte keys with the same XXH3 hash under the default secret, which is public. For 17 to 128
// bytes, XXH3 adds, for each 16 bytes, the folded product of (first half ^ secret word) and (second half ^
// next secret word). If the first half is the secret word, the product is zero, whatever the second half is.
// Source: xxHash's specification, XXH3_len_17to128_64b and XXH3_mix16B.
std::vector<std::string> colliding_keys(std::size_t n) {
    std::vector<std::string> keys;
    for (std::uint64_t i = 0; i < n; ++i) {
        std::string key(32, 'x');
        std::memcpy(key.data(), XXH3_kSecret, 8);
        std::memcpy(key.data() + 8, &i, 8);
        keys.push_back(key);
    }
    return keys;
}

std::vector<std::string> ordinary_keys(std::size_t n) {
    std::vector<std::string> keys;
    for (std::uint64_t i = 0; i < n; ++i) {
        std::string key(32, 'x');
        const std::uint64_t first = i * 0x9e3779b97f4a7c15U;
        std::memcpy(key.data(), &first, 8);
        std::memcpy(key.data() + 8, &i, 8);
        keys.push_back(key);
    }
    return keys;
}

std::size_t comparisons = 0;
struct counting_equal {
    bool operator()(const std::string& a, const std::string& b) const {
        ++comparisons;
        return a == b;
    }
};
struct unkeyed_hash {
    std::uint64_t operator()(const std::string& s) const { return XXH3_64bits(s.data(), s.size()); }
};

// The number of full key comparisons while all keys were interned and then looked up once.
template <class Hash>
std::size_t comparisons_for(const std::vector<std::string>& keys) {
    cache<std::string, int, key_beside, Hash, counting_equal> c;
    comparisons = 0;
    std::vector<handle<int>> handles;
    for (const std::string& key : keys) {
        handles.push_back(c.intern(key, [] { return 1; }));
    }
    for (const std::string& key : keys) {
        EXPECT_TRUE(c.find(key));
    }
    return comparisons;
}

TEST(hostile_keys, that_collide_without_the_secret_cost_what_any_keys_cost) {
    constexpr std::size_t n = 500;
    const std::vector<std::string> hostile = colliding_keys(n);
    const std::vector<std::string> ordinary = ordinary_keys(n);
    for (const std::string& key : hostile) {
        ASSERT_EQ(XXH3_64bits(key.data(), key.size()), XXH3_64bits(hostile[0].data(), 32))
            << "the attack itself";
    }
    EXPECT_GT(comparisons_for<unkeyed_hash>(hostile), n * n / 4)
        << "the effect on a cache with an unkeyed hash";
    EXPECT_EQ(comparisons_for<hash<std::string>>(hostile), n) << "one comparison for each hit";
    EXPECT_EQ(comparisons_for<hash<std::string>>(ordinary), n);
}

// The longest run of slots in a table of 2^bits slots that is filled with these hashes, with linear probing.
std::size_t longest_run(const std::vector<std::string>& keys, unsigned bits) {
    std::vector<bool> slot(std::size_t{1} << bits);
    for (const std::string& key : keys) {
        std::size_t i = hash<std::string>()(key) & (slot.size() - 1);
        while (slot[i]) {
            i = (i + 1) & (slot.size() - 1);
        }
        slot[i] = true;
    }
    std::size_t longest = 0;
    std::size_t run = 0;
    for (std::size_t i = 0; i < 2 * slot.size(); ++i) {
        run = slot[i & (slot.size() - 1)] ? run + 1 : 0;
        longest = std::max(longest, run);
    }
    return longest;
}

TEST(hostile_keys, spread_over_the_slots_like_any_keys) {
    // 4,096 keys in 8,192 slots: random hashes make runs of 20 to 45 slots; hashes that cluster make
    // hundreds.
    EXPECT_LT(longest_run(colliding_keys(4096), 13), 100U);
    EXPECT_LT(longest_run(ordinary_keys(4096), 13), 100U);
}

TEST(equal_keys, of_a_class_with_its_own_hash_are_one_though_their_bytes_differ) {
    cache<fraction, int> c;
    const auto h = c.intern(fraction{1, 2}, [] { return 1; });
    EXPECT_EQ(c.find(fraction{2, 4}), h);
    cache<std::type_index, int> types;
    const auto t = types.intern(std::type_index(typeid(int)), [] { return 1; });
    EXPECT_EQ(types.find(std::type_index(typeid(int))), t);
    cache<std::optional<int>, int> optionals;
    const auto none = optionals.intern(std::optional<int>(), [] { return 1; });
    EXPECT_EQ(optionals.find(std::optional<int>()), none);
    EXPECT_FALSE(optionals.find(std::optional<int>(0)));
}

struct any_case : std::char_traits<char> {
    static char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
    static bool eq(char a, char b) { return lower(a) == lower(b); }
    static bool lt(char a, char b) { return lower(a) < lower(b); }
    static int compare(const char* a, const char* b, std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) {
            if (!eq(a[i], b[i])) {
                return lt(a[i], b[i]) ? -1 : 1;
            }
        }
        return 0;
    }
};

static_assert(!detail::byte_range<std::basic_string<char, any_case>>, "their == is not that of their bytes");
static_assert(!detail::plain<fraction>);
static_assert(!detail::plain<double>, "0.0 == -0.0");
static_assert(detail::known_by_their_bytes<std::u16string, std::vector<char16_t>>);
static_assert(!detail::known_by_their_bytes<std::vector<int>, std::span<const short>>, "other values");
static_assert(!detail::known_by_their_bytes<std::wstring, std::string_view>);
static_assert(!detail::plain<std::reference_wrapper<int>>, "compared by what it refers to");
static_assert(detail::byte_range<std::string> && detail::byte_range<std::string_view>);
static_assert(detail::byte_range<std::vector<int>> && !detail::byte_range<std::vector<double>>);
static_assert(detail::plain<int> && detail::plain<void*>);

TEST(equal_keys, are_literals_and_strings_of_wide_characters) {
    const auto is_one = [](auto string, const auto& literal) {
        const auto of_literal = intern<decltype(string)>(literal);
        const auto of_string = intern(std::move(string));
        return of_literal == of_string;
    };
    EXPECT_TRUE(is_one(std::wstring(L"ab"), L"ab"));
    EXPECT_TRUE(is_one(std::u8string(u8"ab"), u8"ab"));
    EXPECT_TRUE(is_one(std::u16string(u"ab"), u"ab"));
    EXPECT_TRUE(is_one(std::u32string(U"ab"), U"ab"));
}

TEST(equality, compares_ranges_without_an_operator_by_their_bytes) {
    const std::vector<std::byte> bytes{std::byte{'a'}, std::byte{'b'}};
    EXPECT_TRUE(equal()(bytes, std::span<const std::byte>(bytes)));
    EXPECT_TRUE(equal()(bytes, std::string_view("ab")));
    EXPECT_FALSE(equal()(bytes, std::string_view("ac")));
    EXPECT_FALSE(equal()(bytes, std::string_view("abc")));
    EXPECT_TRUE(equal()(std::vector<std::byte>(), std::string_view()));
    EXPECT_TRUE(equal()(1, 1L));
}

} // namespace
} // namespace ibid
