// SPDX-License-Identifier: Apache-2.0
#include "replaced_objects.h"

namespace ibid::openssl::replaced_objects {

namespace {

// Release when an element is complete, acquire before it is read.
constinit std::atomic<replaced_object*> first{nullptr};

} // namespace

bool any() noexcept {
    return first.load(std::memory_order_relaxed) != nullptr;
}

void keep(std::unique_ptr<replaced_object> place, const X509_STORE* store, X509_OBJECT* object) noexcept {
    replaced_object* const p = place.release();
    p->store.store(store, std::memory_order_relaxed);
    p->object = object;
    p->next = first.load(std::memory_order_relaxed);
    while (!first.compare_exchange_weak(p->next, p, std::memory_order_release, std::memory_order_relaxed)) {
    }
}

void forget(const functions& f, const X509_STORE* store) {
    for (replaced_object* p = first.load(std::memory_order_acquire); p != nullptr; p = p->next) {
        const X509_STORE* its = store;
        // Relaxed: whoever ends a store has waited for all who used it.
        if (p->store.compare_exchange_strong(its, nullptr, std::memory_order_relaxed)) {
            f.X509_OBJECT_free(p->object);
        }
    }
}

} // namespace ibid::openssl::replaced_objects
