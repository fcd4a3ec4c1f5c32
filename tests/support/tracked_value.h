// SPDX-License-Identifier: Apache-2.0
//
// Values, keys and handles that check the cache's contracts while they are used.
//
// A `tracked_value` knows its key and has a serial number; it counts constructions and destructions for each
// key. A `held` is a handle that is registered while it lives. If two live handles of one key refer to
// different values, or a value ends while a handle refers to it, contract 1 or 2 is broken, and the process
// aborts at that point, for a debugger.
//
// The register is one relaxed atomic for each key. It adds no ordering, so the thread sanitizer still detects
// if the cache's own ordering is insufficient. It needs none: a handle is registered after it was obtained
// and removed before it is dropped, so the cache's own ordering puts each registration after the removal of
// all handles to an earlier value.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <utility>

#include "ibid/cache.h"

namespace ibid::testing {

[[noreturn]] inline void broken(const char* what, int key) {
    std::fprintf(stderr, "broken contract: %s (key %d)\n", what, key);
    std::abort();
}

// Hooks inside Hash, Equal, a value's construction and its destruction. Set between runs, while no other
// thread works.
class hook {
public:
    void operator()(int key) const {
        if (const std::function<void(int)>* const f = armed_.load(std::memory_order_relaxed)) {
            (*f)(key);
        }
    }
    void set(std::function<void(int)> f) {
        armed_.store(nullptr, std::memory_order_relaxed);
        function_ = std::move(f);
        armed_.store(function_ ? &function_ : nullptr, std::memory_order_relaxed);
    }

private:
    std::function<void(int)> function_;
    std::atomic<const std::function<void(int)>*> armed_{nullptr};
};

inline hook on_hash;
inline hook on_equal; // called with the key of the entry, or of the flight, that is compared
inline hook on_birth;
inline hook on_death;

// Sets a hook for a scope.
class with_hook {
public:
    with_hook(hook& h, std::function<void(int)> f) : hook_(h) { hook_.set(std::move(f)); }
    with_hook(const with_hook&) = delete;
    with_hook& operator=(const with_hook&) = delete;
    ~with_hook() { hook_.set(nullptr); }

private:
    hook& hook_;
};

// The counters of one key.
struct life {
    std::atomic<std::uint64_t> born{0};
    std::atomic<std::uint64_t> died{0};
    std::atomic<std::uint64_t> holders{
        0}; // the held value's serial, 40 bits, and the number of registered handles, 24 bits

    static constexpr std::uint64_t one_serial = std::uint64_t{1} << 24;

    void announce(std::uint64_t serial, int key) {
        std::uint64_t now = holders.load(std::memory_order_relaxed);
        std::uint64_t next = 0;
        do {
            const bool none = now % one_serial == 0;
            if (!none && now / one_serial != serial) {
                broken("one value: live handles of one key refer to two objects", key);
            }
            next = none ? serial * one_serial + 1 : now + 1;
        } while (!holders.compare_exchange_weak(now, next, std::memory_order_relaxed));
    }
    void withdraw() { holders.fetch_sub(1, std::memory_order_relaxed); }

    [[nodiscard]] std::uint64_t alive() const { return born.load() - died.load(); }
};

inline constexpr int most_keys = 4096;
inline std::array<life, most_keys> lives;
inline std::atomic<std::uint64_t> last_serial{0};
inline thread_local std::uint64_t last_death_here =
    0; // the serial of the last tracked_value that ended on this thread

inline void clear_books() {
    for (life& l : lives) {
        l.born = 0;
        l.died = 0;
        l.holders = 0;
    }
}

class tracked_value {
public:
    explicit tracked_value(int key) : key_(key) {
        lives[static_cast<std::size_t>(key)].born.fetch_add(1, std::memory_order_relaxed);
        on_birth(key);
    }
    tracked_value(const tracked_value&) = delete;
    tracked_value& operator=(const tracked_value&) = delete;
    ~tracked_value() {
        life& l = lives[static_cast<std::size_t>(key_)];
        const std::uint64_t held = l.holders.load(std::memory_order_relaxed);
        if (held % life::one_serial != 0 && held / life::one_serial == serial_) {
            broken("exact end: a value ends under a live handle", key_);
        }
        if (canary_ != alive) {
            broken("exact end: a value ends twice", key_);
        }
        canary_ =
            dead; // a plain write: with a reader that is not ordered before it, the sanitizer reports a race
        last_death_here = serial_;
        on_death(key_);
        l.died.fetch_add(1, std::memory_order_relaxed);
    }

