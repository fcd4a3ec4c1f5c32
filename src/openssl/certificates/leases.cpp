// SPDX-License-Identifier: Apache-2.0
#include "leases.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <new>
#include <utility>

#include "ibid/detail/base/mutex.h"

namespace ibid::openssl::leases {

namespace {

struct lease {
    const X509* certificate;
    const void* owner; // null: kept
    std::size_t references;
    bool kept;
    lease* next;
};

// Few at a time: a program takes a certificate, reads it, and frees it.
constexpr std::size_t chains = 64;
constinit detail::mutex mutex; // protects all leases, too
constinit std::array<lease*, chains> table IBID_GUARDED_BY(mutex){};
constinit std::atomic<std::size_t> all{
    0}; // how many there are. Relaxed: only a thread that took none may read an old zero.

[[nodiscard]] lease** place_of(const X509* x) noexcept IBID_REQUIRES(mutex) {
    lease** at = &table[(reinterpret_cast<std::uintptr_t>(x) >> 4) % chains];
    while (*at != nullptr && (*at)->certificate != x) {
        at = &(*at)->next;
    }
    return at;
}

[[nodiscard]] lease* unlink(lease** at) noexcept IBID_REQUIRES(mutex) {
    all.fetch_sub(1, std::memory_order_relaxed);
    return std::exchange(*at, (*at)->next);
}

} // namespace

bool take(const X509* x, const void* owner) noexcept {
    auto* const fresh = new (std::nothrow) lease{x, owner, 1, false, nullptr}; // before the lock
    bool taken = false;
    lease* unused = fresh;
    {
        const detail::lock_guard lock(mutex);
        lease** const at = place_of(x);
        if (*at != nullptr) {
            taken = (*at)->owner == owner && owner != nullptr;
            (*at)->references += taken ? 1 : 0;
        } else if (fresh != nullptr) {
            *at = std::exchange(unused, nullptr);
            all.fetch_add(1, std::memory_order_relaxed);
            taken = true;
        }
    }
    delete unused;
    return taken;
}

bool has(const X509* x, const void* owner) noexcept {
    if (all.load(std::memory_order_relaxed) == 0) {
        return false;
    }
    const detail::lock_guard lock(mutex);
    const lease* const l = *place_of(x);
    return l != nullptr && l->owner == owner && owner != nullptr;
}

void add(const X509* x) noexcept {
    if (all.load(std::memory_order_relaxed) == 0) {
        return;
    }
    const detail::lock_guard lock(mutex);
    if (lease* const l = *place_of(x)) {
        ++l->references;
    }
}

void drop(const X509* x) noexcept {
    if (all.load(std::memory_order_relaxed) == 0) {
        return;
    }
    lease* ended = nullptr;
    {
        const detail::lock_guard lock(mutex);
        lease** const at = place_of(x);
        if (*at != nullptr && (*at)->references != 0 && --(*at)->references == 0 && !(*at)->kept) {
            ended = unlink(at);
        }
    }
    delete ended;
}

void keep(const X509* x) noexcept {
    auto* const fresh = new (std::nothrow) lease{x, nullptr, 0, true, nullptr};
    lease* unused = fresh;
    {
        const detail::lock_guard lock(mutex);
        lease** const at = place_of(x);
        if (*at != nullptr) {
            (*at)->kept = true;
        } else if (fresh != nullptr) {
            *at = std::exchange(unused, nullptr);
            all.fetch_add(1, std::memory_order_relaxed);
        }
    }
    delete unused;
}

void forget(const X509* x) noexcept {
    if (all.load(std::memory_order_relaxed) == 0) {
        return;
    }
    lease* ended = nullptr;
    {
        const detail::lock_guard lock(mutex);
        lease** const at = place_of(x);
        ended = *at != nullptr ? unlink(at) : nullptr;
    }
    delete ended;
}

void lock_for_fork() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
    mutex.lock();
}
void unlock_after_fork() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
    mutex.unlock();
}

} // namespace ibid::openssl::leases
