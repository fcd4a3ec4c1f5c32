// SPDX-License-Identifier: Apache-2.0
//
// Instantiates every public class template of the core with all its members, and uses them: for compilers and
// standard libraries that the tests are not built with, and for Clang's thread safety analysis (./dev lint).
#include <array>
#include <cstdio>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ibid/atomic_handle.h"
#include "ibid/cache.h"
#include "ibid/errors.h"
#include "ibid/format.h"
#include "ibid/handle.h"
#include "ibid/hash.h"
#include "ibid/intern.h"
#include "ibid/modules.h"
#include "ibid/pool.h"
#include "ibid/published.h"
#include "ibid/retention.h"
#include "ibid/statistics.h"
#include "ibid/weak.h"

namespace {

struct section {
    std::string text;
    int number = 0;
    explicit section(std::string t) : text(std::move(t)) {}
};

int failures = 0;
void expect(bool holds, const char* what) {
    if (!holds) {
        std::printf("failed: %s\n", what);
        ++failures;
    }
}

} // namespace

template class ibid::cache<std::string, section, ibid::key_at<&section::text>>;
template class ibid::cache<int, int>;
template class ibid::cache<std::string, std::string, ibid::key_is_value>;
template class ibid::cache<std::vector<unsigned char>, int>;
template class ibid::handle<std::string>;
template class ibid::atomic_handle<std::string>;
template class ibid::weak<std::string>;
template class ibid::view<std::string>;
template class ibid::pool<std::string>;
template class ibid::loan<std::string>;

int main() {
    ibid::cache<std::string, section, ibid::key_at<&section::text>> sections;
    const auto a = sections.intern(section("abc"));
    const auto b = sections.find("abc");
    expect(a == b, "one section");
    const ibid::view<std::string> text(a, a->text);
    expect(*text == "abc", "a view");
    const ibid::weak<section> weak(a);
    expect(weak.lock() == a, "a weak reference");
    ibid::cache<std::array<unsigned char, 32>, int> numbers;
    expect(*numbers.intern(std::array<unsigned char, 32>{}, [] { return 3; }) == 3, "a key of bytes");
    ibid::cache<std::string, int> lengths;
    expect(!lengths.intern("none", [] { return std::optional<int>(); }), "no value");
    lengths.retain({.bytes = 1000, .entries = 4});
    lengths.pin(lengths.intern("a", [](const std::string& key) { return static_cast<int>(key.size()); }));
    lengths.trim();
    lengths.for_each(
        [](const std::string& key, const ibid::handle<int>& n) { expect(key == "a" && *n == 1, "a pin"); });
    ibid::cache<int, int> shown({.counters = &ibid::published_counters("shown"), .name = "shown"});
    expect(*shown.intern(1, [] { return 1; }) == 1 && shown.statistics().misses == 1, "published counters");
    ibid::pool<std::vector<char>> buffers([] { return std::vector<char>(100); },
                                          [](std::vector<char>& c) { return c.capacity() < 1000; },
                                          ibid::pool_budget{.objects = 8});
    (*buffers.take())[0] = 1;
    buffers.trim();
    buffers.clear();
    std::unordered_map<ibid::handle<section>, int> map;
    map[a] = 1;
    expect(ibid::intern(std::string("x")) == ibid::intern<std::string>("x"), "one canonical copy");
    expect(*ibid::intern(42) == 42, "a canonical number");
    expect(text == "abc" && "abc" == text && a != nullptr, "a comparison with a value");
    ibid::atomic_handle<section> published(a);
    ibid::handle<section> expected = published.load();
    expect(published.compare_exchange_strong(expected, nullptr) && !published.load(), "a published handle");
    std::ostringstream out;
    out << text << buffers.take()->size() << ibid::handle<int>();
    expect(out.str() == "abc100(empty)", "values that are written");
#if defined(__cpp_lib_format)
    expect(std::format("{:>5}{}{:x}", text, ibid::view<int>(), ibid::intern(42)) == "  abc(empty)2a",
           "std::format");
#endif
    std::thread([&] { expect(sections.find("abc") == a, "another thread"); }).join();
    expect(ibid::modules().size() == 1 && ibid::modules()[0].shares, "one module");
    return failures;
}
