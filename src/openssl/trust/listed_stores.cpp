// SPDX-License-Identifier: Apache-2.0
#include "listed_stores.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>

namespace ibid::openssl::listed_stores {

namespace {

// Relaxed: a program that loads a store on one thread and lists it on another orders these calls itself.
constexpr std::size_t most = 4096;
constinit std::array<std::atomic<const X509_STORE*>, most> all{};
constinit std::atomic<std::size_t> used{0}; // places that were ever used: the first ones

[[nodiscard]] auto end_of_used() noexcept {
    return all.begin() + static_cast<std::ptrdiff_t>(used.load(std::memory_order_relaxed));
}

} // namespace

bool has(const X509_STORE* store) noexcept {
    return std::any_of(all.begin(), end_of_used(),
                       [store](const auto& place) { return place.load(std::memory_order_relaxed) == store; });
}

bool note(const X509_STORE* store) noexcept {
    if (has(store)) {
        return true;
    }
    for (std::size_t i = 0; i < most; ++i) {
        const X509_STORE* none = nullptr;
        std::size_t before = used.load(std::memory_order_relaxed);
        while (before <= i && !used.compare_exchange_weak(before, i + 1, std::memory_order_relaxed)) {
        }
        if (all[i].compare_exchange_strong(none, store, std::memory_order_relaxed)) {
            return true;
        }
    }
    return false;
}

void forget(const X509_STORE* store) noexcept {
    for (auto* place = all.begin(); place != end_of_used(); ++place) {
        const X509_STORE* mine = store;
        (void)place->compare_exchange_strong(mine, nullptr, std::memory_order_relaxed);
    }
}

} // namespace ibid::openssl::listed_stores
