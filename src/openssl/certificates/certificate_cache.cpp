// SPDX-License-Identifier: Apache-2.0
#include "certificate_cache.h"

#include <memory>
#include <new>
#include <utility>

#include "der.h"
#include "openssl/binding/error_queue.h"
#include "openssl/binding/ex_data.h"
#include "openssl/binding/probes.h"
#include "statistics/shared_statistics.h"

namespace ibid::openssl {

namespace {

constinit const std::atomic<bool> never{false};

} // namespace

certificate_cache::certificate_cache(const functions& f, cache_counters counters,
                                     const std::atomic<bool>* sees_exposures,
                                     const std::atomic<bool>* watches)
    : sees_exposures_(sees_exposures != nullptr ? *sees_exposures : never),
      watches_(watches != nullptr ? *watches : never), f_(f), counters_(counters.certificates),
      home_(certificate_home::make(f, counters_).release()),
      index_(f.CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_X509, 0, this, nullptr, &not_copied, &on_free)),
      memo_(f, counters.signatures), anchor_(anchor_of(home_)) {}

ibid::retention certificate_cache::budget() const noexcept {
    return {retained_bytes_.load(), retained_entries_.load()};
}

// In a forked child. Several threads may call this at once; the first table stays. If another thread changes
// the budget or stops the cache at the same time, it either sees the new table, or this thread sees its
// change.
certificate_home* certificate_cache::make_home() {
    std::unique_ptr<certificate_home> made;
    try {
        made = certificate_home::make(f_, counters_);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
    if (has_forgotten_.exchange(false, std::memory_order_relaxed) && counters_ != nullptr) {
        shared_statistics::count_from_here(*counters_);
    }
    made->table->retain(budget());
    certificate_home* home = nullptr;
    if (!home_.compare_exchange_strong(home, made.get())) {
        made->table->close();
        return home;
    }
    home = made.release();
    if (home->table->budget() != budget()) {
        home->table->retain(budget());
    }
    if (stopped_.load()) {
        home->table->stop();
        return nullptr;
    }
    return home;
}

// OpenSSL keeps ex_data callbacks in a library context, and when an object is freed it uses the thread's
// default context. A thread with another default would free a certificate without a callback to this cache:
// see libcrypto::disable(). With null, this OpenSSL function changes nothing and returns the current default.
bool certificate_cache::in_default_context() const {
    return f_.OSSL_LIB_CTX_set0_default(nullptr) == f_.OSSL_LIB_CTX_get0_global_default();
}

certificate_entry* certificate_cache::entry_of(const X509* x) const {
    return x != nullptr && usable() && has_shared_.load(std::memory_order_relaxed)
               ? static_cast<certificate_entry*>(f_.X509_get_ex_data(x, index_))
               : nullptr;
}

// Runs inside the X509_free that drops the last reference, on any thread. Calls no OpenSSL function, and does
// not read the table of a process before the fork.
void certificate_cache::on_free(void* parent, void* entry, CRYPTO_EX_DATA*, int, long, void* cache) noexcept {
    auto* const self = static_cast<certificate_cache*>(cache);
    // No parent: a program's own call of CRYPTO_free_ex_data.
    if (parent != nullptr && entry != nullptr && self->has_shared_.load(std::memory_order_relaxed)) {
        auto* const e = static_cast<certificate_entry*>(entry);
        if (e->linked && self->is_in_table(*e)) {
            IBID_PROBE(evict, e->x509, e->der_size);
            e->home->table->forget(*e);
        }
        delete e;
        shared_statistics::publish_all(); // the program may be killed before it counts again
    }
}

// The result of a lookup.
struct certificate_cache::found {
    X509* x509 = nullptr;     // with a reference for the caller
    bool place_taken = false; // by an entry that the caller may not have
};

// For an acquired entry. If it is not the same certificate, the reference is dropped.
likeness certificate_cache::compare(certificate_entry& e, const certificate_key& key, bool is_protected) {
    struct reference { // dropped also if foreign code ends the thread
        const functions& f;
        X509* x;
        ~reference() noexcept(false) { f.X509_free(x); }
    } held{f_, e.x509};
    const bool weighed = e.weight.load(std::memory_order_relaxed) != 0;
    const likeness how = e.compare(f_, key, sees_exposures_.load(std::memory_order_acquire));
    if (how != likeness::same) {
        if (how == likeness::altered) {
            detach(e);
        }
        return how;
    }
    held.x = nullptr; // the caller's
    if (is_protected) {
        e.home->table->protect(e);
    }
    if (!weighed) {
        e.home->table->touch(e);
    }
    if (e.hand_outs_left.load(std::memory_order_relaxed) == 0) {
        forget(e);
    }
    return how;
}

certificate_cache::found certificate_cache::find(certificate_home& in, const certificate_key& key,
                                                 bool is_protected) {
    certificate_entry* const e = in.table->find(key.hash, key);
    if (e == nullptr) {
        return {};
    }
    switch (compare(*e, key, is_protected)) {
    case likeness::same:
        return {e->x509, false};
    case likeness::altered:
        return {};
    case likeness::other:
        break;
    }
    return {nullptr, true};
}

bool certificate_cache::may_have(const unsigned char* der, long length, parse_context context) const {
    const certificate_home* const in = reached();
    const std::size_t extent = length > 0 ? sequence_extent(der, static_cast<std::size_t>(length)) : 0;
    return in != nullptr && extent != 0 && in->table->may_have(certificate_key({der, extent}, context).hash);
}

X509* certificate_cache::parse(X509** a, const unsigned char** pp, long length, parse_context context,
                               bool is_protected, bool looks_first) {
    const std::size_t extent = length > 0 ? sequence_extent(*pp, static_cast<std::size_t>(length)) : 0;
    certificate_home* const in =
        extent != 0 && extent <= certificate_entry::largest && in_default_context() ? home() : nullptr;
    if (in == nullptr) {
        return f_.d2i_X509(a, pp, length);
    }
    const certificate_key key({*pp, extent}, context);
    const found there = looks_first ? find(*in, key, is_protected) : found{};
    if (there.x509 != nullptr) {
        IBID_PROBE(hit, there.x509, extent);
        X509* const empty = a != nullptr ? std::exchange(*a, there.x509) : nullptr;
        *pp += extent;
        if (empty != nullptr) {
            f_.X509_free(empty);
        }
        return there.x509;
    }
    if (there.place_taken) {
        return f_.d2i_X509(a, pp, length);
    }
    const unsigned char* const start = *pp;
    X509* const x = f_.d2i_X509(a, pp, length);
    if (x == nullptr || static_cast<std::size_t>(*pp - start) != extent) {
        IBID_PROBE(miss, x, extent);
        in->table->count_miss(key.hash);
        return x;
    }
    X509* const shared = looks_first ? enter(x, key, is_protected) : find_or_enter(x, key, is_protected);
    if (shared == nullptr || shared == x) {
        return x;
    }
    if (a != nullptr) {
        *a = shared;
    }
    if (!looks_first) {
        // OpenSSL has already computed the first-use data of the shared certificate. Without this, its
        // verification would take less time than that of an unknown one. The shared certificate is valid, so
        // this leaves no error.
        (void)f_.X509_get_extension_flags(x);
    }
    f_.X509_free(x);
    return shared;
}

// For a certificate that was parsed before the cache looked for it. If it is known, it needs no entry, whose
// memory a forked child would copy.
X509* certificate_cache::find_or_enter(X509* x, const certificate_key& key, bool is_protected) {
    certificate_home* const in = home(); // read now, because foreign code in the parse may have forked
    const found there = in != nullptr ? find(*in, key, is_protected) : found{};
    if (there.x509 != nullptr) {
        IBID_PROBE(hit, there.x509, key.der.size());
    }
    return there.x509 != nullptr || there.place_taken ? there.x509 : enter(x, key, is_protected);
}

// Makes `x`, which only the caller has, the shared certificate of its key; or returns the certificate that
// another thread has entered meanwhile, with a reference for the caller. Null: `x` cannot be shared. If this
// call ends early, `x` has no entry, or one that ends with `x`.
X509* certificate_cache::enter(X509* x, const certificate_key& key, bool is_protected) {
    certificate_home* const in = home(); // read now, because foreign code in the parse may have forked
    if (in == nullptr) {
        return nullptr;
    }
    certificate_entry* e = nullptr;
    {
        const errors_as_before unsaid(f_);
        const bool may_be_shared = usable() && has_plain_key(f_, x) && has_known_signature(f_, x);
        e = may_be_shared ? attach(*in, x, key, is_protected) : nullptr;
    }
    if (e == nullptr) {
        IBID_PROBE(miss, x, key.der.size());
        in->table->count_miss(key.hash);
        return nullptr;
    }
    for (;;) {
        certificate_entry* twin = nullptr;
        e->linked = true; // before other threads can find it
        try {
            twin = in->table->insert_or_acquire(*e, key.hash, key);
        } catch (const std::bad_alloc&) {
            withdraw(e);
            return nullptr;
        }
        if (twin == nullptr) {
            IBID_PROBE(miss, x, key.der.size());
            return x;
        }
        IBID_PROBE(hit, twin->x509, key.der.size());
        e->linked = false;
        const likeness how = compare(*twin, key, is_protected);
        if (how != likeness::altered) {
            withdraw(e);
            return how == likeness::same ? twin->x509 : nullptr;
        }
    }
}

// Makes an entry for `x` that is in no table yet, and ends with `x`. Null: no memory.
certificate_entry* certificate_cache::attach(certificate_home& in, X509* x, const certificate_key& key,
                                             bool is_protected) {
    certificate_entry* const e = certificate_entry::make(
        in, x, key, hand_outs_.load(std::memory_order_relaxed), watches_.load(std::memory_order_acquire));
    if (e == nullptr) {
        return nullptr;
    }
    if (!has_shared_.load(std::memory_order_relaxed)) {
        has_shared_.store(true, std::memory_order_relaxed);
    }
    if (f_.X509_set_ex_data(x, index_, e) != 1) {
        delete e;
        return nullptr;
    }
    if (e->watched) {
        // Room for the program's data, so that nothing moves when it is attached: another thread may be
        // looking for the entry.
        (void)f_.X509_set_ex_data(x, highest_index, f_.X509_get_ex_data(x, highest_index));
    }
    if (is_protected || looks_like_issuer(key.der)) {
        memo_.name(f_.X509_get0_pubkey(x)); // while only the caller has the certificate
    }
    if (is_protected) {
        e->set(detail::entry_word::in_protected);
    }
    return e;
}

// Detaches an entry that was never in the table from its certificate.
void certificate_cache::withdraw(certificate_entry* e) {
    e->linked = false;
    e->changed.store(true, std::memory_order_relaxed);
    if (f_.X509_set_ex_data(e->x509, index_, nullptr) == 1) {
        delete e;
    }
}

X509* certificate_cache::share(X509* x) {
    const errors_as_before unsaid(f_);
    unsigned char* der = nullptr;
    const int size = shares(x) || has_trust_settings(f_, x) ? 0 : f_.i2d_X509(x, &der);
    if (size <= 0) {
        return nullptr;
    }
    X509* shared = nullptr;
    // OpenSSL encodes a part that a program has changed through a pointer as it was parsed.
    const std::unique_ptr<certificate_image> image =
        certificate_image::make({der, static_cast<std::size_t>(size)});
    if (image != nullptr && image->is_of(f_, x)) {
        const unsigned char* p = der;
        shared = parse(nullptr, &p, size, {}, false);
    }
    f_.CRYPTO_free(der, __FILE__, __LINE__);
    if (shared != nullptr && !shares(shared)) {
        f_.X509_free(shared);
        shared = nullptr;
    }
    return shared;
}

X509* certificate_cache::adopt(X509* x, bool is_protected) {
    if (entry_of(x) != nullptr || has_trust_settings(f_, x) || !in_default_context()) {
        return nullptr;
    }
    const errors_as_before unsaid(f_);
    unsigned char* der = nullptr;
    const int size = f_.i2d_X509(x, &der);
    if (size <= 0) {
        return nullptr;
    }
    X509* const shared = enter(x, certificate_key({der, static_cast<std::size_t>(size)}, {}), is_protected);
    f_.CRYPTO_free(der, __FILE__, __LINE__);
    if (shared == x) {
        f_.X509_up_ref(x);
    }
    return shared;
}

bool certificate_cache::shares(const X509* x) const {
    const certificate_entry* const e = entry_of(x);
    return e != nullptr && !e->changed.load(std::memory_order_relaxed);
}

bool certificate_cache::is_as_parsed(const X509* x) {
    certificate_entry* const e = entry_of(x);
    if (e == nullptr) {
        return false;
    }
    const bool changed = e->changed.load(std::memory_order_acquire);
    if (!changed && e->is_as_parsed(f_, sees_exposures_.load(std::memory_order_acquire))) {
        return true;
    }
    if (!changed) {
        detach(*e);
    }
    return false;
}

int certificate_cache::verify(X509* x, EVP_PKEY* key) {
    certificate_entry* const e = entry_of(x);
    // A signature is checked with the algorithms of the certificate's context; null means this thread's
    // default context.
    if (e == nullptr || e->changed.load(std::memory_order_relaxed) || !in_default_context()) {
        return f_.X509_verify(x, key);
    }
    return memo_.verify(e->verified, x, key);
}

std::uint64_t certificate_cache::link(const X509* x, const EVP_PKEY* key) const {
    return shares(x) && in_default_context() ? memo_.token(key) : 0;
}

bool certificate_cache::has_verified(const X509* x, std::uint64_t link) const {
    const certificate_entry* const e = entry_of(x);
    return e != nullptr && link != 0 && signature_memo::knows(e->verified, link);
}

void certificate_cache::set_verified(const X509* x, std::uint64_t link) {
    if (certificate_entry* const e = entry_of(x); e != nullptr && link != 0) {
        signature_memo::remember(e->verified, link);
    }
}

const parse_context* certificate_cache::origin(const X509* x) const {
    const certificate_entry* const e = entry_of(x);
    return e != nullptr ? e->context : nullptr;
}

bool certificate_cache::take(const X509* x, owner_id who) {
    certificate_entry* const e = entry_of(x);
    return e->holder() != nullptr && e->holder()->take(who);
}

bool certificate_cache::keep(const X509* x, owner_id who) {
    certificate_entry* const e = entry_of(x);
    const bool kept = e->holder() != nullptr && e->holder()->keep(who);
    // Without the table's lock: the next lookup takes it out.
    e->changed.store(true, std::memory_order_release);
    return kept;
}

bool certificate_cache::is_of(const X509* x, owner_id who) const {
    certificate_entry* const e = entry_of(x);
    return e->holder() != nullptr && e->holder()->is_of(who);
}

void certificate_cache::add(const X509* x) {
    if (certificate_entry* const e = entry_of(x); e != nullptr && e->watched) {
        e->holder()->add();
    }
}

void certificate_cache::drop(const X509* x) {
    if (certificate_entry* const e = entry_of(x); e != nullptr && e->watched) {
        e->holder()->drop();
    }
}

void certificate_cache::keep_attached(const X509* x) {
    if (certificate_entry* const e = entry_of(x)) {
        if (e->watched) {
            e->holder()->keep(); // first: from here on nobody else gets it
        }
        detach(*e);
    }
}

void certificate_cache::keep_held(const X509* x) {
    if (certificate_entry* const e = entry_of(x); e != nullptr && e->watched) {
        e->holder()->keep_if_known();
        e->changed.store(true, std::memory_order_release); // as in keep()
    }
}

X509* certificate_cache::duplicate(X509* x) const {
    const certificate_entry* const e = entry_of(x);
    const certificate_image* const bytes = e->image.load(std::memory_order_acquire);
    X509* own = nullptr;
    if (bytes == nullptr) {
        own = f_.X509_dup(x);
    } else {
        auto* fresh = reinterpret_cast<ASN1_VALUE*>(
            f_.X509_new_ex(const_cast<OSSL_LIB_CTX*>(e->context->given), e->context->property_query));
        const unsigned char* p = bytes->der().data();
        own = fresh != nullptr ? reinterpret_cast<X509*>(f_.ASN1_item_d2i(
                                     &fresh, &p, static_cast<long>(bytes->der().size()), f_.X509_it()))
                               : nullptr;
    }
    // If memory runs out while OpenSSL decodes the key, it leaves the key out, and succeeds.
    if (own != nullptr && f_.X509_get0_pubkey(own) == nullptr && f_.X509_get0_pubkey(x) != nullptr) {
        f_.X509_free(own);
        own = nullptr;
    }
    return own;
}

bool certificate_cache::detach(const X509* x) {
    certificate_entry* const e = entry_of(x);
    return e != nullptr && detach(*e);
}

bool certificate_cache::detach(certificate_entry& e) {
    const bool changed = e.changed.exchange(true, std::memory_order_acq_rel); // before the first write
    if (!is_in_table(e)) {
        return !changed;
    }
    if (!e.home->table->detach(e)) {
        return false;
    }
    IBID_PROBE(detach, e.x509, e.der_size);
    // The caller of the setter holds it, so this is never the last reference.
    e.home->table->drop_retained_if([&e](const certificate_entry& kept) { return &kept == &e; });
    return true;
}

// It was handed out the maximum number of times. The caller holds it.
void certificate_cache::forget(certificate_entry& e) {
    (void)e.home->table->detach(e);
    e.home->table->drop_retained_if([&e](const certificate_entry& kept) { return &kept == &e; });
}

void certificate_cache::protect(X509* x) {
    if (certificate_entry* const e = entry_of(x); e != nullptr && is_in_table(*e)) {
        if (!e->has(detail::entry_word::in_protected)) {
            e->weigh(f_);
        }
        e->home->table->protect(*e);
    }
}

void certificate_cache::expose(const X509* x, exposure part) {
    certificate_entry* const e = entry_of(x);
    if (e == nullptr || (e->exposed.load(std::memory_order_relaxed) & part) != 0) {
        return;
    }
    e->exposed.fetch_or(part, std::memory_order_release);
    if (part == rest_is_exposed) {
        detach(*e);
    }
}

void certificate_cache::expose_all() {
    if (certificate_home* const in = reached()) {
        in->table->detach_if([](certificate_entry& e) {
            e.exposed.fetch_or(parts_are_exposed | signature_is_exposed | key_is_exposed,
                               std::memory_order_release);
            return false;
        });
    }
}

void certificate_cache::stop() {
    stop_finding();
    retain({});
}

void certificate_cache::stop_finding() noexcept {
    stopped_.store(true);
    if (certificate_home* const in = reached()) {
        in->table->stop();
    }
}

void certificate_cache::retain(retention budget) {
    retained_bytes_.store(budget.bytes);
    retained_entries_.store(budget.entries);
    if (certificate_home* const in = reached()) {
        in->table->retain(budget);
    }
}

void certificate_cache::trim() {
    if (certificate_home* const in = reached()) {
        in->table->drop_retained();
    }
}

ibid::statistics certificate_cache::statistics() const noexcept {
    const certificate_home* const in = reached();
    return in != nullptr ? in->table->count() : counters_ != nullptr ? sum(*counters_) : ibid::statistics();
}

void certificate_cache::forget_all_parsed() {
    memo_.forget_all();
    if (certificate_home* const in = reached()) {
        const auto all = [](certificate_entry& e) {
            e.changed.store(true, std::memory_order_release);
            return true;
        };
        in->table->detach_if(all);
        in->table->drop_retained_if([](const certificate_entry&) { return true; });
    }
}

void certificate_cache::forget_context(const OSSL_LIB_CTX* context) {
    if (certificate_home* const in = reached()) {
        const auto of_context = [context](const certificate_entry& e) { return e.context->given == context; };
        in->table->detach_if(of_context);
        in->table->drop_retained_if(of_context);
    }
}

} // namespace ibid::openssl