    [[nodiscard]] int key() const noexcept { return key_; }
    [[nodiscard]] std::uint64_t serial() const noexcept { return serial_; }
    void check(int key) const {
        if (canary_ != alive || key_ != key) {
            broken("a handle gives another key's value, or one that has ended", key);
        }
    }

private:
    static constexpr std::uint32_t alive = 0xa11fe;
    static constexpr std::uint32_t dead = 0xdead;

    const int key_;
    const std::uint64_t serial_ = last_serial.fetch_add(1, std::memory_order_relaxed) + 1;
    volatile std::uint32_t canary_ = alive;
};

// A handle that is registered while it lives.
class held {
public:
    held() = default;
    explicit held(handle<tracked_value> h) : handle_(std::move(h)) { announce(); }
    held(const held& other) : handle_(other.handle_) { announce(); }
    held(held&& other) noexcept : handle_(std::move(other.handle_)) {}
    held& operator=(held other) noexcept {
        swap(handle_, other.handle_);
        return *this;
    }
    ~held() { drop(); }

    void drop() {
        if (handle_) {
            lives[static_cast<std::size_t>(handle_->key())].withdraw();
            handle_.reset();
        }
    }
    // Removes the handle from the register and returns it.
    [[nodiscard]] handle<tracked_value> release() {
        if (handle_) {
            lives[static_cast<std::size_t>(handle_->key())].withdraw();
        }
        return std::move(handle_);
    }

    [[nodiscard]] const handle<tracked_value>& get() const noexcept { return handle_; }
    [[nodiscard]] const tracked_value* operator->() const noexcept { return handle_.get(); }
    [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(handle_); }

private:
    void announce() {
        if (handle_) {
            handle_->check(handle_->key());
            lives[static_cast<std::size_t>(handle_->key())].announce(handle_->serial(), handle_->key());
        }
    }

    handle<tracked_value> handle_;
};

// Keys with one number. `family` chooses the hash: keys of family 0 are hashed normally. All keys of another
// family have the same hash, so that they share a shard and are compared with each other.
struct probe_key {
    int id = 0;
    std::uint64_t family = 0;
};

//
// With IBID_TEST_HITS_WITHOUT_LOCK the hash is declared as keyed (is_keyed), like the default hash: then keys
// of a family are neighbours, and the cache answers hits without a lock.
#ifdef IBID_TEST_HITS_WITHOUT_LOCK
inline constexpr bool hits_without_lock = true;
#else
inline constexpr bool hits_without_lock = false;
#endif

struct probe_hash : detail::if_keyed<hits_without_lock> {
    std::uint64_t operator()(const probe_key& k) const {
        on_hash(k.id);
        if (k.family == 0) {
            return ibid::hash<int>()(k.id);
        }
        return hits_without_lock ? k.family + static_cast<std::uint64_t>(k.id) : k.family;
    }
};

// Makes a value hot, so that its references are counted in stripes, as after hundreds of hits from several
// threads.
template <class T>
void make_hot(const handle<T>& h) {
    detail::hot_values::of_process().promote(detail::header_of(h.get()));
}

struct probe_equal {
    bool operator()(const probe_key& a, const probe_key& b) const {
        on_equal(a.id);
        return a.id == b.id;
    }
};

using probe_cache = cache<probe_key, tracked_value, key_beside, probe_hash, probe_equal>;

inline handle<tracked_value> intern(probe_cache& c, probe_key k) {
    handle<tracked_value> h = c.intern(k, [&] { return tracked_value(k.id); });
    if (hits_without_lock && h->serial() % 2 == 0) {
        make_hot(h);
    }
    return h;
}
inline handle<tracked_value> intern(probe_cache& c, int id) {
    return intern(c, probe_key{id, 0});
}

[[nodiscard]] inline std::uint64_t born(int key) {
    return lives[static_cast<std::size_t>(key)].born.load();
}
[[nodiscard]] inline std::uint64_t died(int key) {
    return lives[static_cast<std::size_t>(key)].died.load();
}
[[nodiscard]] inline std::uint64_t alive(int key) {
    return lives[static_cast<std::size_t>(key)].alive();
}

} // namespace ibid::testing
