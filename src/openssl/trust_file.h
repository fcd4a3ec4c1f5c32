// SPDX-License-Identifier: Apache-2.0
//
// What one file holds that a trust store loads, parsed once: certificates, CRLs, or both.
//
// Laws:
//  - A file is known by its bytes: how it is called, where it lies, and when it was written says nothing.
//  - A store that is filled from here lists the same objects in the same order as one that OpenSSL has loaded.
//  - Every certificate in here is a shared certificate (certificate_cache); a file with any that cannot be, for trust
//    settings behind it, say, is left to OpenSSL. A file one of whose objects was changed is not used again.
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
#include "ibid/retention.h"

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

// What a load from here must do with the errors that were in the queue before: at the end of a PEM file, OpenSSL finds no further
// start line and takes that error back, in some versions together with all that were there. The same is done here, by the same code
// where it can be: X509_load_cert_file does it in code that cannot be called without a file. `count`: what was loaded.
[[nodiscard]] bool can_settle_errors(const functions& f, file_mode mode) noexcept;
void settle_errors(const functions& f, file_mode mode, int count);

} // namespace ibid::openssl

template <>
struct ibid::weight_of<ibid::openssl::trust_file> {
    [[nodiscard]] std::size_t operator()(const openssl::trust_file& file) const noexcept {
        return file.weight();
    }
};
