// SPDX-License-Identifier: Apache-2.0
#include "intercepted_names.h"

#include <algorithm>
#include <cstring>

#include "openssl/modules/elf_module.h"

namespace ibid::openssl::modules {

using interpose::function_count;
using interpose::function_id;

constexpr std::array<const char*, function_count> function_names = {
#define IBID_NAME(name) #name,
    IBID_INTERCEPTED_IN_LIBCRYPTO(IBID_NAME) IBID_INTERCEPTED_FOR_WRITERS(IBID_NAME)
        IBID_INTERCEPTED_IN_LIBSSL(IBID_NAME)
#undef IBID_NAME
            "dlopen",
    "dlmopen",
    "dlsym",
    "dlvsym",
    "dlclose",
    "chroot",
};

constexpr std::array<std::uint32_t, function_count> function_hashes = [] {
    std::array<std::uint32_t, function_count> hashes{};
    for (std::size_t i = 0; i < function_count; ++i) {
        hashes[i] = symbol_hash(function_names[i]);
    }
    return hashes;
}();

namespace {

struct wanted_name {
    const char* name;
    std::uint32_t hash;
    function_id id;
};

constexpr auto intercepted = [] {
    std::array<wanted_name, function_count> names{};
    for (std::size_t i = 0; i < function_count; ++i) {
        names[i] = {function_names[i], function_hashes[i], static_cast<function_id>(i)};
    }
    std::ranges::sort(names, {}, &wanted_name::hash);
    return names;
}();

// A bit filter, because ibid does not intercept most names of a program.
constexpr std::size_t filter_bits = 8192;
constexpr auto filter = [] {
    std::array<std::uint64_t, filter_bits / 64> bits{};
    for (const wanted_name& w : intercepted) {
        bits[w.hash % filter_bits / 64] |= std::uint64_t{1} << w.hash % 64;
    }
    return bits;
}();

} // namespace

function_id function_of(const char* name, std::uint32_t hash) noexcept {
    if ((filter[hash % filter_bits / 64] >> hash % 64 & 1) == 0) {
        return function_id::count;
    }
    for (auto at = std::ranges::lower_bound(intercepted, hash, {}, &wanted_name::hash);
         at != intercepted.end() && at->hash == hash; ++at) {
        if (std::strcmp(at->name, name) == 0) {
            return at->id;
        }
    }
    return function_id::count;
}

function_id function_of(const char* name) noexcept {
    return function_of(name, symbol_hash(name));
}

} // namespace ibid::openssl::modules
