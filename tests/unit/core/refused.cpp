// SPDX-License-Identifier: Apache-2.0
//
// Code that does not compile, with a message that tells what to write: one macro for each case
// (CMakeLists.txt). Without a macro it compiles.
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "ibid/cache.h"
#include "ibid/intern.h"
#include "ibid/pool.h"

struct no_equality {
    int number;
};
class no_hash {
    std::string text_;

public:
    bool operator==(const no_hash&) const = default;
};

enum class letter : char {};
constexpr bool operator==(letter a, letter b) {
    return (static_cast<char>(a) & 31) == (static_cast<char>(b) & 31); // 'A' and 'a'
}
struct other_traits : std::char_traits<char> {};
struct text_base {
    std::string text;
    bool operator==(const text_base&) const = default;
};
struct derived : text_base {
    int number = 0;
    bool operator==(const derived&) const = default;
};
struct viewing {
    std::optional<std::string_view> name;
    int number = 0;
    bool operator==(const viewing&) const = default;
};
struct tagged_text {
    std::string text;
    int tag = 0;
    operator std::string_view() const { return text; }
    bool operator==(const tagged_text&) const = default;
};
class short_text {
    std::string text_;

public:
    short_text(int number) : text_(static_cast<std::size_t>(number), 'x') {}
    operator std::string_view() const { return text_; }
    bool operator==(const short_text&) const = default;
};

struct wrapped {
    int number;
    wrapped(int n) : number(n) {}
    bool operator==(const wrapped&) const = default;
};
__extension__ using wide = __int128; // no number to the standard library without GNU extensions

