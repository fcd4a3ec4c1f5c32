// SPDX-License-Identifier: Apache-2.0
//
// Handles, views and loans where a value is compared, ordered and written.
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#if __has_include(<fmt/format.h>)
#define FMT_HEADER_ONLY 1
#include <fmt/xchar.h>
#define TESTS_FMT 1
#include "ibid/fmt.h"
#endif
#include "ibid/cache.h"
#include "ibid/format.h"
#include "ibid/intern.h"
#include "ibid/pool.h"
#include "ibid/weak.h"

namespace ibid {
namespace {

struct unprinted {
    int number = 0;
};
struct node { // for a tree of handles to its own type
    handle<node> left;
    bool operator==(const node&) const = default;
};

template <class R>
concept written = requires(std::ostream& out, const R& r) {
    out << r;
};
static_assert(written<handle<std::string>> && written<view<int>> && written<loan<std::string>>);
static_assert(!written<handle<unprinted>> && !written<view<unprinted>> && !written<loan<unprinted>>);
static_assert(!written<weak<std::string>>, "its value may be gone");
#if defined(TESTS_FMT)
static_assert(fmt::is_formattable<handle<std::string>>::value &&
              !fmt::is_formattable<handle<unprinted>>::value);
#endif

template <class A, class B>
concept equates = requires(const A& a, const B& b) {
    a == b;
    b == a;
    a != b;
};
template <class A, class B>
concept ordered = requires(const A& a, const B& b) {
    a < b;
};
static_assert(equates<handle<std::string>, std::string_view> && equates<view<std::string>, char[3]>);
static_assert(equates<handle<std::string>, std::nullptr_t> &&
              equates<handle<std::string>, view<std::string>>);
static_assert(equates<handle<std::string>, weak<std::string>> && equates<handle<node>, node>);
static_assert(!equates<handle<std::string>, handle<int>> && !equates<handle<int>, handle<long>>);
static_assert(!equates<handle<std::string>, int> && !equates<handle<unprinted>, unprinted>);
static_assert(!ordered<handle<std::string>, char[2]> && ordered<handle<std::string>, handle<std::string>>);
static_assert(
    std::is_same_v<decltype(handle<std::string>() <=> handle<std::string>()), std::strong_ordering>);

TEST(handles_and_views, equal_what_their_values_equal) {
    cache<int, std::string> numerals;
    const auto h = numerals.intern(1, [] { return std::string("one"); });
    const view<std::string> v(h);
    EXPECT_TRUE(h == "one" && "one" == h && h == std::string("one") && h == std::string_view("one"));
    EXPECT_TRUE(v == "one" && "one" == v && v != "two");
    EXPECT_TRUE(h != "two");
    EXPECT_TRUE(h == v && v == h && h != nullptr);
    EXPECT_TRUE(handle<std::string>() != "" && view<std::string>() != "") << "an empty handle has no value";
    EXPECT_TRUE(handle<std::string>() == nullptr);
    const auto other = cache<int, std::string>().intern(1, [] { return std::string("one"); });
    EXPECT_TRUE(other != h && other == *h) << "two handles are equal by identity";
}

TEST(handles_and_views, are_ordered_by_value_where_that_is_asked_for) {
    std::set<handle<std::string>, less_by_value> sorted;
    for (const char* const word : {"c", "a", "b"}) {
        sorted.insert(intern<std::string>(word));
    }
    sorted.insert(handle<std::string>());
    std::vector<std::string> order;
    for (const auto& h : sorted) {
        order.push_back(h ? *h : "");
    }
    EXPECT_EQ(order, (std::vector<std::string>{"", "a", "b", "c"}));
    EXPECT_TRUE(sorted.contains("b") && sorted.contains(std::string_view("c")) && !sorted.contains("d"));
    EXPECT_TRUE(sorted.contains(view<std::string>(intern<std::string>("a"))));
}

TEST(handles_views_and_loans, are_written_as_their_values) {
    const auto h = intern<std::string>("ibidem");
    pool<std::string> lines;
    auto line = lines.take();
    *line = "lent";
    std::ostringstream out;
    out << h << ' ' << view<std::string>(h) << ' ' << line << ' ' << handle<int>() << ' ' << intern(42);
    EXPECT_EQ(out.str(), "ibidem ibidem lent (empty) 42");
}

TEST(handles_views_and_loans, are_formatted_as_their_values_and_by_their_specifications) {
    const auto h = intern<std::string>("ibidem");
    pool<std::string> lines;
    auto line = lines.take();
    *line = "lent";
#if defined(TESTS_FMT)
    EXPECT_EQ(
        fmt::format("{:>8}|{}|{:.2}|{}|{:#x}", h, view<std::string>(h), line, handle<int>(), intern(42)),
        "  ibidem|ibidem|le|(empty)|0x2a");
    EXPECT_EQ(fmt::format(L"{}", intern(42)), L"42");
#endif
#if defined(__cpp_lib_format)
    EXPECT_EQ(
        std::format("{:>8}|{}|{:.2}|{}|{:#x}", h, view<std::string>(h), line, handle<int>(), intern(42)),
        "  ibidem|ibidem|le|(empty)|0x2a");
#endif
}

} // namespace
} // namespace ibid
