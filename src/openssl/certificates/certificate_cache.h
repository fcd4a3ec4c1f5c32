// SPDX-License-Identifier: Apache-2.0
//
// One parsed copy of each certificate, held by the X509's own reference count.
//
// Laws:
//  - What a caller gets is d2i_X509's documented result, on a hit as on a miss: the same object or a failure,
//    `*pp` advanced alike, the error queue untouched by ibid. Source: manual page d2i_X509(3).
//  - No thread waits for another thread's parse. Foreign code runs in a parse (ex_data callbacks, providers,
//    engines, allocators) and may need a lock that the waiter holds. So a second thread parses the same bytes
//    itself, and then takes the object that entered the table first: one live copy, perhaps two parses.
//  - No lock is held while OpenSSL's code runs. The one exception is X509_up_ref: one atomic addition.
//  - The table holds no reference. When the last reference goes, OpenSSL calls the ex_data free callback,
//    which takes the entry out of the table. OpenSSL frees the struct after that callback
//    (crypto/x509/x_x509.c). The callback and a lookup take the same lock, so a lookup may call X509_up_ref
//    under it.
//  - The key of a certificate is all of its bytes, the library context, and the property query it was parsed
//    with.
//  - A certificate that was changed, by a setter or through a pointer, is never handed out again. A hit
//    compares the parts that a program can reach with the bytes (certificate_image.h), if a program has a
//    pointer.
//  - A forked child of a process with several threads neither hands out nor touches the parent's objects,
//    because another thread may have been changing them.
//  - No function here that calls OpenSSL is noexcept. A thread may end inside OpenSSL (pthread_cancel,
//    pthread_exit in a callback). It then unwinds through these frames, which leave no lock taken and no
//    entry half in the table. At most one reference is lost.
#pragma once

#include <openssl/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "certificate_home.h"
#include "eligibility.h"
#include "ibid/retention.h"
#include "ibid/statistics.h"
#include "openssl/binding/functions.h"
#include "openssl/binding/stranded_child.h"
#include "signature_memo.h"
#include "statistics/layout.h"

namespace ibid::openssl {

// Where to count; null: private counters.
struct cache_counters {
    counter_block* certificates = nullptr;
    counter_block* signatures = nullptr;
};

class certificate_cache {
public:
    // `functions` and `counters` outlive the cache. The cache is never destroyed: ex_data callbacks may come
    // after static destructors. Throws bad_alloc.
    // `sees_exposures`: expose() hears of each pointer into a certificate that a program gets. It outlives
    // the cache, and stays false once it is false. `watches`: take() and the functions after it are called
    // for each certificate that a program gets. It outlives the cache, and stays true once it is true. Null
    // means false.
    certificate_cache(const functions& f, cache_counters counters,
                      const std::atomic<bool>* sees_exposures = nullptr,
                      const std::atomic<bool>* watches = nullptr);
    certificate_cache(const certificate_cache&) = delete;
    certificate_cache& operator=(const certificate_cache&) = delete;

    // False: OpenSSL had no ex_data index left, or only one that is too high. No certificate can be shared
    // then.
    [[nodiscard]] bool usable() const noexcept { return index_ >= 0 && index_ <= highest_index; }

    // The highest ex_data index of certificates, ibid's or not. From two above it, OpenSSL allocates memory
    // when a certificate ends, and skips the free callbacks if there is none (crypto/ex_data.c, 3.0 to 3.6).
    // The limit is one lower, so that ibid can be disabled in time when one more index is registered.
    static constexpr int highest_index = 7;

    // One object is handed out at most this often; then a new one replaces it. OpenSSL counts references in
    // an int. A program that leaks references (libssl takes up to three for a peer) loses memory in stock;
    // here the count would overflow.
    static constexpr std::uint32_t most_hand_outs = std::uint32_t{1} << 28;

    // As d2i_X509(a, pp, length), from the cache if possible. Requires: `*a`, if not null, is an empty object
    // that only the caller has; a hit replaces it. `is_protected`: the entry is protected at once, because
    // the bytes came from the operator and not from a peer.
    [[nodiscard]] X509* parse(X509** a, const unsigned char** pp, long length, parse_context context,
                              bool is_protected) {
        return parse(a, pp, length, context, is_protected, true);
    }
    // The same, but OpenSSL always parses: memory is shared, but the time does not reveal earlier peers.
    [[nodiscard]] X509* parse_in_full(X509** a, const unsigned char** pp, long length,
                                      parse_context context) {
        return parse(a, pp, length, context, false, false);
    }

