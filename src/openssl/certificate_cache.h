// SPDX-License-Identifier: Apache-2.0
//
// One parsed copy of each certificate, held by the X509's own reference count.
//
// Laws:
//  - What a caller gets is d2i_X509's documented result, on a hit as on a miss: the same object or a failure, `*pp`
//    advanced alike, the error queue untouched by ibid. Source: manual page d2i_X509(3).
//  - The table holds no reference. An X509 whose last reference goes tells the table by its ex_data free callback;
//    until that callback has returned, the struct's memory is valid (crypto/x509/x_x509.c frees the ex_data, then the
//    struct), so that trying X509_up_ref under the lock that the callback takes as well is sound.
//  - A certificate is known by all of its bytes, the library context, and the property query it was parsed with.
//  - A certificate that is met once costs little more than without this cache: its bytes are not kept beside it. The first
//    hit compares with what OpenSSL encodes again from the object, and keeps that for the hits to come.
//  - What somebody changes is never handed out again.
#pragma once

#include <openssl/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>

#include "functions.h"
#include "ibid/detail/interner.h"
#include "ibid/retention.h"
#include "ibid/statistics.h"
#include "signature_memo.h"

namespace ibid::openssl {

class certificate_cache;

// Where a certificate is parsed. Contexts are compared as addresses, which is sound because forget_context() runs before
// an address can be given to another context.
struct parse_context {
    const OSSL_LIB_CTX* given = nullptr;  // null: OpenSSL's global default
    const char* property_query = nullptr; // borrowed, like the bytes

    [[nodiscard]] bool operator==(const parse_context& other) const noexcept;
};

// Bytes that are borrowed for a call, and where they are parsed.
struct certificate_key {
    std::span<const unsigned char> der;
    parse_context context;
    std::uint64_t hash; // of both

    certificate_key(std::span<const unsigned char> bytes, parse_context where) noexcept;
    [[nodiscard]] bool operator==(const certificate_key& other) const noexcept;
};

// Small, because there is one for each certificate that is met, and most are met once.
struct certificate_entry : detail::entry_link {
    certificate_cache* cache;
    X509* x509;            // not a reference: this entry ends when it does
    parse_context context; // with a property query of its own
    std::atomic<unsigned char*> der{
        nullptr};                    // OpenSSL's memory; null until the first hit. Release and acquire.
    signature_memo::record verified; // by which keys
    std::uint32_t der_size;
    std::atomic<bool> changed{
        false}; // somebody wrote to the certificate: what is known of it holds no longer

    static constexpr std::size_t largest = std::numeric_limits<std::uint32_t>::max(); // in DER

    certificate_entry(certificate_cache& in, X509* x, const certificate_key& k);
    certificate_entry(const certificate_entry&) = delete;
    certificate_entry& operator=(const certificate_entry&) = delete;
    ~certificate_entry();

    // What can be compared of an entry that may be ending, under the table's lock: all but the bytes.
    [[nodiscard]] bool may_be(const certificate_key& k) const noexcept;
    // The bytes, and that the certificate may be handed out a second time. The caller has a reference. False also without
    // memory.
    [[nodiscard]] bool has_bytes_of(const certificate_key& k) noexcept;
};

// Where to count; null: privately.
struct cache_counters {
    counter_block* certificates = nullptr;
    counter_block* signatures = nullptr;
};

class certificate_cache {
public:
    // `functions` and `counters` outlive the cache; the cache is never destroyed (ex_data callbacks may still come while
    // the process ends, after static destructors). Throws bad_alloc.
    certificate_cache(const functions& f, cache_counters counters);
    certificate_cache(const certificate_cache&) = delete;
    certificate_cache& operator=(const certificate_cache&) = delete;

    // False when OpenSSL had no ex_data index to give, or only one that is too high: then no certificate can be shared.
    [[nodiscard]] bool usable() const noexcept { return index_ >= 0 && index_ <= highest_index; }

    // Of those that are given out for certificates, ibid's or not. With two more, OpenSSL asks for memory at the end of each
    // certificate, and without it tells nobody of that end (crypto/ex_data.c, 3.0 to 3.6). Two: who stands aside when one more is
    // given out is in time.
    static constexpr int highest_index = 7;

    // As d2i_X509(a, pp, length), from the cache where it can be. `*a`, when it is there, is an empty object that nobody
    // but the caller has: it is replaced, not filled. `earned`: came from the operator, not from a peer.
    [[nodiscard]] X509* parse(X509** a, const unsigned char** pp, long length, parse_context context,
                              bool earned);

    // The shared twin of a certificate that somebody else parsed, with a reference for the caller. Null: `x` is shared
    // already, or cannot be.
    [[nodiscard]] X509* share(X509* x);

    // The same for one that OpenSSL has parsed just now, in the default context, and that nobody else has: it becomes the
    // shared one itself if there is no twin. `earned` as in parse().
    [[nodiscard]] X509* adopt(X509* x, bool earned);

    // Where `x` was parsed, for as long as `x` lives; null when it is none of this cache's.
    [[nodiscard]] const parse_context* origin(const X509* x) const noexcept;

