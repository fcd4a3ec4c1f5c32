// SPDX-License-Identifier: Apache-2.0
#include "entries.h"

#include <array>

#include "entries/configuration.h"
#include "entries/connection_getters.h"
#include "entries/ex_data.h"
#include "entries/exposures.h"
#include "entries/parsers.h"
#include "entries/references.h"
#include "entries/store_getters.h"
#include "entries/trust_files.h"
#include "entries/verification_getters.h"
#include "entries/verifications.h"

namespace ibid::openssl::interpose {

namespace {

// No function is in two groups for the same kind of module.
template <unsigned N>
[[nodiscard]] void* find(function_id id, module_kind kind) noexcept {
    constexpr std::array groups{
        &parsers<N>::find,       &verifications<N>::find,      &trust_files<N>::find,
        &configuration<N>::find, &connection_getters<N>::find, &verification_getters<N>::find,
        &store_getters<N>::find, &references<N>::find,         &exposures<N>::find,
        &ex_data<N>::find,
    };
    for (const auto group : groups) {
        if (void* const entry = group(id, kind)) {
            return entry;
        }
    }
    return nullptr;
}

} // namespace

void* entry_point(function_id id, module_kind kind, unsigned n) noexcept {
    switch (n) {
    case 0:
        return find<0>(id, kind);
    case 1:
        return find<1>(id, kind);
    case 2:
        return find<2>(id, kind);
    case 3:
        return find<3>(id, kind);
    default:
        return nullptr;
    }
}

} // namespace ibid::openssl::interpose