    // Whether parse() of these bytes would look at an entry. Takes no lock and writes nothing.
    // Thread safety: only for a process that has one thread.
    [[nodiscard]] bool may_have(const unsigned char* der, long length, parse_context context) const;

    // The shared certificate with the same bytes as `x`, which other code has parsed; with a reference for
    // the caller. Null: `x` is already shared, or cannot be.
    [[nodiscard]] X509* share(X509* x);

    // The same for a certificate that OpenSSL has just parsed in the default context and that only the caller
    // has: if there is none yet, `x` itself becomes the shared object. `is_protected` as in parse().
    [[nodiscard]] X509* adopt(X509* x, bool is_protected);

    // Where `x` was parsed; valid as long as `x`. Null: `x` does not belong to this cache.
    [[nodiscard]] const parse_context* origin(const X509* x) const;

    // A program that may attach data, or write, gets `x`, which belongs to this cache (lease.h). True: `who`
    // may have this object, for one reference or for good; in the latter case nobody else gets it any more.
    // No lock, no memory.
    [[nodiscard]] bool take(const X509* x, owner_id who);
    [[nodiscard]] bool keep(const X509* x, owner_id who);
    // Whether `who` has it, by a lease or permanently.
    [[nodiscard]] bool is_of(const X509* x, owner_id who) const;
    // The program takes one more reference, or returns one. For any certificate.
    void add(const X509* x);
    void drop(const X509* x);
    // Data was attached to it: it stays with whoever has it.
    void keep_attached(const X509* x);
    // OpenSSL holds a reference for the program: a lease becomes permanent. For any certificate.
    void keep_held(const X509* x);
    // As X509_dup(x), but of what was parsed, whatever was written since.
    [[nodiscard]] X509* duplicate(X509* x) const;

    // Call before `x` is changed, or after. Returns whether `x` was shared until now.
    bool detach(const X509* x);

    // Call before a program gets a pointer into `x`.
    void expose(const X509* x, exposure part);
    // Call when a program may have got pointers into any certificate without ibid seeing it.
    void expose_all();

    // Whether `x` is shared and no change of it has been noticed.
    [[nodiscard]] bool shares(const X509* x) const;

    // For owners that hand out shared certificates themselves (trust files): as shares(), and compares `x`
    // with its bytes if a program has a pointer into it. Detaches `x` if they differ. The comparison takes
    // 0.4 µs, the first one 2 µs.
    [[nodiscard]] bool is_as_parsed(const X509* x);

    // As X509_verify(x, key): from the memo when `x` is shared and this very key has verified it before.
    [[nodiscard]] int verify(X509* x, EVP_PKEY* key);

    // The same in steps, for a verification inside OpenSSL. link() comes before the verification and gives a
    // number for "`key` has verified `x`" (0: it cannot be remembered). has_verified() looks it up,
    // set_verified() records it.
    [[nodiscard]] std::uint64_t link(const X509* x, const EVP_PKEY* key) const;
    [[nodiscard]] bool has_verified(const X509* x, std::uint64_t link) const;
    void set_verified(const X509* x, std::uint64_t link);
    void count_verification(std::uint64_t link, bool remembered) noexcept { memo_.count(link, remembered); }

    // Whether a provider or an engine that is not part of OpenSSL offers signatures: a key that verifies has
    // a copy in there. Call just before a verification.
    [[nodiscard]] bool has_foreign_algorithms() const { return !memo_.algorithms_are_openssls_own(); }

    // A provider, an engine, a property or the configuration has changed. A signature that verified may fail
    // now, and the same bytes may parse to another object. Nothing that was parsed before is found again.
    void forget_all_parsed();

    // `x` was part of a chain that verified: it becomes a protected entry.
    void protect(X509* x);

    // Permanently stops finding and adding. Shared objects stay with their holders.
    void stop();
    // The same, but retained entries stay.
    void stop_finding() noexcept;

    // `context` is about to be freed: nothing that was parsed in it is found again, or kept.
    void forget_context(const OSSL_LIB_CTX* context);

