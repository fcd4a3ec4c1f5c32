// SPDX-License-Identifier: Apache-2.0
//
// Keys of several parts: hashed by their fields with the process's secret, so that their hits take no lock.
#include <algorithm>
#include <array>
#include <chrono>
#include <complex>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "ibid/cache.h"
#include "ibid/intern.h"

namespace ibid {
namespace {

struct route {
    std::string host;
    int port = 0;
    bool tls = false;
    bool operator==(const route&) const = default;
};
struct point {
    float x = 0;
    float y = 0;
    bool operator==(const point&) const = default;
};
struct padded {
    char c = 0;
    int i = 0;
    bool operator==(const padded&) const = default;
};
class account {
public:
    account(std::string name, int visits) : name_(std::move(name)), visits_(visits) {}
    bool operator==(const account& other) const { return name_ == other.name_; }
    [[nodiscard]] const std::string& hash_fields() const { return name_; }

private:
    std::string name_;
    [[maybe_unused]] int visits_;
};
struct nested {
    route to;
    std::vector<std::string> words;
    std::optional<double> weight;
    std::variant<int, std::string> tag;
    bool operator==(const nested&) const = default;
};
struct packed {
    unsigned kind : 3;
    unsigned size : 7;
    std::string text;
    bool last : 1;
    bool operator==(const packed&) const = default;
};
struct tree {
    std::string name;
    std::vector<tree> children;
    bool operator==(const tree&) const = default;
};
class json {
public:
    std::variant<std::monostate, double, std::string, std::vector<json>> value;
    bool operator==(const json&) const = default;
    [[nodiscard]] const auto& hash_fields() const { return value; }
};
struct empty {
    bool operator==(const empty&) const = default;
};
class empty_class {
public:
    explicit empty_class(int) {}
    bool operator==(const empty_class&) const = default;
};
struct with_an_empty_part {
    empty nothing;
    int number = 0;
    bool operator==(const with_an_empty_part&) const = default;
};
struct expression {
    int operation = 0;
    std::vector<handle<expression>> operands;
    bool operator==(const expression&) const = default;
};
struct with_std_hash {
    int number = 0;
    bool operator==(const with_std_hash&) const = default;
};
struct with_such_a_part {
    std::string name;
    with_std_hash part;
    bool operator==(const with_such_a_part&) const = default;
};

} // namespace
} // namespace ibid

template <>
struct std::hash<ibid::with_std_hash> {
    std::size_t operator()(const ibid::with_std_hash& h) const noexcept {
        return static_cast<std::size_t>(h.number);
    }
};

