// SPDX-License-Identifier: Apache-2.0
//
// Compares ibid's interposed functions with OpenSSL's own, in two processes: this one, linked with ibid
// before OpenSSL, and one without ibid (stock_twin.h). Both play the same scene with the same bytes and must
// see the same: results, the error queue with its locations and texts, the advance of each pointer, each
// object encoded again, and the owner of each object.
//
// IBID_SCOPE=all, so that certificates that the program itself decodes are shared, too.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>

#include "ibid_openssl.h"
#include "scenes.h"
#include "stock_twin.h"

namespace ibid::fuzz {
namespace {

[[nodiscard]] stock_twin& twin() {
    static stock_twin made;
    return made;
}

// ibid reads its settings before any code of this program, so the program executes itself again.
[[gnu::constructor]] void begin_with_scope_all(int, char** arguments, char**) {
    if (std::getenv("IBID_SCOPE") == nullptr) {
        setenv("IBID_SCOPE", "all", 1);
        execv("/proc/self/exe", arguments);
        std::perror("interposed_fuzzer");
        std::abort();
    }
}

[[noreturn]] void differ(const std::string& stock, const std::string& ours) {
    std::size_t at = 0;
    while (at < stock.size() && at < ours.size() && stock[at] == ours[at]) {
        ++at;
    }
    const std::size_t line = stock.rfind('\n', at) + 1;
    std::fprintf(stderr, "not as stock; alike before this:\n%s\n-- stock:\n%s\n-- ibid:\n%s\n",
                 stock.substr(0, line).c_str(), stock.substr(line, 600).c_str(),
                 ours.substr(line, 600).c_str());
    std::abort();
}

// OpenSSL's results guide the fuzzer in the same way as coverage of ibid's code: libFuzzer uses these as
// coverage counters.
#ifdef __clang__
__attribute__((section("__libfuzzer_extra_counters"))) unsigned char features[4096];

void guide_by(const std::string& text) {
    std::size_t begin = 0;
    for (std::size_t end = text.find('\n'); end != text.npos; end = text.find('\n', begin)) {
        const std::string_view line(text.data() + begin, end - begin);
        const std::string_view word = line.starts_with("error") ? line : line.substr(0, line.find(':'));
        features[std::hash<std::string_view>()(word) % sizeof features] = 1;
        begin = end + 1;
    }
}
#else
void guide_by(const std::string&) {}
#endif

} // namespace
} // namespace ibid::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ibid::fuzz;
    if (scene_of(input({data, size})) == nullptr) {
        return 0;
    }
    stock_twin& stock = twin();
    stock.begin({data, size});
    outcome seen;
    play(input({data, size}), seen);
    const std::string expected = stock.outcome();
    if (expected != seen.text()) {
        differ(expected, seen.text());
    }
    guide_by(expected);
    return 0;
}
