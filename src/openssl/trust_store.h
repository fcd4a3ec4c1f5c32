// SPDX-License-Identifier: Apache-2.0
//
// What a trust store's file holds, parsed once for the process: CA bundles and CRLs.
//
// Laws:
//  - A file is known by its bytes, read at every load: a file that has changed is another file. How it is called, and
//    when it was written, says nothing.
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

namespace ibid::openssl {

enum class file_kind : std::uint8_t { certificates_and_crls, crls };

// The whole content of a file, and as what it is read. Only OpenSSL's default library context is served here: it is the
// one that is never freed.
struct file_view {
    std::span<const unsigned char> bytes;
    file_kind kind;
    int type; // X509_FILETYPE_…

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

    // Empty when OpenSSL should load this file itself.
    [[nodiscard]] static std::optional<trust_file> parse(const functions& f, certificate_cache& certificates,
                                                         const file_view& file);

    trust_file(trust_file&& other) noexcept
        : f_(other.f_), bytes_(std::move(other.bytes_)), size_(other.size_), kind_(other.kind_),
          type_(other.type_), in_file_order_(std::move(other.in_file_order_)),
          in_store_order_(std::move(other.in_store_order_)) {}
    trust_file& operator=(trust_file&&) = delete;
    ~trust_file();

    [[nodiscard]] file_view key() const noexcept { return {{bytes_.get(), size_}, kind_, type_}; }
    [[nodiscard]] bool usable(const certificate_cache& certificates) const noexcept;

    // Adds all to a store as X509_load_cert_crl_file and X509_load_crl_file do; what these return.
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
    [[nodiscard]] bool add_certificate(certificate_cache& certificates, X509* x);
    [[nodiscard]] bool arrange();
    [[nodiscard]] bool fill_empty(X509_STORE* store) const;

    const functions* f_;
    std::unique_ptr<unsigned char[]> bytes_;
    std::size_t size_ = 0;
    file_kind kind_ = file_kind::certificates_and_crls;
    int type_ = 0;
    std::vector<object> in_file_order_;
    std::vector<object>
        in_store_order_; // as OpenSSL leaves a store that was empty before; borrowed from the other
    mutable std::atomic<bool> changed_{false};
};

class trust_store_cache {
public:
    // Never destroyed, as certificate_cache. Null `counters`: counted privately. Throws bad_alloc.
    trust_store_cache(const functions& f, certificate_cache& certificates, counter_block* counters);

    // As X509_load_cert_crl_file (PEM) or X509_load_crl_file with a lookup of this store: the number of objects, or 0.
    // Negative: OpenSSL should load this file itself.
    [[nodiscard]] int load(X509_STORE* store, const char* path, file_kind kind, int type);

    // Somebody is about to change a CRL, or (null) something that may be part of any. Whether that put a file out of use.
    bool before_crl_write(const X509_CRL* crl) noexcept;

    void retain(retention budget) noexcept { files_.retain(budget); }
    void trim() noexcept { files_.trim(); }
    [[nodiscard]] ibid::statistics statistics() const noexcept { return files_.statistics(); }
    void lock_for_fork() noexcept { files_.lock_for_fork(); }
    void unlock_after_fork() noexcept { files_.unlock_after_fork(); }
    void forget_other_threads() noexcept { files_.forget_other_threads(); }

private:
    struct hash_file {
        [[nodiscard]] std::uint64_t operator()(const file_view& file) const noexcept;
    };
    struct same_file {
        [[nodiscard]] bool operator()(const file_view& a, const file_view& b) const noexcept;
    };
    struct held_file;

    [[nodiscard]] bool hold(X509_STORE* store, std::unique_ptr<held_file> held);
    static void let_go(held_file* files) noexcept;
    void settle_errors(file_kind kind, int type, int count);
    static void on_store_free(void* store, void* held, CRYPTO_EX_DATA*, int index, long, void*) noexcept;

    const functions& f_;
    certificate_cache& certificates_;
    cache<file_view, trust_file, key_at<&trust_file::key>, hash_file, same_file> files_;
    int index_; // of the stores' ex_data; negative: out of service
    std::atomic<bool> out_of_service_{false};
};

} // namespace ibid::openssl
