// SPDX-License-Identifier: Apache-2.0
//
// One large CRL in many trust stores, loaded as nginx and HAProxy load it.
#include "memory.h"
#include "scenarios.h"

namespace bench {

namespace {

constexpr int stretch = 7; // stores between two turns

owned_store new_store(const std::filesystem::path& crl) {
    owned_store store{require(X509_STORE_new(), "X509_STORE_new")};
    X509_LOOKUP* const lookup = require(X509_STORE_add_lookup(store.get(), X509_LOOKUP_file()), "a lookup");
    require(X509_LOOKUP_load_file(lookup, crl.c_str(), X509_FILETYPE_PEM), crl.c_str());
    return store;
}

} // namespace

figures measure_crl(const std::filesystem::path& crl, int count, const turns& turns) {
    std::vector<owned_store> stores;
    stores.reserve(static_cast<std::size_t>(count));
    nanoseconds first = 0;
    nanoseconds further = 0;
    const std::int64_t heap = heap_in_use();
    const std::int64_t pages = resident();
    turns.next();
    stores.push_back(timed(first, [&] { return new_store(crl); }));
    for (int i = 1; i < count; ++i) {
        if (i % stretch == 1)
            turns.next();
        stores.push_back(timed(further, [&] { return new_store(crl); }));
    }
    return {{"all_us", microseconds(first + further)},
            {"further_us", microseconds(further) / (count - 1)},
            {"all_heap_bytes", static_cast<double>(heap_in_use() - heap)},
            {"all_resident_bytes", static_cast<double>(resident() - pages)}};
}

} // namespace bench
