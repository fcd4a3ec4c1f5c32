// SPDX-License-Identifier: Apache-2.0
#include "private_store.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

#include "openssl/binding/error_queue.h"
#include "openssl/binding/locked_store.h"
#include "openssl/binding/store_locks.h"
#include "openssl/binding/unwaited_mutex.h"
#include "openssl/certificates/duplicates.h"

namespace ibid::openssl::interpose {

namespace {

// A shared object that another owner has, and the store's duplicate; with references.
struct exchange {
    X509* certificate = nullptr;
    X509* own_certificate = nullptr;
    X509_CRL* crl = nullptr;
    X509_CRL* own_crl = nullptr;
};

class exchanges {
public:
    exchanges(const functions& f, const X509_STORE* store) noexcept
        : f_(f), who_(duplicates::owner_of(store)) {}
    exchanges(const exchanges&) = delete;
    exchanges& operator=(const exchanges&) = delete;
    ~exchanges() noexcept(false) {
        for (const exchange& e : all_) {
            f_.X509_free(e.certificate);
            f_.X509_free(e.own_certificate);
            f_.X509_CRL_free(e.crl);
            f_.X509_CRL_free(e.own_crl);
        }
    }

    // Under the store's lock: which objects others have. CRLs have no mark: all are shared, where a file of
    // ibid's was loaded.
    void collect(certificate_cache& cache, const OPENSSL_STACK* objects, bool crls) {
        const int count = f_.OPENSSL_sk_num(objects);
        for (int i = 0; i < count; ++i) {
            const auto* const o = static_cast<const X509_OBJECT*>(f_.OPENSSL_sk_value(objects, i));
            exchange e;
            e.certificate = f_.X509_OBJECT_get0_X509(o);
            e.crl = crls ? f_.X509_OBJECT_get0_X509_CRL(o) : nullptr;
            if (e.certificate != nullptr &&
                (cache.origin(e.certificate) == nullptr || cache.keep(e.certificate, who_) ||
                 duplicates::find(e.certificate, who_) == e.certificate)) {
                e.certificate = nullptr;
            }
            if (e.certificate != nullptr || e.crl != nullptr) {
                all_.push_back(e);
                if (e.certificate != nullptr) {
                    f_.X509_up_ref(e.certificate);
                } else {
                    f_.X509_CRL_up_ref(e.crl);
                }
            }
        }
    }

    // Without the lock. False: no memory.
    [[nodiscard]] bool duplicate(const certificate_cache& cache) {
        bool done = true;
        for (exchange& e : all_) {
            e.own_certificate = e.certificate != nullptr ? duplicate_of(cache, e.certificate) : nullptr;
            e.own_crl = e.crl != nullptr ? f_.X509_CRL_dup(e.crl) : nullptr;
            done = done && (e.own_certificate != nullptr || e.own_crl != nullptr);
        }
        return done;
    }
    [[nodiscard]] bool has_certificates() const noexcept {
        return std::any_of(all_.begin(), all_.end(),
                           [](const exchange& e) { return e.certificate != nullptr; });
    }

    // Under the lock again; the program may have changed the list meanwhile.
    void put_into(const OPENSSL_STACK* objects) const {
        const int count = f_.OPENSSL_sk_num(objects);
        for (int i = 0; i < count; ++i) {
            auto* const o = static_cast<X509_OBJECT*>(f_.OPENSSL_sk_value(objects, i));
            for (const exchange& e : all_) {
                if (e.own_certificate != nullptr && f_.X509_OBJECT_get0_X509(o) == e.certificate) {
                    (void)f_.X509_OBJECT_set1_X509(o, e.own_certificate);
                    break;
                }
                if (e.own_crl != nullptr && f_.X509_OBJECT_get0_X509_CRL(o) == e.crl) {
                    (void)f_.X509_OBJECT_set1_X509_CRL(o, e.own_crl);
                    break;
                }
            }
        }
    }

