// SPDX-License-Identifier: Apache-2.0
//
// The files that the trust stores of this process were loaded from, each parsed once: CA bundles and CRLs.
//
// Laws:
//  - A file is read at every load and compared with what is in memory: a file that has changed is another file.
//  - The parsed file lives as long as a store that was loaded from it: the store's own ex_data holds the handle.
#pragma once

#include <openssl/types.h>

#include <atomic>
#include <cstdint>
#include <memory>

#include "certificate_cache.h"
#include "functions.h"
#include "ibid/cache.h"
#include "known_files.h"
#include "trust_file.h"

namespace ibid::openssl {

class trust_store_cache {
public:
    // Never destroyed, as certificate_cache. Null `counters`: counted privately. Throws bad_alloc.
    trust_store_cache(const functions& f, certificate_cache& certificates, counter_block* counters);

    // As the function of this kind with a lookup of this store: the number of objects, or 0. Negative: OpenSSL
    // should load this file itself. Certificates, alone or with CRLs, are read from PEM; CRLs alone from ASN.1, too.
    [[nodiscard]] int load(X509_STORE* store, const char* path, file_kind kind, int type);

    // Somebody is about to change a CRL, or (null) something that may be part of any. Whether that put a file out of use.
    bool before_crl_write(const X509_CRL* crl) noexcept;

    [[nodiscard]] int index() const noexcept { return index_; } // of the stores' ex_data; negative: none

    void retain(retention budget) noexcept { files_.retain(budget); }
    void trim() noexcept { files_.trim(); }
    [[nodiscard]] ibid::statistics statistics() const noexcept { return files_.statistics(); }
    void lock_for_fork() noexcept {
        known_.lock_for_fork();
        files_.lock_for_fork();
    }
    void unlock_after_fork() noexcept {
        files_.unlock_after_fork();
        known_.unlock_after_fork();
    }
    void forget_all_in_child() noexcept { files_.forget_other_threads(); }
    void make_private(X509_STORE*) {}

private:
    struct hash_file {
        [[nodiscard]] std::uint64_t operator()(const file_view& file) const noexcept { return file.hash; }
    };
    struct same_file {
        [[nodiscard]] bool operator()(const file_view& a, const file_view& b) const noexcept;
    };
    struct held_file;

    [[nodiscard]] handle<trust_file> find(const regular_file& file, file_mode mode);
    [[nodiscard]] bool hold(X509_STORE* store, std::unique_ptr<held_file> held);
    static void let_go(held_file* files) noexcept;
    static void on_store_free(void* store, void* held, CRYPTO_EX_DATA*, int index, long, void*) noexcept;

    const functions& f_;
    certificate_cache& certificates_;
    cache<file_view, trust_file, key_at<&trust_file::key>, hash_file, same_file> files_;
    known_files<trust_file, file_mode> known_;
    std::atomic<bool> has_held_{false}; // as certificate_cache::has_shared_
    int index_;                         // of the stores' ex_data; negative: out of service
    std::atomic<bool> out_of_service_{false};
};

} // namespace ibid::openssl
