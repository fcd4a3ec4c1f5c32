// SPDX-License-Identifier: Apache-2.0
//
// A program that is compiled with the single header and with the separate headers, and must print the same.
#if defined(SINGLE_HEADER)
#include "ibid_single.h"
#else
#include "ibid/cache.h"
#include "ibid/intern.h"
#include "ibid/modules.h"
#include "ibid/pool.h"
#include "ibid/weak.h"
#endif

#include <cstdio>
#include <string>

int main() {
    ibid::cache<std::string, std::string> words;
    words.retain({.bytes = 1 << 16, .entries = 2});
    for (const char* const word : {"a", "b", "a", "c", "a", "d"}) {
        const ibid::handle<std::string> h = words.intern(word, [word] { return std::string(word); });
        std::printf("%s%s\n", h->c_str(), h == words.find(word) ? "" : "?");
    }
    const ibid::statistics s = words.statistics();
    std::printf("%d hits, %d misses\n", static_cast<int>(s.hits), static_cast<int>(s.misses));
    const ibid::weak<std::string> w(ibid::intern<std::string>("gone"));
    std::printf("%d %d\n", w.lock() ? 1 : 0, ibid::intern(1) == ibid::intern(1) ? 1 : 0);
    ibid::pool<std::string> strings([] { return std::string("lent"); });
    std::printf("%s, %d modules\n", strings.take()->c_str(), static_cast<int>(ibid::modules().size()));
}
