// SPDX-License-Identifier: Apache-2.0
//
// One parsed copy of each certificate, held by the X509's own reference count.
//
// Laws:
//  - What a caller gets is d2i_X509's documented result, on a hit as on a miss: the same object or a failure,
//    `*pp` advanced alike, the error queue untouched by ibid. Source: manual page d2i_X509(3).
//  - Inside OpenSSL nobody waits for another thread's parse: foreign code runs in it (ex_data callbacks,
//    providers, engines, allocators), perhaps under locks that a waiter holds. A second comer parses for
//    himself, and takes the one that landed first. So there is one live copy, though not one parse, of each
//    key. No lock is held while OpenSSL's code runs, but for X509_up_ref, which is one atomic addition.
//  - The table holds no reference. An X509 whose last reference goes tells the table by its ex_data free
//    callback; until that callback has returned, the struct's memory is valid (crypto/x509/x_x509.c frees the
//    ex_data, then the struct), so that trying X509_up_ref under the lock that the callback takes as well is
//    sound.
//  - A certificate is known by all of its bytes, the library context, and the property query it was parsed
//    with.
//  - What somebody changes, by a setter or through a pointer, is never handed out again: each hit compares
//    the parts that a program can reach with the bytes (certificate_image.h).
//  - Nobody gets what is not at rest: in a child that was forked among other threads, nothing that was there
//    before is handed out, or touched.
//  - No call here that reaches OpenSSL is noexcept. A thread that ends inside OpenSSL (pthread_cancel,
//    pthread_exit in a callback) unwinds through here, and leaves no lock taken and no entry half in the
//    table; at most it loses a reference.
#pragma once

#include <openssl/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "certificate_entry.h"
#include "eligibility.h"
#include "ibid/detail/table/interner.h"
#include "ibid/retention.h"
#include "ibid/statistics.h"
#include "openssl/binding/functions.h"
#include "signature_memo.h"

namespace ibid::openssl {

// What the table needs to know of its entries.
struct certificate_traits {
    using entry = certificate_entry;
    using key = certificate_key;
    static bool may_match(const entry& e, const key& k) noexcept { return e.may_be(k); }
    // Under the lock of the table's shard: X509_up_ref takes none, and calls nothing.
    static bool try_acquire(entry& e) noexcept;
    static void acquire(entry& e) noexcept;
    static void release(entry& e); // may run foreign code
    static std::size_t weight(const entry& e) noexcept;
    static void weigh(entry& e, const key& k) noexcept { e.weigh(k.der); }
    static std::size_t saved(const entry& e) noexcept { return e.der_size; }
};

// A table, and what its entries need of the cache. One for each process in a line of forks that makes any;
// never freed once it is used.
struct certificate_home {
    using table_type = detail::interner<certificate_traits>;
    const functions& f;
    table_type* table;
};

// Where to count; null: privately.
struct cache_counters {
    counter_block* certificates = nullptr;
    counter_block* signatures = nullptr;
};

class certificate_cache {
public:
    // `functions` and `counters` outlive the cache; the cache is never destroyed (ex_data callbacks may still
    // come while the process ends, after static destructors). Throws bad_alloc.
    // `sees_exposures`: whether each pointer into a certificate that a program gets is told to expose();
    // outlives the cache, and is never set once it was reset. Null: it is not so.
    certificate_cache(const functions& f, cache_counters counters,
                      const std::atomic<bool>* sees_exposures = nullptr);
    certificate_cache(const certificate_cache&) = delete;
    certificate_cache& operator=(const certificate_cache&) = delete;

    // False when OpenSSL had no ex_data index to give, or only one that is too high: then no certificate can
    // be shared.
    [[nodiscard]] bool usable() const noexcept { return index_ >= 0 && index_ <= highest_index; }

    // Of those that are given out for certificates, ibid's or not. With two more, OpenSSL asks for memory at
    // the end of each certificate, and without it tells nobody of that end (crypto/ex_data.c, 3.0 to 3.6).
    // Two: who stands aside when one more is given out is in time.
    static constexpr int highest_index = 7;

