// SPDX-License-Identifier: Apache-2.0
#include "private_store.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "openssl/binding/error_queue.h"
#include "openssl/binding/locked_store.h"
#include "openssl/binding/one_thread.h"
#include "openssl/binding/store_locks.h"
#include "openssl/binding/unwaited_mutex.h"
#include "openssl/certificates/duplicates.h"
#include "openssl/trust/replaced_objects.h"

namespace ibid::openssl::interpose {

namespace {

// A shared object that another owner has, with a reference, and the store's own one for its place.
struct exchange {
    X509* certificate = nullptr;
    X509_CRL* crl = nullptr;
    X509_OBJECT* own = nullptr;
    std::unique_ptr<replaced_object> place;
};

class exchanges {
public:
    exchanges(libcrypto& of, const X509_STORE* store) noexcept
        : of_(of), f_(of.f), store_(store), who_(duplicates::owner_of(store)) {}
    exchanges(const exchanges&) = delete;
    exchanges& operator=(const exchanges&) = delete;
    ~exchanges() noexcept(false) {
        for (const exchange& e : all_) {
            f_.X509_free(e.certificate);
            f_.X509_CRL_free(e.crl);
            f_.X509_OBJECT_free(e.own);
        }
    }

    // Under the store's lock: which objects others have. CRLs have no mark: all are shared, where a file of
    // ibid's was loaded.
    void collect(const OPENSSL_STACK* objects, bool crls) {
        const int count = f_.OPENSSL_sk_num(objects);
        for (int i = 0; i < count; ++i) {
            const auto* const o = static_cast<const X509_OBJECT*>(f_.OPENSSL_sk_value(objects, i));
            exchange e;
            e.certificate = f_.X509_OBJECT_get0_X509(o);
            e.crl = crls ? f_.X509_OBJECT_get0_X509_CRL(o) : nullptr;
            if (e.certificate != nullptr && is_its_own(e.certificate)) {
                e.certificate = nullptr;
            }
            if (e.certificate != nullptr || e.crl != nullptr) {
                const exchange& added = all_.emplace_back(std::move(e));
                if (added.certificate != nullptr) {
                    f_.X509_up_ref(added.certificate);
                } else {
                    f_.X509_CRL_up_ref(added.crl);
                }
            }
        }
    }

    // Without the lock: the certificates' duplicates, for getters. False: no memory.
    [[nodiscard]] bool duplicate() const {
        return std::all_of(all_.begin(), all_.end(), [&](const exchange& e) {
            return e.certificate == nullptr || duplicate_in_store(of_, who_, e.certificate) != nullptr;
        });
    }
    // Without the lock: objects for the store itself. Throws bad_alloc. False: no memory.
    [[nodiscard]] bool make_objects() {
        return std::all_of(all_.begin(), all_.end(), [&](exchange& e) {
            e.place = std::make_unique<replaced_object>();
            e.own = f_.X509_OBJECT_new();
            if (e.own == nullptr) {
                return false;
            }
            if (e.certificate != nullptr) {
                X509* const own = duplicate_in_store(of_, who_, e.certificate);
                return own != nullptr && f_.X509_OBJECT_set1_X509(e.own, own) == 1;
            }
            X509_CRL* const own = f_.X509_CRL_dup(e.crl);
            const bool done = own != nullptr && f_.X509_OBJECT_set1_X509_CRL(e.own, own) == 1;
            f_.X509_CRL_free(own);
            return done;
        });
    }
    [[nodiscard]] bool has_certificates() const noexcept {
        return std::any_of(all_.begin(), all_.end(),
                           [](const exchange& e) { return e.certificate != nullptr; });
    }

    // Under the lock again; the program may have changed the list meanwhile.
    void put_into(OPENSSL_STACK* objects) {
        const int count = f_.OPENSSL_sk_num(objects);
        for (int i = 0; i < count; ++i) {
            auto* const o = static_cast<X509_OBJECT*>(f_.OPENSSL_sk_value(objects, i));
            const X509* const certificate = f_.X509_OBJECT_get0_X509(o);
            const X509_CRL* const crl = f_.X509_OBJECT_get0_X509_CRL(o);
            for (exchange& e : all_) {
                if (e.own != nullptr && e.certificate == certificate && e.crl == crl) {
                    (void)f_.OPENSSL_sk_set(objects, i, std::exchange(e.own, nullptr));
                    replaced_objects::keep(std::move(e.place), store_, o);
                    break;
                }
            }
        }
    }

