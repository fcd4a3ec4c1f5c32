// SPDX-License-Identifier: Apache-2.0
//
// A program, or with -DPLUGIN a plugin, with a cache whose counters it publishes.
//
//     published_cache [PLUGIN]      "ready"; waits for the end of its input
#include <cstdio>
#include <cstdlib>
#include <string>

#include <dlfcn.h>

#if !defined(WITHOUT_IBID)
#include "ibid/cache.h"
#include "ibid/published.h"

namespace {

void use(const char* name) {
    // Caches that were published before it.
    const char* const more = std::getenv("MORE_CACHES");
    for (int i = more != nullptr ? std::atoi(more) : 0; i > 0; --i)
        (void)ibid::published_counters("another one");
    static auto& numbers = *new ibid::cache<int, std::string>({.counters = &ibid::published_counters(name)});
    const auto make = [](int n) { return std::to_string(n); };
    static const auto one = numbers.intern(1, make);
    static const auto two = numbers.intern(2, make);
    (void)numbers.intern(1, make);
}

} // namespace
#endif

#if defined(PLUGIN)
[[gnu::constructor]] static void loaded() {
    use("of a plugin");
}
#else
int main(int argc, char** argv) {
#if !defined(WITHOUT_IBID)
    use("of the program");
#endif
    if (argc > 1 && ::dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) == nullptr) {
        return 1;
    }
    std::puts("ready");
    std::fflush(stdout);
    return std::getchar() == EOF ? 0 : 1;
}
#endif
