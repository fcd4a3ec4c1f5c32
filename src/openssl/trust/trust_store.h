// SPDX-License-Identifier: Apache-2.0
//
// The files from which trust stores of this process were loaded (CA bundles and CRLs), each parsed once.
//
// Laws:
//  - Every load reads the file and compares it with what is in memory. A changed file is another file.
//  - A parsed file lives as long as a store that was loaded from it (files_of_stores).
//  - No thread waits for another thread's read or parse. A second thread does the same again, and uses the
//    first one's result.
//  - No lock is held while OpenSSL is called, except a store's own lock, for operations that OpenSSL does
//    under it.
//  - A call into OpenSSL may not return (the thread is cancelled), so no function that calls OpenSSL is
//    noexcept.
#pragma once

#include <openssl/types.h>

#include <atomic>
#include <cstdint>
#include <memory>

#include "ibid/cache.h"
#include "openssl/binding/functions.h"
#include "openssl/binding/stranded_child.h"
#include "openssl/certificates/certificate_cache.h"
#include "trust_file.h"

namespace ibid::openssl {

class trust_store_cache {
public:
    // Never destroyed, like certificate_cache. Null `counters`: private counters. Throws bad_alloc.
    trust_store_cache(const functions& f, certificate_cache& certificates, counter_block* counters);
    trust_store_cache(const trust_store_cache&) = delete;
    trust_store_cache& operator=(const trust_store_cache&) = delete;

    // Does the same as the OpenSSL function of this mode with a lookup of this store, and returns the number
    // of objects, or 0. Negative: OpenSSL should load this file itself. Files with certificates must be PEM;
    // files with only CRLs may also be ASN.1. errno is preserved.
    [[nodiscard]] int load(X509_STORE* store, const char* path, file_kind kind, int type);

    // Whether objects in `store` came from here; and: they have been replaced, so release its files.
    [[nodiscard]] bool has_filled(const X509_STORE* store);
    void let_go(const X509_STORE* store);
    // How many stores have ended, so that an address may be another store's. Relaxed: who uses a store knows
    // by other means that it lives.
    [[nodiscard]] std::uint64_t stores_ended() const noexcept {
        return ended_.load(std::memory_order_relaxed);
    }

    // Whether, from now on, only OpenSSL loads files with a CRL: a program that lists the entries of a
    // store's CRL (X509_CRL_get_REVOKED, X509_CRL_print) sees that OpenSSL sorts them at the first search,
    // and can delete one.
    void leave_crls(bool leave) noexcept { leaves_crls_.store(leave, std::memory_order_relaxed); }

    // The index of the stores' ex_data, which only reports their end and stores nothing; negative: none.
    [[nodiscard]] int index() const noexcept { return index_; }

    void retain(retention budget);
    void trim();
    [[nodiscard]] ibid::statistics statistics() const noexcept;

    // In the child of a fork, which has only this thread: from now on nothing that was here before is found
    // or touched, because other threads of the parent may have been using it. Writes one cache line.
    void forget_all_in_child() noexcept {
        contents_.store(nullptr, std::memory_order_release);
        forgot_.store(true, std::memory_order_relaxed);
        has_old_counts_.store(true, std::memory_order_relaxed);
    }
    // Whether stores may hold shared objects of which has_filled() knows nothing.
    [[nodiscard]] bool has_forgotten() const noexcept { return forgot_.load(std::memory_order_relaxed); }

private:
    struct hash_file {
        [[nodiscard]] std::uint64_t operator()(const file_view& file) const noexcept { return file.hash; }
    };
    // A view that is the entry's own needs no comparison.
    struct same_file {
        [[nodiscard]] bool operator()(const file_view& a, const file_view& b) const noexcept {
            return a.mode == b.mode && (a.content == b.content || *a.content == *b.content);
        }
    };
    using file_cache = cache<file_view, trust_file, key_at<&trust_file::key>, hash_file, same_file>;
    struct contents;
    class held_here;
    class frees_at_end;

    [[nodiscard]] bool in_default_context() const;
    [[nodiscard]] contents* ready();
    // The current caches; null in a stranded child, where a lock in them may be held for ever.
    [[nodiscard]] contents* reached() const noexcept {
        stranded_child::watch();
        return is_stranded() ? nullptr : contents_.load(std::memory_order_acquire);
    }
    struct source;
    [[nodiscard]] handle<trust_file> find(contents& in, source& from);
    void parse(contents& in, source& from);
    [[nodiscard]] handle<trust_file> keep_parsed(contents& in, source& from);
    [[nodiscard]] static handle<trust_file> look_up(contents& in, const file_view& file);
    [[nodiscard]] static handle<trust_file> intern(contents& in, trust_file& parsed);
    [[nodiscard]] bool may_be_given(const trust_file& file) const noexcept {
        return !file.has_crls() || !leaves_crls_.load(std::memory_order_relaxed);
    }
    void free_retired(contents& in) const;
    static void on_store_free(void* store, void* nothing, CRYPTO_EX_DATA*, int index, long, void* cache);

    const functions& f_;
    certificate_cache& certificates_;
    counter_block* const counters_;
    std::atomic<contents*> contents_{nullptr}; // null: forgotten in a child, made again at the next load
    std::atomic<bool> forgot_{false};
    std::atomic<bool> has_old_counts_{false}; // the counters still count what was forgotten
    std::atomic<std::size_t> retained_bytes_{0};
    std::atomic<std::size_t> retained_entries_{0};
    std::atomic<bool> leaves_crls_{false};
    std::atomic<std::uint64_t> ended_{0};
    // The index of the stores' ex_data; negative: not usable. Set last: from then on, the ends of stores are
    // reported.
    int index_;
};

} // namespace ibid::openssl