    [[nodiscard]] bool empty() const noexcept { return all_.empty(); }

private:
    [[nodiscard]] bool is_its_own(const X509* x) const {
        certificate_cache& cache = *of_.certificates_ever();
        const X509* const own = duplicates::find(x, who_);
        return own == x || (own == nullptr && (cache.origin(x) == nullptr || cache.keep(x, who_)));
    }

    libcrypto& of_;
    const functions& f_;
    const X509_STORE* const store_;
    const owner_id who_;
    std::vector<exchange> all_;
};

[[nodiscard]] OPENSSL_STACK* objects_of(const functions& f, X509_STORE* store) {
    return reinterpret_cast<OPENSSL_STACK*>(f.X509_STORE_get0_objects(store));
}

[[nodiscard]] OPENSSL_STACK* untyped(STACK_OF(X509_OBJECT) * objects) noexcept {
    return reinterpret_cast<OPENSSL_STACK*>(objects);
}

// A store's lock for a use of it. Where OpenSSL takes none, it is not waited for.
class lock_for_use {
public:
    lock_for_use(const functions& f, X509_STORE* store, store_use use)
        : f_(f), store_(store), has_(use == store_use::finds_locked
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
[[nodiscard]] bool table_holds_shared(libcrypto& of, X509_STORE* store, bool crls) {
    const object_copies objects{of.f, untyped(of.f.X509_STORE_get1_objects(store))};
    exchanges shared(of, store);
    shared.collect(objects.all, crls);
    return objects.all == nullptr || !shared.empty(); // null: no memory
}

// The store keeps what is shared. Only duplicates are made, so that getters can give them.
void give_duplicates(libcrypto& of, X509_STORE* store) {
    const functions& f = of.f;
    const object_copies copies{f, untyped(f.X509_STORE_get1_objects(store))};
    exchanges all(of, store);
    all.collect(copies.all, false);
    if (!all.empty()) {
        of.set_has_writer(); // pairs are made once
    }
    (void)all.duplicate(); // without memory: tried again at the next call
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
    exchanges all(of, store); // goes after the locks
    try {
        if (f.version().stores_are_tables() && f.X509_STORE_get1_objects != nullptr) {
            if (const lock_for_use now(f, store, use); !now.is_locked()) {
                return; // OpenSSL takes the lock for copies
            }
            if (use != store_use::lists && !has_one_thread()) {
                give_duplicates(of, store);
                return;
            }
            if (!table_holds_shared(of, store, filled)) {
                stores->let_go(store);
                return;
            }
        }
        // First without its lock, which stock does not take for a list, either.
        if (!filled && seen.has(store, private_stores::state_of(f, store, objects_of(f, store)))) {
            return;
        }
        {
            const lock_for_use lock(f, store, use);
            if (!lock.is_locked()) {
                return;
            }
            const OPENSSL_STACK* const objects = objects_of(f, store);
            const std::uint64_t state = private_stores::state_of(f, store, objects);
            all.collect(objects, filled);
            if (all.empty()) {
                seen.note(store, state);
            }
        }
        if (all.has_certificates()) {
            of.set_has_writer(); // pairs are made once
        }
        if (!all.make_objects()) {
            return;
        }
    } catch (const std::bad_alloc&) {
        return; // tried again at the next call
    }
    if (!all.empty()) {
        const lock_for_use lock(f, store, use);
        if (!lock.is_locked()) {
            return;
        }
        all.put_into(objects_of(f, store));
    }
    stores->let_go(store);
}

X509* duplicate_in_store(libcrypto& of, owner_id store, X509* x) {
    if (X509* const own = duplicates::find(x, store)) {
        return own;
    }
    const errors_as_before unsaid(of.f);
    X509* const made = of.certificates_ever()->duplicate(x);
    X509* const own = made != nullptr ? duplicates::insert(x, store, made) : nullptr;
    if (own != nullptr && own == made) {
        of.f.X509_up_ref(x);
    } else {
        of.f.X509_free(made);
    }
    return own;
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