    // How often one object is handed out; after that a new one begins. OpenSSL counts references in an int,
    // and each hand-out may become several (libssl takes up to three for a peer), which a program may lose.
    // That costs it memory in stock, and would wrap the count here.
    static constexpr std::uint32_t most_hand_outs = std::uint32_t{1} << 28;

    // As d2i_X509(a, pp, length), from the cache where it can be. `*a`, when it is there, is an empty object
    // that nobody but the caller has: it is replaced, not filled, on a hit. `earned`: came from the operator,
    // not from a peer.
    [[nodiscard]] X509* parse(X509** a, const unsigned char** pp, long length, parse_context context,
                              bool earned) {
        return parse(a, pp, length, context, earned, true);
    }
    // The same, and OpenSSL parses in any case: the object is shared, the time tells nothing about who came before.
    [[nodiscard]] X509* parse_in_full(X509** a, const unsigned char** pp, long length,
                                      parse_context context) {
        return parse(a, pp, length, context, false, false);
    }

    // Whether parse() of these bytes would look at an entry. Takes no lock and writes nothing: for a process that has one thread.
    [[nodiscard]] bool may_have(const unsigned char* der, long length, parse_context context) const;

    // The shared twin of a certificate that somebody else parsed, with a reference for the caller. Null: `x`
    // is shared already, or cannot be.
    [[nodiscard]] X509* share(X509* x);

    // The same for one that OpenSSL has parsed just now, in the default context, and that nobody else has: it
    // becomes the shared one itself if there is no twin. `earned` as in parse().
    [[nodiscard]] X509* adopt(X509* x, bool earned);

    // Where `x` was parsed, for as long as `x` lives; null when it is none of this cache's.
    [[nodiscard]] const parse_context* origin(const X509* x) const;

    // Somebody is about to change `x`, or has done so. Returns whether it was shared until now.
    bool detach(const X509* x);

    // A pointer into `x` is about to be given to a program.
    void expose(const X509* x) const;
    // Pointers into any of them may have been given out unseen.
    void expose_all();

    // See eligibility.h.
    [[nodiscard]] static bool has_sound_extensions(const functions& f, X509* x) {
        return openssl::has_sound_extensions(f, x);
    }

    // Whether `x` is shared, and as it was parsed as far as has been seen.
    [[nodiscard]] bool shares(const X509* x) const;

    // For who keeps shared certificates and hands them out by himself: as shares(), and looks whether it still
    // is its bytes, if somebody can reach them. If it is not, it is detached. 0.2 µs; some 2 µs the first time.
    [[nodiscard]] bool is_as_parsed(const X509* x);

    // As X509_verify(x, key): from the memo when `x` is shared and this very key has verified it before.
    [[nodiscard]] int verify(X509* x, EVP_PKEY* key);

    // The same in two steps, for a verification that OpenSSL does inside: what stands for `key` having
    // verified `x` (0: that cannot be remembered), whether it has, and that it now has. The first comes
    // before the verification.
    [[nodiscard]] std::uint64_t link(const X509* x, const EVP_PKEY* key) const;
    [[nodiscard]] bool has_verified(const X509* x, std::uint64_t link) const;
    void set_verified(const X509* x, std::uint64_t link);
    void count_verification(std::uint64_t link, bool remembered) noexcept { memo_.count(link, remembered); }

    // Whether a signature may be remembered as verified by `key`.
    [[nodiscard]] bool remembers(const EVP_PKEY* key) const { return memo_.names(key); }

    // A provider, an engine, a property, a configuration has changed: what verified may not verify again, and what is parsed from now
    // on may be another object than what was parsed before. Nothing from before is found again.
    void begin_anew();

    // `x` was part of a chain that verified: it has earned its place among what is retained.
    void earn(X509* x);

    // From now on nothing is found here and nothing is added; what is shared stays with its holders. For
    // good.
    void stop();
    // The same, and what is retained stays.
    void stop_finding() noexcept;