namespace ibid {
namespace {

template <class Key>
constexpr bool locks = cache<Key, int>::hits_take_a_lock;

static_assert(!locks<route> && !locks<point> && !locks<padded> && !locks<account> && !locks<nested>);
static_assert(!locks<expression> && !locks<double> && !locks<handle<int>>);
static_assert(!locks<std::pair<int, std::string>> && !locks<std::tuple<std::string, double>>);
static_assert(!locks<std::optional<std::string>> && !locks<std::variant<int, std::string>>);
static_assert(!locks<std::vector<std::string>> && !locks<std::list<int>> &&
              !locks<std::map<std::string, int>>);
static_assert(!locks<std::array<std::string, 2>>);
static_assert(!locks<empty> && !locks<empty_class> && !locks<with_an_empty_part> && !locks<std::tuple<>>);
static_assert(!locks<std::monostate> && !locks<std::variant<std::monostate, int>>);
static_assert(!locks<packed> && !locks<tree> && !locks<json> && !locks<std::map<std::string, tree>>);
static_assert(!locks<std::complex<double>> && !locks<std::chrono::duration<double>>);
static_assert(locks<with_std_hash> && locks<with_such_a_part>);

template <class Key>
[[nodiscard]] bool alike(const Key& a, const Key& b) {
    return hash<Key>{}(a) == hash<Key>{}(b);
}

TEST(fields, decide_the_hash) {
    EXPECT_TRUE(alike(route{"a", 1, true}, route{"a", 1, true}));
    EXPECT_FALSE(alike(route{"a", 1, true}, route{"a", 1, false}));
    EXPECT_FALSE(alike(route{"a", 1, true}, route{"b", 1, true}));
    EXPECT_TRUE(alike(account("a", 1), account("a", 2)));
    nested n;
    n.to = {"a", 1, true};
    n.words = {"x", "y"};
    n.weight = 1.5;
    n.tag = "t";
    const auto differs = [&n](auto change) {
        nested other = n;
        change(other);
        return !alike(n, other);
    };
    EXPECT_TRUE(differs([](nested& o) { o.to.port = 2; }));
    EXPECT_TRUE(differs([](nested& o) { o.words[1] = "z"; }));
    EXPECT_TRUE(differs([](nested& o) { o.words.pop_back(); }));
    EXPECT_TRUE(differs([](nested& o) { o.weight.reset(); }));
    EXPECT_TRUE(differs([](nested& o) { o.tag = 1; }));
    EXPECT_TRUE(alike(n, nested(n)));
}

TEST(fields, that_are_equal_hash_alike_though_their_bytes_differ) {
    EXPECT_TRUE(alike(point{0.0F, 1}, point{-0.0F, 1}));
    padded a;
    padded b;
    std::fill_n(reinterpret_cast<unsigned char*>(&a), sizeof a, static_cast<unsigned char>(0xff));
    std::fill_n(reinterpret_cast<unsigned char*>(&b), sizeof b, static_cast<unsigned char>(0));
    a.c = b.c = 'c';
    a.i = b.i = 7;
    EXPECT_TRUE(alike(a, b));
    EXPECT_TRUE(alike(std::optional<double>(0.0), std::optional<double>(-0.0)));
}

// A bit-field cannot be referred to. (Its copy was read when it was gone, which the address sanitizer sees.)
TEST(fields, may_be_bit_fields) {
    const packed a{1, 2, std::string(100, 'x'), true};
    const auto differs = [&a](auto change) {
        packed other = a;
        change(other);
        return !alike(a, other);
    };
    EXPECT_TRUE(alike(a, packed(a)));
    EXPECT_TRUE(differs([](packed& o) { o.kind = 2; }));
    EXPECT_TRUE(differs([](packed& o) { o.size = 3; }));
    EXPECT_TRUE(differs([](packed& o) { o.text = "y"; }));
    EXPECT_TRUE(differs([](packed& o) { o.last = false; }));
    EXPECT_EQ(intern(a), intern(packed(a)));
}

TEST(fields, may_contain_the_type_whose_fields_they_are) {
    const tree t{"a", {{"b", {}}, {"c", {}}}};
    EXPECT_TRUE(alike(t, tree(t)));
    EXPECT_FALSE(alike(t, tree{"a", {{"b", {{"c", {}}}}}}));
    EXPECT_EQ(intern(t), intern(tree(t)));
    const json list{std::vector<json>{json{1.5}, json{"x"}}};
    EXPECT_TRUE(alike(list, json(list)));
    EXPECT_FALSE(alike(list, json{std::vector<json>{json{"x"}, json{1.5}}}));
}

TEST(fields, of_numbers_in_parts_are_these_parts) {
    EXPECT_TRUE(alike(std::complex<double>(0.0, 1), std::complex<double>(-0.0, 1)));
    EXPECT_FALSE(alike(std::complex<double>(1, 0), std::complex<double>(0, 1)));
    using seconds = std::chrono::duration<double>;
    EXPECT_TRUE(alike(seconds(0.0), seconds(-0.0)));
    EXPECT_FALSE(alike(seconds(1), seconds(2)));
}

TEST(fields, of_ranges_count_one_by_one) {
    EXPECT_FALSE(alike(std::vector<std::string>{"ab", "c"}, std::vector<std::string>{"a", "bc"}));
    EXPECT_FALSE(alike(std::vector<std::string>{"", ""}, std::vector<std::string>{""}));
    std::vector<std::string> many(100, "a");
    std::vector<std::string> others = many;
    EXPECT_TRUE(alike(many, others));
    others[50] = "b";
    EXPECT_FALSE(alike(many, others));
}

TEST(fields, make_keys_that_are_found_without_a_lock) {
    cache<route, int> c;
    const auto h = c.intern(route{"a", 1, true}, [] { return 1; });
    EXPECT_EQ(c.find(route{"a", 1, true}), h);
    EXPECT_FALSE(c.find(route{"a", 1, false}));
}

TEST(fields, that_are_none_make_one_key) {
    cache<empty, int> c;
    const auto h = c.intern(empty{}, [] { return 1; });
    EXPECT_EQ(c.find(empty{}), h);
    EXPECT_EQ(intern(empty_class(1)), intern(empty_class(2)));
    EXPECT_TRUE(alike(with_an_empty_part{{}, 1}, with_an_empty_part{{}, 1}));
    EXPECT_FALSE(alike(with_an_empty_part{{}, 1}, with_an_empty_part{{}, 2}));
    EXPECT_FALSE(alike(std::vector<empty>(1), std::vector<empty>(2)));
    EXPECT_FALSE(alike(std::optional<empty>(), std::optional<empty>(empty{})));
}

TEST(fields, of_expressions_are_the_identities_of_their_operands) {
    const auto one = intern(expression{1, {}});
    const auto sum = intern(expression{2, {one, one}});
    EXPECT_EQ(intern(expression{2, {intern(expression{1, {}}), one}}), sum);
    EXPECT_NE(intern(expression{2, {one, sum}}), sum);
}

} // namespace
} // namespace ibid
