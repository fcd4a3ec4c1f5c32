// SPDX-License-Identifier: Apache-2.0
//
// Objects of trust stores in whose place ibid has put another one, until their store ends.
//
// Law: ibid neither changes nor frees an object of a store that is in use. OpenSSL finds an object under the
// store's lock, but takes the reference to its certificate after it has released that lock. Source:
// X509_STORE_CTX_get_by_subject in crypto/x509/x509_lu.c, 3.0 to 4.0.
//
// Thread safety: all functions, from any thread; no lock.
#pragma once

#include <openssl/types.h>

#include <atomic>
#include <memory>

#include "openssl/binding/functions.h"

namespace ibid::openssl {

// Never deleted once it is used, so that their list can be followed without a lock. Only a program that
// writes late makes any, one for each object that was shared before.
struct replaced_object {
    std::atomic<const X509_STORE*> store{nullptr}; // null: it has ended
    X509_OBJECT* object = nullptr;
    replaced_object* next = nullptr;
};

namespace replaced_objects {

// Whether there ever was one.
[[nodiscard]] bool any() noexcept;

// `object` was in the store's list.
void keep(std::unique_ptr<replaced_object> place, const X509_STORE* store, X509_OBJECT* object) noexcept;

// The store ends.
void forget(const functions& f, const X509_STORE* store);

} // namespace replaced_objects

} // namespace ibid::openssl
