// SPDX-License-Identifier: Apache-2.0
//
// A program that imports the module, and shares values with a file that includes the headers.
#include <cstdio>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>

import ibid;

struct route {
    std::string host;
    int port;
    bool operator==(const route&) const = default;
};

// with_headers.cpp
ibid::handle<std::string> canonical_copy(const std::string& text);
std::size_t size_of_cache(const ibid::cache<std::string, int>& c);

namespace {

int failures = 0;
void expect(bool holds, const char* what) {
    if (!holds) {
        std::printf("failed: %s\n", what);
        ++failures;
    }
}

} // namespace

int main() {
    ibid::cache<std::string, route> routes({.retain = {.bytes = 1000, .entries = 4},
                                            .counters = &ibid::published_counters("routes"),
                                            .name = "routes"});
    static_assert(ibid::cache_key<route> && ibid::lookup_key_for<std::string_view, std::string>);
    const auto h = routes.intern("a", [] { return route{"a", 1}; });
    expect(h == routes.find(std::string_view("a")) && routes.size() == 1, "one value");
    std::thread([&] { expect(routes.find("a") == h, "one value on another thread"); }).join();
    try {
        (void)routes.intern("z", [&] { return *routes.intern("z", [] { return route(); }); });
        expect(false, "a circle");
    } catch (const ibid::recursive_make&) {
    }
    ibid::cache<route, int> keyed;
    expect(*keyed.intern(route{"b", 2}, [] { return 5; }) == 5, "a key of fields");
    expect(!keyed.intern(route{"c", 3}, [] { return std::optional<int>(); }), "no value");

    const auto text = ibid::intern<std::string>("ibidem");
    expect(text == "ibidem" && "ibidem" == text, "a comparison with a value");
    std::ostringstream out;
    out << text << ibid::handle<int>();
    expect(out.str() == "ibidem(empty)", "values that are written");
    std::unordered_map<ibid::handle<std::string>, int> map;
    map[text] = 1;
    std::set<ibid::handle<std::string>, ibid::less_by_value> set{text};
    expect(set.contains("ibidem"), "an order by value");
    const ibid::view<std::string> host(h, h->host);
    const ibid::weak<std::string> weak(text);
    ibid::atomic_handle<std::string> newest(text);
    expect(*host == "a" && weak.lock() == text && newest.load() == text, "references of all kinds");
    ibid::pool<std::string> lines;
    *lines.take() += "x";
    expect(lines.statistics().made == 1, "a pool");

    expect(canonical_copy("ibidem") == text, "the copy of a file with headers");
    ibid::cache<std::string, int> lengths;
    const auto three = lengths.intern("abc", [] { return 3; });
    expect(size_of_cache(lengths) == 1, "a cache in a file with headers");
    const auto all = ibid::modules();
    expect(all.size() == 1 && all[0].shares, "one module of the process");
    return failures;
}
