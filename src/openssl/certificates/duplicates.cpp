// SPDX-License-Identifier: Apache-2.0
#include "duplicates.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace ibid::openssl::duplicates {

namespace {

// Never freed, so that a chain can be followed without a lock.
struct pair {
    X509* const original;
    std::atomic<owner_id> who; // 0: it has ended
    X509* const own;
    pair* next;
};

constexpr std::size_t chains = 1024;
// Release when a pair is complete, acquire before it is read.
constinit std::array<std::atomic<pair*>, chains> table{};
constinit std::atomic<std::size_t> made{0}; // relaxed: says only whether looking is worth while, and how many

[[nodiscard]] std::atomic<pair*>& chain_of(const X509* x) noexcept {
    return table[(reinterpret_cast<std::uintptr_t>(x) >> 4) % chains];
}

[[nodiscard]] X509* find_in(const pair* first, const pair* end, const X509* original, owner_id who) noexcept {
    for (const pair* p = first; p != end; p = p->next) {
        if (p->original == original && p->who.load(std::memory_order_relaxed) == who) {
            return p->own;
        }
    }
    return nullptr;
}

// A pair of an owner that has ended, of an original with itself: nothing in it but the owner changes. Two
// such pairs of one owner say the same, so it does not matter whether another thread inserts one, too.
[[nodiscard]] bool revive(pair* first, const X509* original, owner_id who) noexcept {
    for (pair* p = first; p != nullptr; p = p->next) {
        owner_id none = 0;
        if (p->original == original && p->own == original &&
            p->who.compare_exchange_strong(none, who, std::memory_order_relaxed)) {
            return true;
        }
    }
    return false;
}

} // namespace

std::size_t pairs() noexcept {
    return made.load(std::memory_order_relaxed);
}

X509* find(const X509* original, owner_id who) noexcept {
    return who != 0 && pairs() != 0
               ? find_in(chain_of(original).load(std::memory_order_acquire), nullptr, original, who)
               : nullptr;
}

X509* insert(X509* original, owner_id who, X509* own) noexcept {
    std::atomic<pair*>& chain = chain_of(original);
    pair* first = chain.load(std::memory_order_acquire);
    if (own == original && revive(first, original, who)) {
        return own;
    }
    auto* const fresh = new (std::nothrow) pair{original, {who}, own, nullptr};
    if (fresh == nullptr) {
        return nullptr;
    }
    made.fetch_add(1, std::memory_order_relaxed);
    const pair* searched = nullptr;
    do {
        X509* const other = own != original ? find_in(first, searched, original, who) : nullptr;
        if (other != nullptr) {
            delete fresh;
            return other;
        }
        searched = first;
        fresh->next = first;
    } while (
        !chain.compare_exchange_weak(first, fresh, std::memory_order_acq_rel, std::memory_order_acquire));
    return own;
}

void forget(const functions& f, owner_id ended) {
    if (pairs() == 0) {
        return;
    }
    for (const std::atomic<pair*>& chain : table) {
        for (pair* p = chain.load(std::memory_order_acquire); p != nullptr; p = p->next) {
            owner_id who = ended;
            if (p->who.compare_exchange_strong(who, 0, std::memory_order_relaxed)) {
                f.X509_free(p->own);
                f.X509_free(p->original);
            }
        }
    }
}

} // namespace ibid::openssl::duplicates
