// SPDX-License-Identifier: Apache-2.0
//
// Keys that == calls equal are one key, whatever their bytes are and wherever the == stands: in the key, in a
// member, in an element.
#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "ibid/cache.h"
#include "ibid/intern.h"

namespace ibid {
namespace {

[[nodiscard]] char folded(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
[[nodiscard]] std::string folded(std::string text) {
    for (char& c : text) {
        c = folded(c);
    }
    return text;
}

// Classes that say what they compare.
struct header { // also a text
    std::string text;
    operator std::string_view() const { return text; }
    bool operator==(const header& o) const { return folded(text) == folded(o.text); }
    [[nodiscard]] std::string hash_fields() const { return folded(text); }
};
struct any_of_one_size : std::vector<int> { // also a contiguous range
    using vector::vector;
    bool operator==(const any_of_one_size& o) const { return size() == o.size(); }
    [[nodiscard]] std::size_t hash_fields() const { return size(); }
};
struct letter {
    char c;
    bool operator==(const letter& o) const { return folded(c) == folded(o.c); }
    [[nodiscard]] char hash_fields() const { return folded(c); }
};
// Without padding: all bytes decide, if all bytes are compared.
struct two_letters {
    letter a, b;
    bool operator==(const two_letters&) const = default;
};
struct letters_of_an_array {
    letter all[2];
    int number;
    bool operator==(const letters_of_an_array&) const = default;
};
struct remainder {
    int number;
    bool operator==(const remainder& o) const { return number % 10 == o.number % 10; }
};

} // namespace
} // namespace ibid

template <>
struct std::hash<ibid::remainder> {
    std::size_t operator()(const ibid::remainder& r) const { return static_cast<std::size_t>(r.number % 10); }
};

namespace ibid {
namespace {

struct two_numbers {
    remainder a;
    int b;
    bool operator==(const two_numbers&) const = default;
};

template <class Key, class Hash = hash<Key>>
void expect_one(const Key& a, const Key& b) {
    ASSERT_TRUE(a == b);
    cache<Key, int, key_beside, Hash> c;
    const handle<int> h = c.intern(a, [] { return 1; });
    EXPECT_EQ(c.intern(b, [] { return 2; }), h);
    EXPECT_EQ(c.find(a), h);
    EXPECT_EQ(c.find(b), h);
}

TEST(equal_keys, are_one_though_they_are_texts_or_ranges_of_other_bytes) {
    expect_one(header{"Host"}, header{"host"});
    expect_one(any_of_one_size{1, 2}, any_of_one_size{3, 4});
}

TEST(equal_keys, are_one_where_a_part_has_an_equality_of_its_own) {
    expect_one(std::vector<letter>{{'A'}}, std::vector<letter>{{'a'}});
    expect_one(std::array<letter, 2>{{{'A'}, {'b'}}}, std::array<letter, 2>{{{'a'}, {'b'}}});
    expect_one(std::pair<letter, int>{{'A'}, 1}, std::pair<letter, int>{{'a'}, 1});
    expect_one(two_letters{{'A'}, {'b'}}, two_letters{{'a'}, {'b'}});
    expect_one(letters_of_an_array{{{'A'}, {'b'}}, 1}, letters_of_an_array{{{'a'}, {'b'}}, 1});
    expect_one(two_numbers{{1}, 2}, two_numbers{{11}, 2});
    expect_one(std::vector<two_numbers>{{{1}, 2}}, std::vector<two_numbers>{{{11}, 2}});
}

// No class, so it cannot say what it compares: the cache gets a hash.
enum class code : char {};
[[maybe_unused]] bool operator==(code a, code b) {
    return folded(static_cast<char>(a)) == folded(static_cast<char>(b));
}
struct one_hash {
    template <class K>
    std::uint64_t operator()(const K&) const {
        return 1;
    }
};

TEST(equal_keys, are_one_though_they_are_enumerations) {
    expect_one<code, one_hash>(code('A'), code('a'));
    expect_one<std::array<code, 2>, one_hash>({code('A'), code('b')}, {code('a'), code('b')});
    expect_one<std::vector<code>, one_hash>({code('A'), code('b')}, {code('a'), code('b')});
}

// == compares where it points.
TEST(pointers_in_keys, are_no_texts) {
    char text[] = "text";
    const auto found_after_a_change = [&](const auto& key) {
        cache<std::remove_cvref_t<decltype(key)>, int> c;
        const handle<int> h = c.intern(key, [] { return 1; });
        text[0] = static_cast<char>(text[0] + 1);
        return c.find(key) == h;
    };
    struct named {
        const char* name;
        std::string more;
        bool operator==(const named&) const = default;
    };
    EXPECT_TRUE(found_after_a_change(std::pair<int, char*>(1, text)));
    EXPECT_TRUE(found_after_a_change(std::variant<int, const char*>(text)));
    EXPECT_TRUE(found_after_a_change(named{text, "more"}));
    EXPECT_TRUE(found_after_a_change(named{nullptr, "more"}));
}

// == compares all elements, also behind a zero.
struct currency {
    char name[4];
    std::string note;
    bool operator==(const currency&) const = default;
    [[nodiscard]] auto hash_fields() const { return std::tie(name, note); }
};
struct plain_currency { // the same, taken apart
    char name[4];
    char kind[1];
    std::string note;
    int weights[2][2];
    bool operator==(const plain_currency&) const = default;
};

TEST(arrays_in_keys, are_whole) {
    expect_one(currency{{'E', 'U', 'R', 'O'}, "a"}, currency{{'E', 'U', 'R', 'O'}, "a"});
    const hash<currency> hash_of;
    EXPECT_NE(hash_of(currency{{'a', 0, 'b', 0}, ""}), hash_of(currency{{'a', 0, 'c', 0}, ""}));
    static_assert(detail::members<plain_currency>() == 4);
    const plain_currency one{{'E', 'U', 'R', 'O'}, {'x'}, "a", {{1, 2}, {3, 4}}};
    plain_currency other = one;
    expect_one(one, other);
    other.weights[1][1] = 5;
    EXPECT_NE(hash<plain_currency>()(one), hash<plain_currency>()(other));
    static_assert(detail::keyed_hash<hash<plain_currency>>);
}

TEST(literals, make_keys_without_their_final_zero) {
    cache<std::vector<char16_t>, std::size_t> c;
    const auto size_of = [](const std::vector<char16_t>& k) { return k.size(); };
    const handle<std::size_t> h = c.intern(u"abc", size_of);
    EXPECT_EQ(*h, 3U);
    EXPECT_EQ(c.intern(u"abc", size_of), h);
    EXPECT_EQ(c.find(std::vector<char16_t>{u'a', u'b', u'c'}), h);
    EXPECT_EQ(c.find(u"abc"), h);
}

TEST(canonical_copies, are_made_of_any_range_of_the_same_bytes) {
    const handle<std::string> text = intern<std::string>("abc");
    EXPECT_EQ(intern<std::string>(std::vector<char>{'a', 'b', 'c'}), text);
    const handle<std::vector<char>> bytes = intern<std::vector<char>>(std::string_view("abc"));
    EXPECT_EQ(bytes->size(), 3U);
    EXPECT_EQ(intern<std::vector<char>>("abc"), bytes);
}

} // namespace
} // namespace ibid