    // Somebody is about to change `x`. Returns whether it was shared until now.
    bool detach(const X509* x) noexcept;

    // False when OpenSSL, which looks at a certificate's extensions at their first use, finds a fault in them, or has no memory for
    // it. It does so once for each object, and what it did not find out then, it never will; so one object for many would leave
    // the others without the error, or would end with one connection's want of memory all that come after. No error is left behind.
    [[nodiscard]] static bool has_sound_extensions(const functions& f, X509* x) noexcept;

    // How many certificates were written to so far: while it stays, what is shared stays shared. Acquire, with the release
    // in detach(): who sees a write counted sees it.
    [[nodiscard]] std::uint64_t writes() const noexcept { return writes_.load(std::memory_order_acquire); }

    // Whether `x` is shared, and as it was parsed.
    [[nodiscard]] bool shares(const X509* x) const noexcept;

    // As X509_verify(x, key): from the memo when `x` is shared and this very key has verified it before.
    [[nodiscard]] int verify(X509* x, EVP_PKEY* key) noexcept;

    // The same in two steps, for a verification that OpenSSL does inside: what stands for `key` having verified `x` (0: that
    // cannot be remembered), whether it has, and that it now has. The first comes before the verification.
    [[nodiscard]] std::uint64_t link(const X509* x, const EVP_PKEY* key) const noexcept;
    [[nodiscard]] bool has_verified(const X509* x, std::uint64_t link) const noexcept;
    void set_verified(const X509* x, std::uint64_t link) noexcept;
    void count_verification(std::uint64_t link, bool remembered) noexcept { memo_.count(link, remembered); }

    // Whether a signature may be remembered as verified by `key`.
    [[nodiscard]] bool remembers(const EVP_PKEY* key) const noexcept { return memo_.names(key); }

    // What verified may not verify again: a provider, a property, a configuration has changed.
    void forget_verifications() noexcept { memo_.forget_all(); }

    // `x` was part of a chain that verified: it has earned its place in the afterlife.
    void earn(X509* x) noexcept;

    // From now on nothing is found here and nothing is added; what is shared stays with its holders. For good.
    void stop() noexcept;
    // The same, and what the afterlife keeps stays.
    void stop_finding() noexcept { table_->stop(); }

    // `context` is about to be freed: nothing that was parsed in it is found again, or kept.
    void forget_context(const OSSL_LIB_CTX* context) noexcept;

    [[nodiscard]] const functions& f() const noexcept { return f_; }

    // Of the ex_data of certificates and of keys; negative: none.
    [[nodiscard]] int index() const noexcept { return index_; }
    [[nodiscard]] int index_of_keys() const noexcept { return memo_.index(); }

    void retain(retention budget) noexcept { table_->retain(budget); }
    void trim() noexcept { table_->drop_retained(); }
    [[nodiscard]] ibid::statistics statistics() const noexcept { return table_->count(); }
    [[nodiscard]] ibid::statistics signatures() const noexcept { return memo_.statistics(); }

    // Around fork(); see interner.
    void lock_for_fork() noexcept { table_->lock_for_fork(); }
    void unlock_after_fork() noexcept { table_->unlock_after_fork(); }
    void forget_all_in_child() noexcept { table_->forget_other_threads(); }

private:
    struct traits {
        using entry = certificate_entry;
        using key = certificate_key;
        static bool equal(const entry& e, const key& k) noexcept { return e.may_be(k); }
        static bool equal(const key& flying, const key& k) noexcept { return flying == k; }
        static bool try_acquire(entry& e) noexcept { return e.cache->f_.X509_up_ref(e.x509) == 1; }
        static void acquire(entry& e) noexcept { e.cache->f_.X509_up_ref(e.x509); }
        static void release(entry& e) noexcept { e.cache->f_.X509_free(e.x509); }
        static std::size_t weight(const entry& e) noexcept;
        static std::size_t saved(const entry& e) noexcept { return e.der_size; }
    };
    using table = detail::interner<traits>;
    struct unless_landed;

    [[nodiscard]] X509* lead(table::flight_type& flight, X509** a, const unsigned char** pp, long length,
                             bool earned);
    [[nodiscard]] std::unique_ptr<certificate_entry> enter(X509* x, const certificate_key& key, bool earned);
    [[nodiscard]] bool shareable(X509* x) const noexcept;
    [[nodiscard]] bool has_trust_settings(const X509* x) const noexcept;
    [[nodiscard]] certificate_entry* entry_of(const X509* x) const noexcept;
    static void on_free(void* parent, void* entry, CRYPTO_EX_DATA*, int index, long, void* cache) noexcept;

    [[nodiscard]] bool in_default_context() const noexcept;

    const functions& f_;
    table* table_;
    // Relaxed: whoever has a shared certificate has it from after this. Until then, what stands at ibid's index is none of its own:
    // a context that was made a thread's default meanwhile gives that index to the program. There before OpenSSL knows `index_`.
    std::atomic<bool> has_shared_{false};
    int index_;
    signature_memo memo_;
    std::atomic<std::uint64_t> writes_{0};
};

} // namespace ibid::openssl