    [[nodiscard]] bool empty() const noexcept { return all_.empty(); }

private:
    // The same for each place of the object in the store, and in chains that the store has verified.
    [[nodiscard]] X509* duplicate_of(const certificate_cache& cache, X509* x) const {
        X509* own = duplicates::find(x, who_);
        if (own == nullptr) {
            X509* const made = cache.duplicate(x);
            own = made != nullptr ? duplicates::insert(x, who_, made) : nullptr;
            if (own != nullptr && own == made) {
                f_.X509_up_ref(x);
            } else {
                f_.X509_free(made);
            }
        }
        if (own != nullptr) {
            f_.X509_up_ref(own);
        }
        return own;
    }

    const functions& f_;
    const owner_id who_;
    std::vector<exchange> all_;
};

[[nodiscard]] const OPENSSL_STACK* objects_of(const functions& f, X509_STORE* store) {
    return reinterpret_cast<const OPENSSL_STACK*>(f.X509_STORE_get0_objects(store));
}

[[nodiscard]] OPENSSL_STACK* untyped(STACK_OF(X509_OBJECT) * objects) noexcept {
    return reinterpret_cast<OPENSSL_STACK*>(objects);
}

// A store's lock for a use of it. Where OpenSSL takes none, it is not waited for.
class lock_for_use {
public:
    lock_for_use(const functions& f, X509_STORE* store, store_use use)
        : f_(f), store_(store), has_(use == store_use::lists_locked
                                         ? (f.X509_STORE_lock(store) != 0 ? store_locks::outcome::locked
                                                                          : store_locks::outcome::refused)
                                         : store_locks::lock_unless_programs(f, store)) {}
    lock_for_use(const lock_for_use&) = delete;
    lock_for_use& operator=(const lock_for_use&) = delete;
    ~lock_for_use() noexcept(false) {
        if (has_ == store_locks::outcome::locked) {
            f_.X509_STORE_unlock(store_);
        }
    }
    [[nodiscard]] bool is_locked() const noexcept { return has_ != store_locks::outcome::refused; }

private:
    const functions& f_;
    X509_STORE* const store_;
    const store_locks::outcome has_;
};

// Copies of a store's objects, each with a reference.
struct object_copies {
    const functions& f;
    OPENSSL_STACK* const all;
    ~object_copies() noexcept(false) {
        f.OPENSSL_sk_pop_free(all, reinterpret_cast<OPENSSL_sk_freefunc>(f.X509_OBJECT_free));
    }
};

// Whether a store's hash table contains shared objects. Objects can only be replaced in the list, and reading
// the list permanently converts the table. So this first examines copies, each with a reference.
[[nodiscard]] bool table_holds_shared(const functions& f, certificate_cache& cache, X509_STORE* store,
                                      bool crls) {
    const object_copies objects{f, untyped(f.X509_STORE_get1_objects(store))};
    exchanges shared(f, store);
    shared.collect(cache, objects.all, crls);
    return objects.all == nullptr || !shared.empty(); // null: no memory
}

// Whether this object is in the store. Without memory: of a store of 4.0, no.
[[nodiscard]] bool holds(const functions& f, X509_STORE* store, const X509* x) {
    const errors_as_before unsaid(f);
    const bool copies = f.version().stores_are_tables() && f.X509_STORE_get1_objects != nullptr;
    const object_copies copied{f, copies ? untyped(f.X509_STORE_get1_objects(store)) : nullptr};
    const locked_store lock(f, store);
    const OPENSSL_STACK* const objects = copies ? copied.all : objects_of(f, store);
    if (!lock.is_locked() || objects == nullptr) {
        return false;
    }
    const int count = f.OPENSSL_sk_num(objects);
    for (int i = 0; i < count; ++i) {
        if (f.X509_OBJECT_get0_X509(static_cast<const X509_OBJECT*>(f.OPENSSL_sk_value(objects, i))) == x) {
            return true;
        }
    }
    return false;
}

// Remembers stores without shared objects, by their contents at that time: a program may read a store's list
// once for each object in a loop, and examining all objects each time would be quadratic. A lost note costs
// one more examination.
class private_stores {
public:
    // `objects`: the store's list.
    [[nodiscard]] static std::uint64_t state_of(const functions& f, const X509_STORE* store,
                                                const OPENSSL_STACK* objects) {
        const int count = f.OPENSSL_sk_num(objects);
        std::uint64_t state = 1469598103934665603U; // FNV-1a, by words
        const auto mix = [&state](std::uint64_t word) { state = (state ^ word) * 1099511628211U; };
        mix(reinterpret_cast<std::uintptr_t>(store));
        mix(reinterpret_cast<std::uintptr_t>(objects));
        mix(static_cast<std::uint64_t>(count));
        for (const int i : {0, count / 2, count - 1}) {
            mix(count > 0 ? reinterpret_cast<std::uintptr_t>(f.OPENSSL_sk_value(objects, i)) : 0);
        }
        return state;
    }
    [[nodiscard]] bool has(const X509_STORE* store, std::uint64_t state) noexcept {
        return place_of(store).load(std::memory_order_relaxed) == state;
    }
    void note(const X509_STORE* store, std::uint64_t state) noexcept {
        place_of(store).store(state, std::memory_order_relaxed);
    }

private:
    [[nodiscard]] std::atomic<std::uint64_t>& place_of(const X509_STORE* store) noexcept {
        return states_[reinterpret_cast<std::uintptr_t>(store) / 64 % states_.size()];
    }

