// SPDX-License-Identifier: Apache-2.0
//
// One parsed file of a trust store: certificates, CRLs, or both.
//
// Laws:
//  - A file is known by its bytes, not by its name, place or date.
//  - A store that is filled from here lists the same objects in the same order as a store that OpenSSL has
//    loaded.
//  - Every certificate in here is a shared certificate (certificate_cache). If one cannot be shared (it has
//    trust settings, for example), or the file holds anything else (strict_pem), OpenSSL loads the file.
//  - The kept bytes of a file are overwritten before their memory is freed.
#pragma once

#include <openssl/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "file_content.h"
#include "ibid/retention.h"
#include "openssl/binding/functions.h"
#include "openssl/binding/retired_objects.h"
#include "openssl/certificates/certificate_cache.h"

namespace ibid::openssl {

enum class file_kind : std::uint8_t {
    certificates_and_crls, // X509_load_cert_crl_file
    certificates,          // X509_load_cert_file
    crls,                  // X509_load_crl_file
};

// How a file is read.
struct file_mode {
    file_kind kind = file_kind::certificates_and_crls;
    int type = 0; // X509_FILETYPE_…

    [[nodiscard]] bool operator==(const file_mode&) const noexcept = default;
    [[nodiscard]] std::size_t slot() const noexcept { return static_cast<std::size_t>(kind) * 16; }
};

// The whole content of a file, and how it is read. Only for OpenSSL's default library context, which is never
// freed.
struct file_view {
    const file_content* content;
    file_mode mode;
    std::uint64_t hash; // of both

    file_view(const file_content& of, file_mode read_as) noexcept;
    file_view(const file_content& of, file_mode read_as, std::uint64_t known_hash) noexcept
        : content(&of), mode(read_as), hash(known_hash) {}

    // Has the length of the content, so that the cache can count what a hit need not read again; it does not
    // point to the content.
    [[nodiscard]] const unsigned char* begin() const noexcept { return content->pieces()[0].all().data(); }
    [[nodiscard]] const unsigned char* end() const noexcept { return begin() + content->size(); }
};

class trust_file {
public:
    // The environment of a parse. All of it must outlive the file.
    struct surroundings {
        const functions& f;
        certificate_cache& certificates;
        retired_objects& retired;
        bool leaves_crls; // a file with a CRL is OpenSSL's alone
    };

    // Null if OpenSSL should load this file itself. OpenSSL's error queue is empty before and afterwards.
    // `content` is the content of `file`.
    [[nodiscard]] static std::unique_ptr<trust_file> parse(const surroundings& in, const file_view& file,
                                                           std::unique_ptr<const file_content> content);

    trust_file(trust_file&& other) noexcept
        : f_(other.f_), retired_(other.retired_), content_(std::move(other.content_)), mode_(other.mode_),
          hash_(other.hash_), objects_(std::exchange(other.objects_, nullptr)),
          in_store_order_(std::move(other.in_store_order_)), weight_of_crls_(other.weight_of_crls_),
          has_crls_(other.has_crls_) {}
    trust_file& operator=(trust_file&&) = delete;
    ~trust_file() {
        if (objects_ != nullptr) {
            retired_->add(objects_);
        }
    }

    [[nodiscard]] file_view key() const noexcept { return {*content_, mode_, hash_}; }
    [[nodiscard]] const file_content& content() const noexcept { return *content_; }

    // Whether all of its certificates are still shared, and still are their bytes
    // (certificate_cache::is_as_parsed).
    [[nodiscard]] bool usable(certificate_cache& certificates) const;

    [[nodiscard]] bool has_crls() const noexcept { return has_crls_; }

    // Adds all objects to a store as X509_load_cert_crl_file and similar functions do; returns what they
    // return.
    [[nodiscard]] int add_to(X509_STORE* store) const;

    [[nodiscard]] std::size_t weight() const noexcept;

private:
    trust_file(const surroundings& in, const file_view& file)
        : f_(&in.f), retired_(&in.retired), mode_(file.mode), hash_(file.hash),
          objects_(new retired_objects::list) {}

    [[nodiscard]] bool read(const surroundings& in, const file_view& file);
    [[nodiscard]] bool read_pem(const surroundings& in, const file_content& text);
    [[nodiscard]] bool read_crl(const surroundings& in, const file_content& der);
    static void parse_certificate(const surroundings& in, std::span<const unsigned char> der,
                                  trust_object& o);
    void parse_crl(const surroundings& in, std::span<const unsigned char> der, trust_object& o);
    [[nodiscard]] trust_object& add_object();
    [[nodiscard]] bool arrange();
    [[nodiscard]] std::size_t add_in_file_order(X509_STORE* store) const;
    [[nodiscard]] bool fill_empty(X509_STORE* store) const;

    const functions* f_;
    retired_objects* retired_;
    std::unique_ptr<const file_content> content_;
    file_mode mode_;
    std::uint64_t hash_ = 0;
    retired_objects::list* objects_; // in the order of the file
    std::vector<trust_object>
        in_store_order_; // as OpenSSL leaves a store that was empty before; borrowed from the other
    std::size_t weight_of_crls_ = 0;
    bool has_crls_ = false;
};

// Leaves the error queue as OpenSSL's load would. At the end of a PEM file, OpenSSL finds no further start
// line and removes that error, in some versions with all earlier errors. settle_errors() does the same, by
// OpenSSL's own code where that can be called without a file; can_settle_errors() says whether it can.
// `count`: what was loaded.
[[nodiscard]] bool can_settle_errors(const functions& f, file_mode mode);
void settle_errors(const functions& f, file_mode mode, int count);

} // namespace ibid::openssl

template <>
struct ibid::weight_of<ibid::openssl::trust_file> {
    [[nodiscard]] std::size_t operator()(const openssl::trust_file& file) const noexcept {
        return file.weight();
    }
};
