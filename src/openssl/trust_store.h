// SPDX-License-Identifier: Apache-2.0
//
// What a trust store's file holds, parsed once for the process: CA bundles and CRLs.
//
// Laws:
//  - A file is known by its bytes, read at every load and compared with what is in memory: a file that has changed is
//    another file. How it is called, where it lies, and when it was written says nothing.
//  - A store that was loaded from here lists the same objects in the same order as one that OpenSSL has loaded.
//  - Every certificate in a shared file is a shared certificate (certificate_cache); a file with any that cannot be, for
//    trust settings behind it, say, is left to OpenSSL. A file one of whose objects was changed is not used again.
//  - The parsed file lives as long as a store that was loaded from it: the store's own ex_data holds the handle.
#pragma once

#include <openssl/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "certificate_cache.h"
#include "functions.h"
#include "ibid/cache.h"
#include "known_files.h"

namespace ibid::openssl {

enum class file_kind : std::uint8_t {
    certificates_and_crls, // X509_load_cert_crl_file
    certificates,          // X509_load_cert_file
    crls,                  // X509_load_crl_file
};

// As what a file is read.
struct file_mode {
    file_kind kind = file_kind::certificates_and_crls;
    int type = 0; // X509_FILETYPE_…

    [[nodiscard]] bool operator==(const file_mode&) const noexcept = default;
    [[nodiscard]] std::size_t slot() const noexcept { return static_cast<std::size_t>(kind) * 16; }
};

// The whole content of a file, and as what it is read. Only OpenSSL's default library context is served here: it is the
// one that is never freed.
struct file_view {
    std::span<const unsigned char> bytes;
    file_mode mode;
    std::uint64_t hash; // of both

    file_view(std::span<const unsigned char> content, file_mode read_as) noexcept;
    file_view(std::span<const unsigned char> content, file_mode read_as, std::uint64_t known_hash) noexcept
        : bytes(content), mode(read_as), hash(known_hash) {}

    // A range of bytes, by which the cache counts what a hit need not read again.
    [[nodiscard]] auto begin() const noexcept { return bytes.begin(); }
    [[nodiscard]] auto end() const noexcept { return bytes.end(); }
};

class trust_file {
public:
    struct object { // one of the two, with a reference
        X509* certificate = nullptr;
        X509_CRL* crl = nullptr;
    };

    // Empty when OpenSSL should load this file itself. `bytes` owns what `file` shows.
    [[nodiscard]] static std::optional<trust_file> parse(const functions& f, certificate_cache& certificates,
                                                         const file_view& file,
                                                         std::shared_ptr<const unsigned char[]> bytes);

    trust_file(trust_file&& other) noexcept
        : f_(other.f_), bytes_(std::move(other.bytes_)), size_(other.size_), mode_(other.mode_),
          hash_(other.hash_), in_file_order_(std::move(other.in_file_order_)),
          in_store_order_(std::move(other.in_store_order_)) {}
    trust_file& operator=(trust_file&&) = delete;
    ~trust_file();

    [[nodiscard]] file_view key() const noexcept { return {{bytes_.get(), size_}, mode_, hash_}; }
    [[nodiscard]] bool usable(const certificate_cache& certificates) const noexcept;

    // Adds all to a store as X509_load_cert_crl_file and its kin do; what these return.
    [[nodiscard]] int add_to(X509_STORE* store) const;

    // Whether `crl` is in this file; null: whether any CRL is.
    [[nodiscard]] bool has(const X509_CRL* crl) const noexcept;

    // Somebody writes to one of its objects. Release, with the acquire in usable(): whoever still uses the file after this
    // began to load before it. True for the first to say so.
    bool set_changed() const noexcept { return !changed_.exchange(true, std::memory_order_acq_rel); }

    [[nodiscard]] std::size_t weight() const noexcept;

private:
    explicit trust_file(const functions& f) noexcept : f_(&f) {}
    [[nodiscard]] bool read_objects(certificate_cache& certificates, const file_view& file);
    [[nodiscard]] bool read_both(certificate_cache& certificates, BIO* in);
    [[nodiscard]] bool read_certificates(certificate_cache& certificates, BIO* in);
    [[nodiscard]] bool read_crls(BIO* in);
    [[nodiscard]] bool read_strict_crls(std::span<const unsigned char> text);
    void drop_objects() noexcept;
    [[nodiscard]] bool at_end() const noexcept;
    [[nodiscard]] bool add_certificate(certificate_cache& certificates, X509* x);
    void sort(X509_CRL* crl) const noexcept;
    [[nodiscard]] bool add_crl(X509_CRL* crl);
    [[nodiscard]] bool arrange();
    [[nodiscard]] bool fill_empty(X509_STORE* store) const;

    const functions* f_;
    std::shared_ptr<const unsigned char[]> bytes_;
    std::size_t size_ = 0;
    file_mode mode_;
    std::uint64_t hash_ = 0;
    std::vector<object> in_file_order_;
    std::vector<object>
        in_store_order_; // as OpenSSL leaves a store that was empty before; borrowed from the other
    mutable std::atomic<bool> changed_{false};
    // certificate_cache::writes() when all certificates here were last seen to be shared. Relaxed: a count that is seen
    // late costs one more look at them, and nothing else is published through it.
    mutable std::atomic<std::uint64_t> all_shared_at_{never};
    static constexpr std::uint64_t never = static_cast<std::uint64_t>(-1);
};

class trust_store_cache {
public:
    // Never destroyed, as certificate_cache. Null `counters`: counted privately. Throws bad_alloc.
    trust_store_cache(const functions& f, certificate_cache& certificates, counter_block* counters);

    // As the function of this kind with a lookup of this store: the number of objects, or 0. Negative: OpenSSL
    // should load this file itself. Certificates, alone or with CRLs, are read from PEM; CRLs alone from ASN.1, too.
    [[nodiscard]] int load(X509_STORE* store, const char* path, file_kind kind, int type);

    // Somebody is about to change a CRL, or (null) something that may be part of any. Whether that put a file out of use.
    bool before_crl_write(const X509_CRL* crl) noexcept;

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
    void forget_other_threads() noexcept { files_.forget_other_threads(); }

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
    [[nodiscard]] bool can_settle_errors(file_mode mode) const noexcept;
    void settle_errors(file_mode mode, int count);
    static void on_store_free(void* store, void* held, CRYPTO_EX_DATA*, int index, long, void*) noexcept;

    const functions& f_;
    certificate_cache& certificates_;
    cache<file_view, trust_file, key_at<&trust_file::key>, hash_file, same_file> files_;
    known_files<trust_file, file_mode> known_;
    int index_; // of the stores' ex_data; negative: out of service
    std::atomic<bool> out_of_service_{false};
};

} // namespace ibid::openssl