    // `context` is about to be freed: nothing that was parsed in it is found again, or kept.
    void forget_context(const OSSL_LIB_CTX* context);

    [[nodiscard]] const functions& f() const noexcept { return f_; }

    // Of the ex_data of certificates and of keys; negative: none.
    [[nodiscard]] int index() const noexcept { return index_; }
    [[nodiscard]] int index_of_keys() const noexcept { return memo_.index(); }

    void retain(retention budget);
    void trim();
    [[nodiscard]] ibid::statistics statistics() const noexcept;
    [[nodiscard]] ibid::statistics signatures() const noexcept { return memo_.statistics(); }

    // For tests: of certificates that are parsed from now on.
    void limit_hand_outs(std::uint32_t most) noexcept { hand_outs_ = most; }

    // In the child of a process that had several threads. Another of them may have been at work on any
    // certificate, under its lock or the table's; here these would be held for ever. So the table is left as
    // it is, with what it retains, and never looked at again: its locks need not be taken around fork().
    // Writes one cache line. A new table is made when a certificate is next parsed. Certificates that the
    // child inherited stay with their holders, and shared among these; nobody else gets them.
    void forget_all_in_child() noexcept {
        home_.store(nullptr, std::memory_order_release);
        has_forgotten_.store(true, std::memory_order_relaxed);
    }

private:
    struct found;

    // The table; null: there is none, and no memory for one, or nothing is to be found any more.
    [[nodiscard]] certificate_home* home() {
        certificate_home* const h = home_.load(std::memory_order_acquire);
        return stopped_.load(std::memory_order_relaxed) ? nullptr : h != nullptr ? h : make_home();
    }
    [[nodiscard]] certificate_home* make_home();
    [[nodiscard]] bool stands_in_table(const certificate_entry& e) const noexcept {
        return e.home == home_.load(std::memory_order_acquire);
    }
    [[nodiscard]] ibid::retention budget() const noexcept;

    [[nodiscard]] X509* parse(X509** a, const unsigned char** pp, long length, parse_context context,
                              bool earned, bool looks_first);
    [[nodiscard]] found find(certificate_home& in, const certificate_key& key, bool earned);
    [[nodiscard]] likeness compare(certificate_entry& e, const certificate_key& key, bool earned);
    [[nodiscard]] X509* enter(X509* x, const certificate_key& key, bool earned);
    [[nodiscard]] certificate_entry* attach(certificate_home& in, X509* x, const certificate_key& key,
                                            bool earned);
    void withdraw(certificate_entry* e);
    bool detach(certificate_entry& e);
    void forget(certificate_entry& e);
    [[nodiscard]] certificate_entry* entry_of(const X509* x) const;
    static void on_free(void* parent, void* entry, CRYPTO_EX_DATA*, int index, long, void* cache) noexcept;

    [[nodiscard]] bool in_default_context() const;

    const std::atomic<bool>& sees_exposures_; // acquire, pairs with the store that ends it
    const functions& f_;
    counter_block* const counters_;
    // Null: in a child that has made none yet. Release when complete, pairs with home() and
    // stands_in_table().
    std::atomic<certificate_home*> home_;
    // As set last, for a table to come. Sequentially consistent, with home_ and stopped_: see make_home().
    std::atomic<std::size_t> retained_bytes_{0};
    std::atomic<std::size_t> retained_entries_{0};
    std::atomic<bool> stopped_{false};
    std::atomic<bool> has_forgotten_{false}; // and its counters still count what was
    // Relaxed: whoever has a shared certificate has it from after this. Until then, what stands at ibid's
    // index is none of its own: a context that was made a thread's default meanwhile gives that index to the
    // program. There before OpenSSL knows `index_`.
    std::atomic<bool> has_shared_{false};
    std::atomic<std::uint32_t> hand_outs_{most_hand_outs};
    int index_;
    signature_memo memo_;
};

} // namespace ibid::openssl
