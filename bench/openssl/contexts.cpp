// SPDX-License-Identifier: Apache-2.0
//
// The cost of a further SSL_CTX with a CA bundle.
#include "memory.h"
#include "samples.h"
#include "scenarios.h"

namespace bench {

namespace {

constexpr int stretch = 10; // contexts between two turns

owned_context new_context(const std::filesystem::path& bundle) {
    owned_context context{require(SSL_CTX_new(TLS_client_method()), "SSL_CTX_new")};
    if (!bundle.empty())
        require(SSL_CTX_load_verify_file(context.get(), bundle.c_str()), bundle.c_str());
    return context;
}

} // namespace

figures measure_contexts(const std::filesystem::path& bundle, int count, const turns& turns) {
    std::vector<double> alone, beside, cold, cold_bare;
    // One after another, like a script that makes a context for each request. The first one is not measured.
    new_context(bundle).reset();
    for (int i = 0; i < count; i += stretch) {
        turns.next();
        nanoseconds spent = 0;
        for (int k = 0; k < stretch; ++k)
            timed(spent, [&] { new_context(bundle).reset(); });
        alone.push_back(microseconds(spent) / stretch);
    }

    std::vector<owned_context> kept;
    kept.reserve(static_cast<std::size_t>(count) + stretch);
    kept.push_back(new_context(bundle));
    const std::int64_t before = heap_in_use();
    for (int i = 0; i < count; i += stretch) {
        turns.next();
        nanoseconds spent = 0;
        for (int k = 0; k < stretch; ++k)
            kept.push_back(timed(spent, [&] { return new_context(bundle); }));
        beside.push_back(microseconds(spent) / stretch);
    }
    const std::int64_t after = heap_in_use();

    // One at a time, with other work in between that replaces the contents of the processor's caches; and,
    // equally often, a context without a bundle.
    for (int i = 0; i < count; ++i) {
        for (const bool bare : {false, true}) {
            turns.next();
            nanoseconds spent = 0;
            timed(spent, [&] { return new_context(bare ? std::filesystem::path() : bundle); }).reset();
            (bare ? cold_bare : cold).push_back(microseconds(spent));
        }
        turns.next(); // the other work before the next measurement
        new_context(bundle).reset();
    }
    return {
        {"further_us", median(beside)},
        {"further_heap_bytes", static_cast<double>(after - before) / static_cast<double>(kept.size() - 1)},
        {"alone_us", median(alone)},
        {"cold_us", median(cold)},
        {"cold_bare_us", median(cold_bare)}};
}

} // namespace bench
