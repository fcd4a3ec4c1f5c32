// SPDX-License-Identifier: Apache-2.0
//
// What a further SSL_CTX with a CA bundle costs.
#include "memory.h"
#include "samples.h"
#include "scenarios.h"

namespace bench {

namespace {

owned_context new_context(const std::filesystem::path& bundle) {
    owned_context context{require(SSL_CTX_new(TLS_client_method()), "SSL_CTX_new")};
    if (!bundle.empty())
        require(SSL_CTX_load_verify_file(context.get(), bundle.c_str()), bundle.c_str());
    return context;
}

} // namespace

figures measure_contexts(const std::filesystem::path& bundle, int count, const turns& turns) {
    std::vector<double> alone, beside;
    // One after another, as a script does that makes a context for each request. The first one is the process's start.
    for (int i = -1; i < count; ++i) {
        turns.next();
        nanoseconds spent = 0;
        timed(spent, [&] { new_context(bundle).reset(); });
        if (i >= 0)
            alone.push_back(microseconds(spent));
    }

    std::vector<owned_context> kept;
    kept.reserve(static_cast<std::size_t>(count) + 1);
    kept.push_back(new_context(bundle));
    const std::int64_t before = heap_in_use();
    for (int i = 0; i < count; ++i) {
        turns.next();
        nanoseconds spent = 0;
        kept.push_back(timed(spent, [&] { return new_context(bundle); }));
        beside.push_back(microseconds(spent));
    }
    const std::int64_t after = heap_in_use();
    return {{"further_us", median(beside)},
            {"further_heap_bytes", static_cast<double>(after - before) / count},
            {"alone_us", median(alone)}};
}

} // namespace bench