    std::array<std::atomic<std::uint64_t>, 64> states_{};
};

constinit private_stores seen;

} // namespace

void make_private(libcrypto& of, X509_STORE* store, store_use use) {
    trust_store_cache* const stores = store != nullptr ? of.trust_stores_ever() : nullptr;
    if (stores == nullptr || unwaited_mutex::cannot_wait()) {
        return;
    }
    const bool filled = stores->has_filled(store);
    if (!filled && use == store_use::verifies) {
        return;
    }
    const functions& f = of.f;
    const errors_as_before unsaid(f);
    exchanges all(f, store); // goes after the locks
    try {
        if (f.version().stores_are_tables() && f.X509_STORE_get1_objects != nullptr) {
            if (const lock_for_use now(f, store, use); !now.is_locked()) {
                return; // OpenSSL takes the lock for copies
            }
            if (!table_holds_shared(f, *of.certificates_ever(), store, filled)) {
                stores->let_go(store);
                return;
            }
        }
        // First without its lock, which stock does not take for a list, either.
        if (!filled && seen.has(store, private_stores::state_of(f, store, objects_of(f, store)))) {
            return;
        }
        const lock_for_use lock(f, store, use);
        if (!lock.is_locked()) {
            return;
        }
        const OPENSSL_STACK* const objects = objects_of(f, store);
        const std::uint64_t state = private_stores::state_of(f, store, objects);
        all.collect(*of.certificates_ever(), objects, filled);
        if (all.empty()) {
            seen.note(store, state);
        }
    } catch (const std::bad_alloc&) {
        return; // tried again at the next call
    }
    if (all.has_certificates()) {
        of.set_has_writer(); // pairs are made once
    }
    if (all.duplicate(*of.certificates_ever())) {
        if (!all.empty()) {
            const lock_for_use lock(f, store, use);
            if (!lock.is_locked()) {
                return;
            }
            all.put_into(objects_of(f, store));
        }
        stores->let_go(store);
    }
}

int add_to_store(libcrypto& of, X509_STORE* store, X509* x) {
    certificate_cache* const cache = of.certificates_ever();
    if (store == nullptr || x == nullptr || cache == nullptr || cache->origin(x) == nullptr) {
        return of.f.X509_STORE_add_cert(store, x);
    }
    cache->keep_held(x);
    // Stores tell of their end once ibid has loaded any. Where an equal certificate is in the store already,
    // OpenSSL adds nothing; and `x` itself may be in the list, as one that others have, too.
    const owner_id who = duplicates::owner_of(store);
    const bool may_be_added = of.trust_stores_ever() != nullptr && !unwaited_mutex::cannot_wait() &&
                              duplicates::find(x, who) == nullptr && !holds(of.f, store, x);
    const int added = of.f.X509_STORE_add_cert(store, x);
    if (!may_be_added || !holds(of.f, store, x)) {
        return added;
    }
    constexpr std::size_t most_pairs = 1024; // a program that goes on so is shared with no more
    if (duplicates::pairs() >= most_pairs) {
        of.set_has_writer();
    }
    of.f.X509_up_ref(x);
    of.f.X509_up_ref(x);
    if (duplicates::insert(x, who, x) != x) {
        of.f.X509_free(x);
        of.f.X509_free(x);
    }
    return added;
}

} // namespace ibid::openssl::interpose