    [[nodiscard]] const functions& f() const noexcept { return f_; }

    // The ex_data indices of certificates and of keys; negative: none.
    [[nodiscard]] int index() const noexcept { return index_; }
    [[nodiscard]] int index_of_keys() const noexcept { return memo_.index(); }

    void retain(retention budget);
    void trim();
    [[nodiscard]] ibid::statistics statistics() const noexcept;
    [[nodiscard]] ibid::statistics signatures() const noexcept { return memo_.statistics(); }

    // Where its certificates are, for `ibid certs`.
    [[nodiscard]] const shared_statistics::certificates_anchor* anchor() const noexcept { return &anchor_; }

    // For tests: for certificates that are parsed from now on.
    void limit_hand_outs(std::uint32_t most) noexcept { hand_outs_ = most; }

    // For the child of a process that had several threads. Another thread may have held the table's lock or a
    // certificate's own; in the child it would be held for ever. So the child leaves the whole table alone,
    // retained entries included, and fork() need not take its locks. Writes one cache line. The next parse
    // makes a new table. Inherited certificates stay shared among their holders; nobody else gets them.
    void forget_all_in_child() noexcept {
        home_.store(nullptr, std::memory_order_release);
        has_forgotten_.store(true, std::memory_order_relaxed);
    }

private:
    struct found;

    // The table. Null: there is no memory for one, or the cache was stopped.
    [[nodiscard]] certificate_home* home() {
        certificate_home* const h = reached();
        return stopped_.load(std::memory_order_relaxed) || is_stranded() ? nullptr
               : h != nullptr                                            ? h
                                                                         : make_home();
    }
    [[nodiscard]] certificate_home* make_home();
    // The table, if there is one, and no lock of it is held for ever.
    [[nodiscard]] certificate_home* reached() const noexcept {
        stranded_child::watch();
        return is_stranded() ? nullptr : home_.load();
    }
    [[nodiscard]] bool is_in_table(const certificate_entry& e) const noexcept { return e.home == reached(); }
    [[nodiscard]] ibid::retention budget() const noexcept;

    [[nodiscard]] X509* parse(X509** a, const unsigned char** pp, long length, parse_context context,
                              bool is_protected, bool looks_first);
    [[nodiscard]] found find(certificate_home& in, const certificate_key& key, bool is_protected);
    [[nodiscard]] likeness compare(certificate_entry& e, const certificate_key& key, bool is_protected);
    [[nodiscard]] X509* find_or_enter(X509* x, const certificate_key& key, bool is_protected);
    [[nodiscard]] X509* enter(X509* x, const certificate_key& key, bool is_protected);
    [[nodiscard]] certificate_entry* attach(certificate_home& in, X509* x, const certificate_key& key,
                                            bool is_protected);
    void withdraw(certificate_entry* e);
    bool detach(certificate_entry& e);
    void forget(certificate_entry& e);
    [[nodiscard]] certificate_entry* entry_of(const X509* x) const;
    static void on_free(void* parent, void* entry, CRYPTO_EX_DATA*, int index, long, void* cache) noexcept;

    [[nodiscard]] bool in_default_context() const;

    const std::atomic<bool>& sees_exposures_; // acquire, pairs with the store that ends it
    const std::atomic<bool>& watches_;        // acquire, pairs with the store that begins it
    const functions& f_;
    counter_block* const counters_;
    // Null in a forked child that has made none yet. Release when complete, pairs with home() and
    // is_in_table().
    std::atomic<certificate_home*> home_;
    // The last setting, for a table that is made later. Sequentially consistent, with home_ and stopped_: see
    // make_home().
    std::atomic<std::size_t> retained_bytes_{0};
    std::atomic<std::size_t> retained_entries_{0};
    std::atomic<bool> stopped_{false};
    std::atomic<bool> has_forgotten_{false}; // and its counters still count what was
    // Whether any certificate has been shared. Until then, data at ibid's index is the program's: OpenSSL may
    // have given the index to it in another library context. Relaxed: a thread that has a shared certificate
    // got it after this.
    std::atomic<bool> has_shared_{false};
    std::atomic<std::uint32_t> hand_outs_{most_hand_outs};
    int index_;
    signature_memo memo_;
    const shared_statistics::certificates_anchor anchor_;
};

} // namespace ibid::openssl
