// SPDX-License-Identifier: Apache-2.0
//
// References to OpenSSL objects whose owner has ended, until a thread frees them.
//
// Law: an owner's destructor runs inside noexcept frames of the cache. OpenSSL's free functions run foreign
// code, in which a thread may be cancelled, so they must not run there. The destructor retires its references
// and does not call OpenSSL. The thread that called the cache frees them afterwards.
#pragma once

#include <openssl/types.h>

#include <atomic>
#include <utility>
#include <vector>

#include "functions.h"

namespace ibid::openssl {

struct trust_object { // one of the two
    X509* certificate = nullptr;
    X509_CRL* crl = nullptr;
};

class retired_objects {
public:
    struct list {
        std::vector<trust_object> objects; // with a reference each
        list* next = nullptr;
    };

    // Any thread. Takes `l`, which was made by new.
    void add(list* l) noexcept {
        l->next = first_.load(std::memory_order_relaxed);
        // Release, with the acquire in free_all(): a thread that frees sees the objects as their owner left
        // them.
        while (
            !first_.compare_exchange_weak(l->next, l, std::memory_order_release, std::memory_order_relaxed)) {
        }
    }

    [[nodiscard]] bool is_empty() const noexcept { return first_.load(std::memory_order_relaxed) == nullptr; }

    // Frees all objects. Any thread, but not inside a noexcept function. If the thread is cancelled, the rest
    // stays for another thread.
    void free_all(const functions& f) {
        struct taken {
            retired_objects& from;
            list* first;
            ~taken() {
                while (first != nullptr) {
                    from.add(std::exchange(first, first->next));
                }
            }
        } rest{*this, first_.exchange(nullptr, std::memory_order_acquire)};
        while (rest.first != nullptr) {
            auto& objects = rest.first->objects;
            while (!objects.empty()) {
                const trust_object o = objects.back();
                objects.pop_back();
                if (o.certificate != nullptr) {
                    f.X509_free(o.certificate);
                } else if (o.crl != nullptr) {
                    f.X509_CRL_free(o.crl);
                }
            }
            delete std::exchange(rest.first, rest.first->next);
        }
    }

private:
    std::atomic<list*> first_{nullptr};
};

} // namespace ibid::openssl
