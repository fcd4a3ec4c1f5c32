// SPDX-License-Identifier: Apache-2.0
//
// Duplicates of shared certificates, each for one owner, who may write to it or attach data.
//
// They are made when a program that may write asks for objects that were shared before this was known. From
// then on nothing more is shared, so there are never more objects than in stock.
//
// Law: the program may also have pointers to the original, so a pair lives as long as its owner.
//
// Thread safety: all functions, from any thread; no lock.
#pragma once

#include <openssl/types.h>

#include <cstddef>
#include <cstdint>

#include "lease.h"
#include "openssl/binding/functions.h"

namespace ibid::openssl::duplicates {

// A store's id is its address: nobody is given any more what an earlier store at this address had. Session
// ids start at 1 and are below all addresses.
[[nodiscard]] inline owner_id owner_of(const X509_STORE* store) noexcept {
    constexpr unsigned bits_of_addresses = 43; // 47, of which the lowest 4 are 0
    return (reinterpret_cast<std::uintptr_t>(store) >> 4 & ((owner_id{1} << bits_of_addresses) - 1)) |
           owner_id{1} << bits_of_addresses;
}

// How many were made so far. They stay in memory, each with some 50 bytes.
[[nodiscard]] std::size_t pairs() noexcept;

// The owner's duplicate of `original`; null: none.
[[nodiscard]] X509* find(const X509* original, owner_id who) noexcept;

// Takes both references if it returns `own`; else another thread was faster, and this is its duplicate. Null:
// no memory. `own` may be `original`: the owner has that.
[[nodiscard]] X509* insert(X509* original, owner_id who, X509* own) noexcept;

// The owner ends.
void forget(const functions& f, owner_id who);

} // namespace ibid::openssl::duplicates
