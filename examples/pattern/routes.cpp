// SPDX-License-Identifier: Apache-2.0
//
// Compiled regular expressions. A gateway has a route table for each tenant. The tables are written by
// different people and have mostly the same patterns. Each pattern is compiled once and destroyed with the
// last table that contains it. Tenants do not depend on each other, and there is no list of patterns in use.
#include <array>
#include <chrono>
#include <cstdio>
#include <regex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ibid/cache.h"

namespace {

using pattern = ibid::handle<std::regex>;

// From the text of a pattern to the compiled one.
ibid::cache<std::string, std::regex> patterns;

// A hit makes no std::string: the lookup uses the text in the configuration. Throws std::regex_error; then
// the cache is unchanged.
pattern compiled(std::string_view text) {
    return patterns.intern(text, [&] { return std::regex(text.begin(), text.end()); });
}

class route_table {
public:
    void add(std::string_view text, std::string_view target) { routes_.push_back({compiled(text), target}); }

    // The target of the first route that matches, or nothing.
    [[nodiscard]] std::string_view target_of(std::string_view path) const {
        for (const route& r : routes_) {
            if (std::regex_match(path.begin(), path.end(), *r.matches)) {
                return r.target;
            }
        }
        return {};
    }
    [[nodiscard]] const pattern& first() const { return routes_.front().matches; }

private:
    struct route {
        pattern matches; // one pointer; the compiled pattern stays as long as this table
        std::string_view target;
    };
    std::vector<route> routes_;
};

struct line {
    std::string_view text;
    std::string_view target;
};
constexpr std::array<line, 12> usual_routes{{
    {"/", "home"},
    {"/favicon\\.ico|/robots\\.txt", "files"},
    {"/static/[-\\w./]+\\.(css|js|png|svg|woff2?)", "files"},
    {"/login|/logout", "session"},
    {"/api/v[12]/users/\\d+", "users"},
    {"/api/v[12]/users/\\d+/orders(\\?page=\\d+)?", "orders"},
    {"/api/v[12]/orders/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "orders"},
    {"/api/v[12]/search\\?q=[^&]{1,80}", "search"},
    {"/blog/\\d{4}/\\d{2}/[-\\w]+", "blog"},
    {"/media/([a-z]{2})/(\\w+)\\.(jpe?g|webp)", "media"},
    {"/healthz|/readyz", "health"},
    {"/.*", "not found"},
}};

route_table table_of_tenant(int tenant) {
    route_table t;
    for (const line& l : usual_routes) {
        t.add(l.text, l.target);
    }
    if (tenant % 100 == 0) { // a few have patterns of their own
        t.add("/tenant-" + std::to_string(tenant) + "/.+", "own pages");
    }
    return t;
}

template <class Work>
double milliseconds(Work work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

int failures = 0;
void expect(bool held, const char* what) {
    if (!held) {
        std::printf("FAILED: %s\n", what);
        ++failures;
    }
}

} // namespace

int main() {
    constexpr int tenants = 500;
    constexpr std::size_t own = tenants / 100;

    // Without sharing, as usual in programs: each table compiles and keeps every pattern.
    std::vector<std::regex> unshared;
    const double alone = milliseconds([&] {
        for (int tenant = 0; tenant < tenants; ++tenant) {
            for (const line& l : usual_routes) {
                unshared.emplace_back(l.text.begin(), l.text.end());
            }
        }
    });

    std::vector<route_table> tables;
    const double shared = milliseconds([&] {
        for (int tenant = 0; tenant < tenants; ++tenant) {
            tables.push_back(table_of_tenant(tenant));
        }
    });
    ibid::statistics s = patterns.statistics();
    std::printf("%d tables: %zu patterns compiled in %.0f ms, each table for itself\n", tenants,
                unshared.size(), alone);
    std::printf("%d tables: %llu patterns compiled in %.1f ms, shared (%llu hits): %.0f times less\n",
                tenants, static_cast<unsigned long long>(s.misses), shared,
                static_cast<unsigned long long>(s.hits), alone / shared);
    expect(s.misses == usual_routes.size() + own && s.entries == s.misses, "each pattern is compiled once");
    expect(tables.front().first() == tables.back().first(), "one pattern for equal texts");
    expect(tables[7].target_of("/api/v1/users/42") == "users", "a user's path is routed");
    expect(tables[7].target_of("/media/de/cover.webp") == "media", "a picture's path is routed");
    expect(tables[7].target_of("/unheard/of") == "not found", "every path is routed");

    // An invalid pattern: the caller gets the error, and no entry is left.
    bool refused = false;
    try {
        tables[7].add("/broken/(", "nowhere");
    } catch (const std::regex_error&) {
        refused = true;
    }
    expect(refused && !patterns.find("/broken/("), "a pattern that does not compile leaves no trace");

    // A tenant leaves: its own pattern is destroyed, the others' stay.
    const std::string own_text = "/tenant-100/.+";
    expect(static_cast<bool>(patterns.find(own_text)), "the pattern is there while its table is");
    tables[100] = route_table();
    expect(!patterns.find(own_text), "and gone when its table is");
    s = patterns.statistics();
    std::printf("a tenant leaves: %llu patterns\n", static_cast<unsigned long long>(s.entries));
    expect(s.entries == usual_routes.size() + own - 1, "the shared patterns stay");

    tables.clear();
    s = patterns.statistics();
    std::printf("all leave:       %llu patterns\n", static_cast<unsigned long long>(s.entries));
    expect(s.entries == 0, "nothing is left");
    return failures;
}