int main() {
    ibid::cache<int, int> numbers;
    ibid::cache<unsigned, int> sizes;
    ibid::cache<std::string, int> names;
#if defined(REFUSED_LONG)
    (void)numbers.find(1L << 32);
#elif defined(REFUSED_DOUBLE)
    (void)numbers.intern(1.5, [] { return 1; });
#elif defined(REFUSED_SIGN)
    (void)sizes.find(-1);
#elif defined(REFUSED_INTERN)
    (void)ibid::intern<int>(1.5);
#elif defined(REFUSED_NUMBER)
    (void)names.find(65);
#elif defined(REFUSED_CONSTRUCTOR)
    ibid::cache<std::vector<int>, int> vectors;
    (void)vectors.find(7);
#elif defined(REFUSED_CONVERSION_FUNCTION)
    (void)numbers.find(std::atomic<long>(1L << 32));
#elif defined(REFUSED_CONVERTING_CONSTRUCTOR)
    ibid::cache<wrapped, int> c;
    (void)c.find(1L << 32);
#elif defined(REFUSED_WIDE_NUMBER)
    (void)numbers.find(wide(1) << 100);
#elif defined(REFUSED_OPTIONAL)
    ibid::cache<std::optional<int>, int> c;
    (void)c.find(1.5);
#elif defined(REFUSED_OPTIONALS)
    ibid::cache<std::optional<int>, int> c;
    (void)c.find(std::optional<long>(1L << 32));
#elif defined(REFUSED_TUPLE)
    ibid::cache<std::tuple<int, std::string>, int> c;
    (void)c.find(std::tuple<long, std::string>(1L << 32, "a"));
#elif defined(REFUSED_NULL)
    (void)names.find(nullptr);
#elif defined(REFUSED_ELEMENTS)
    ibid::cache<std::vector<int>, int> c;
    (void)c.find(std::vector<unsigned>{0xffff'ffffU});
#elif defined(REFUSED_MADE_DOUBLE)
    (void)numbers.intern(1, [] { return 1.5; });
#elif defined(REFUSED_MADE_LONG)
    (void)numbers.intern(1, [] { return 1L << 32; });
#elif defined(REFUSED_MADE_BOOL)
    ibid::cache<int, bool> c;
    (void)c.intern(1, [] { return "no"; });
#elif defined(REFUSED_MADE_REFERENCE)
    const double exact = 1.5;
    (void)numbers.intern(1, [&] { return std::ref(exact); });
#elif defined(REFUSED_MADE_OPTIONAL)
    ibid::cache<int, bool> c;
    (void)c.intern(1, [] { return std::optional<int>(0); });
#elif defined(REFUSED_MADE_ARGUMENT)
    ibid::cache<int, std::vector<int>> c;
    (void)c.intern(1, [] { return 2.9; });
#elif defined(REFUSED_FACTORY)
    ibid::pool<int> p([] { return 1.5; });
#elif defined(REFUSED_MEMBER)
    (void)names.intern("a", &std::string::size);
#elif defined(REFUSED_RESET)
    ibid::pool<int> p([] { return 1; }, [](int& number) { return number; });
    (void)p.take();
#elif defined(REFUSED_CANONICAL_CONSTRUCTOR)
    (void)ibid::intern<std::vector<int>>(7);
#elif defined(REFUSED_CANONICAL_NUMBER)
    (void)ibid::intern<std::string>('a');
#elif defined(REFUSED_CANONICAL_PAIR)
    (void)ibid::intern<std::pair<int, int>>(std::pair<long, long>(1L << 32, 0));
#elif defined(REFUSED_CANONICAL_CLASS)
    (void)ibid::intern<wrapped>(1L << 32);
#elif defined(REFUSED_VIEW)
    ibid::cache<std::string_view, int> views;
    (void)views.find("a");
#elif defined(REFUSED_VIEW_IN_A_PAIR)
    ibid::cache<std::pair<std::string_view, int>, int> pairs;
    (void)pairs.find(std::pair<std::string_view, int>("a", 1));
#elif defined(REFUSED_VIEW_IN_A_CLASS)
    ibid::cache<viewing, int> c;
    (void)c.find(viewing());
#elif defined(REFUSED_VIEWS_IN_A_VECTOR)
    ibid::cache<std::vector<std::string_view>, int> lists;
    (void)lists.size();
#elif defined(REFUSED_POINTER)
    ibid::cache<const char*, int> pointers;
    (void)pointers.find("a");
#elif defined(REFUSED_VOID)
    (void)names.intern("a", [] {});
#elif defined(REFUSED_VALUE)
    (void)names.intern("a", [] { return std::string(); });
#elif defined(REFUSED_EQUALITY)
    ibid::cache<no_equality, int> c;
    (void)c.find(no_equality{1});
#elif defined(REFUSED_HASH)
    ibid::cache<no_hash, int> c;
    (void)c.find(no_hash());
#elif defined(REFUSED_PART)
    ibid::cache<std::vector<no_hash>, int> c;
    (void)c.find(std::vector<no_hash>());
#elif defined(REFUSED_ENUMERATION)
    ibid::cache<letter, int> c;
    (void)c.find(letter('a'));
#elif defined(REFUSED_TRAITS)
    ibid::cache<std::basic_string<char, other_traits>, int> c;
    (void)c.find(std::basic_string<char, other_traits>());
#elif defined(REFUSED_BASE)
    ibid::cache<derived, int> c;
    (void)c.find(derived());
#elif defined(REFUSED_TEXT_OF_A_CLASS)
    ibid::cache<tagged_text, int> c;
    (void)c.find("a");
#elif defined(REFUSED_NUMBER_FOR_BYTES)
    ibid::cache<short_text, int> c;
    (void)c.find(1.5);
#elif defined(REFUSED_ARRAY_ON_A_MISS)
    ibid::cache<std::array<char, 4>, int> c;
    (void)c.intern(std::string_view("abcd"), [] { return 1; });
#elif defined(REFUSED_CONTAINS)
    (void)names.contains(65);
#elif defined(REFUSED_FORGET)
    (void)numbers.forget(1.5);
#elif defined(REFUSED_CANONICAL_HASH)
    (void)ibid::intern(no_hash());
#elif defined(REFUSED_CANONICAL_EQUALITY)
    (void)ibid::intern(no_equality{1});
#elif defined(REFUSED_CANONICAL_VIEW)
    (void)ibid::intern(std::string_view("a"));
#elif defined(REFUSED_CANONICAL_VIEW_IN_AN_OPTIONAL)
    (void)ibid::intern(std::optional<std::string_view>("a"));
#elif defined(REFUSED_HASH_ALONE)
    (void)ibid::hash<no_hash>()(no_hash());
#elif defined(REFUSED_CONST)
    ibid::cache<int, const int> c;
    (void)c.find(1);
#elif defined(REFUSED_DANGLING)
    const int& gone = *names.intern("a", [] { return 1; });
    return gone;
#endif
    const short few = 1;
    (void)numbers.find(few);
    (void)numbers.find('a');
    (void)numbers.find(true);
    (void)sizes.find(1U);
    (void)names.find("a");
    (void)names.find(std::string_view("a"));
    (void)names.find(std::vector<char>{'a'});
    ibid::cache<double, int> weights;
    (void)weights.find(1);
    (void)weights.find(1.5F);
    ibid::cache<wrapped, long> wrapped_numbers;
    (void)wrapped_numbers.find(few);
    (void)numbers.find(std::atomic<int>(1));
    ibid::cache<std::optional<std::string>, std::size_t> optionals;
    (void)optionals.find("a");
    (void)optionals.find(std::nullopt);
    (void)optionals.intern("a", [] { return 1; });
    ibid::cache<std::tuple<long, std::string>, double> tuples;
    (void)tuples.find(std::tuple<int, const char*>(1, "a"));
    (void)tuples.intern(std::tuple<int, const char*>(1, "a"), [] { return 1; });
    ibid::cache<std::vector<std::uint32_t>, int> texts;
    (void)texts.find(std::u32string(U"a"));
    ibid::cache<wide, int> wides;
    (void)wides.find(1);
    return 0;
}
