// SPDX-License-Identifier: Apache-2.0
//
// The values that shown_in_debugger.py prints with GDB, in stop().
#include <string>
#include <vector>

#include "ibid/atomic_handle.h"
#include "ibid/cache.h"
#include "ibid/intern.h"
#include "ibid/pool.h"
#include "ibid/weak.h"

namespace {

struct route {
    std::string host;
    int port;
    bool operator==(const route&) const = default;
};
struct node {
    ibid::handle<node> left;
    int number;
};

[[gnu::noinline]] void stop() {
    asm volatile("" ::: "memory"); // NOLINT(hicpp-no-assembler): the compiler keeps the call
}

} // namespace

int main() {
    ibid::cache<std::string, route> routes({.name = "routes"});
    const ibid::handle<route> h = routes.intern("a", [] { return route{"example.org", 443}; });
    const ibid::handle<route> same = h;
    const ibid::handle<std::string> text = ibid::intern<std::string>("ibidem");
    const ibid::handle<int> empty;
    const ibid::view<std::string> host(h, h->host);
    const ibid::weak<route> weak(h);
    ibid::weak<int> ended;
    ibid::cache<int, node> nodes;
    const auto leaf = nodes.intern(1, [] { return node{{}, 1}; });
    const auto tree = nodes.intern(2, [&] { return node{leaf, 2}; });
    {
        ibid::cache<int, int> numbers;
        const auto number = numbers.intern(1, [] { return 1; });
        ended = number;
    }
    ibid::atomic_handle<std::string> published(text);
    const auto loaded = published.load();
    ibid::pool<std::vector<int>> vectors([] { return std::vector<int>{1, 2}; });
    ibid::loan<std::vector<int>> loan = vectors.take();
    ibid::loan<std::vector<int>> returned;
    ibid::cache<std::string, std::string, ibid::key_is_value> words;
    const auto word = words.intern("word");
    stop();
    return same && word && loaded && tree && loan ? 0 : 1;
}
