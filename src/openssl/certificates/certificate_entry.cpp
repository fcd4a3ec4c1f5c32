// SPDX-License-Identifier: Apache-2.0
#include "certificate_entry.h"

#include <cstring>
#include <limits>
#include <memory>
#include <new>

#include "certificate_weight.h"
#include "eligibility.h"
#include "ibid/hash.h"
#include "openssl/binding/error_queue.h"
#include "openssl/binding/uncancelled.h"

namespace ibid::openssl {

namespace {

using octets = std::span<const unsigned char>;

[[nodiscard]] std::uint64_t hash_of(octets der, const parse_context& context) noexcept {
    const std::uint64_t bytes = hash_bytes(der.data(), der.size());
    if (context.is_default()) {
        return bytes; // nearly always; equality distinguishes contexts that have the same hash
    }
    const char* const query = context.property_query;
    const std::uint64_t whole[3] = {
        bytes,
        reinterpret_cast<std::uintptr_t>(context.given),
        query != nullptr ? hash_bytes(query, std::strlen(query)) : 0,
    };
    return hash_bytes(whole, sizeof whole);
}

[[nodiscard]] bool same_bytes(octets a, octets b) noexcept {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), b.size()) == 0;
}

constexpr parse_context default_context;

// A copy, followed by the property query; null: no memory.
[[nodiscard]] const parse_context* copy_of(const parse_context& context) noexcept {
    if (context.is_default()) {
        return &default_context;
    }
    const std::size_t query = context.property_query != nullptr ? std::strlen(context.property_query) + 1 : 0;
    void* const memory = ::operator new(sizeof context + query, std::nothrow);
    if (memory == nullptr) {
        return nullptr;
    }
    auto* const copy = ::new (memory) parse_context(context);
    if (query != 0) {
        copy->property_query = static_cast<char*>(std::memcpy(copy + 1, context.property_query, query));
    }
    return copy;
}

void free(const parse_context* context) noexcept {
    if (context != &default_context) {
        ::operator delete(const_cast<parse_context*>(context));
    }
}

// OpenSSL's encoding of `x`; null if it has another size, or without memory.
[[nodiscard]] std::unique_ptr<unsigned char[]> encoding_of(const functions& f, X509* x, std::size_t size) {
    const errors_as_before unsaid(f);
    std::unique_ptr<unsigned char[]> der;
    if (f.i2d_X509(x, nullptr) == static_cast<int>(size)) {
        const uncancelled while_it_allocates;
        der.reset(new (std::nothrow) unsigned char[size]);
        unsigned char* out = der.get();
        if (out != nullptr && f.i2d_X509(x, &out) != static_cast<int>(size)) {
            der.reset();
        }
    }
    return der;
}

} // namespace

bool parse_context::operator==(const parse_context& other) const noexcept {
    const char* const a = property_query;
    const char* const b = other.property_query;
    return given == other.given && (a == b || (a != nullptr && b != nullptr && std::strcmp(a, b) == 0));
}

certificate_key::certificate_key(octets bytes, parse_context where) noexcept
    : der(bytes), context(where), hash(hash_of(bytes, where)) {}

certificate_entry::certificate_entry(certificate_home& in, X509* x, const certificate_key& k,
                                     const parse_context* where, std::uint32_t hand_outs,
                                     bool has_lease) noexcept
    : home(&in), x509(x), context(where), der_size(static_cast<std::uint32_t>(k.der.size())),
      hand_outs_left(hand_outs), watched(has_lease) {
    static_assert(sizeof(certificate_entry) <= 72, "a block of 80 bytes");
}

certificate_entry* certificate_entry::make(certificate_home& in, X509* x, const certificate_key& k,
                                           std::uint32_t hand_outs, bool watched) noexcept {
    const uncancelled all_of_this; // a program's malloc may be a cancellation point
    const parse_context* const context = copy_of(k.context);
    if (context == nullptr) {
        return nullptr;
    }
    void* const memory =
        ::operator new(sizeof(certificate_entry) + (watched ? sizeof(lease) : 0), std::nothrow);
    if (memory == nullptr) {
        free(context);
        return nullptr;
    }
    if (watched) {
        ::new (static_cast<unsigned char*>(memory) + sizeof(certificate_entry)) lease;
    }
    return ::new (memory) certificate_entry(in, x, k, context, hand_outs, watched);
}

certificate_entry::~certificate_entry() {
    delete image.load(std::memory_order_relaxed);
    free(context);
}

bool certificate_entry::may_be(const certificate_key& k) const noexcept {
    return agree(word(), k.hash) && der_size == k.der.size() && *context == k.context;
}

likeness certificate_entry::compare(const functions& f, const certificate_key& k, bool sees_exposures) {
    if (refused.load(std::memory_order_relaxed)) {
        return likeness::other;
    }
    const certificate_image* const known = image.load(std::memory_order_acquire);
    if (known == nullptr) {
        return compare_first(f, k);
    }
    if (!same_bytes(known->der(), k.der)) {
        return likeness::other;
    }
    const unsigned char reachable = sees_exposures ? exposed.load(std::memory_order_acquire)
                                                   : static_cast<unsigned char>(parts_are_exposed);
    return exposed_parts_are_of(f, *known, reachable) && !changed.load(std::memory_order_acquire)
               ? likeness::same
               : likeness::altered;
}

bool certificate_entry::exposed_parts_are_of(const functions& f, const certificate_image& bytes,
                                             unsigned char which) const {
    if ((which & parts_are_exposed) != 0 && !bytes.is_of(f, x509)) {
        return false;
    }
    if ((which & key_is_exposed) != 0 && !bytes.has_key_info_of(f, x509)) {
        return false;
    }
    if ((which & signature_is_exposed) == 0) {
        return true;
    }
    const std::unique_ptr<unsigned char[]> der = encoding_of(f, x509, der_size);
    return der != nullptr && same_bytes({der.get(), der_size}, bytes.der());
}

// OpenSSL reports a fault once for each object, at the first use. The first holder may not have used its
// object yet, and must get that report: so a copy is examined first.
[[nodiscard]] static bool has_sound_copy(const functions& f, X509* x) {
    struct copy {
        const functions& f;
        X509* const x;
        ~copy() noexcept(false) { f.X509_free(x); }
    } const its{f, f.X509_dup(x)};
    return its.x != nullptr && has_sound_extensions(f, its.x);
}

// A certificate whose encoding differs from what was parsed (BER that is not DER, after the signed part) is
// never found again.
likeness certificate_entry::compare_first(const functions& f, const certificate_key& k) {
    if (changed.load(std::memory_order_acquire)) {
        return likeness::altered;
    }
    {
        const std::unique_ptr<unsigned char[]> der = encoding_of(f, x509, der_size);
        if (der == nullptr || !same_bytes({der.get(), der_size}, k.der)) {
            return likeness::other;
        }
    }
    std::unique_ptr<certificate_image> made = certificate_image::make(k.der);
    if (made != nullptr &&
        !exposed_parts_are_of(f, *made, exposed.load(std::memory_order_acquire) | parts_are_exposed)) {
        return likeness::altered;
    }
    // With an error in the queue this cannot be examined now.
    if (f.ERR_peek_error() != 0) {
        return likeness::other;
    }
    if (made == nullptr || !has_sound_copy(f, x509) || !has_sound_extensions(f, x509)) {
        refused.store(true, std::memory_order_relaxed);
        return likeness::other;
    }
    weigh(k.der);
    certificate_image* none = nullptr;
    if (image.compare_exchange_strong(none, made.get(), std::memory_order_acq_rel)) {
        (void)made.release();
    }
    return !changed.load(std::memory_order_acquire) ? likeness::same : likeness::altered;
}

bool certificate_entry::is_as_parsed(const functions& f, bool sees_exposures) {
    const unsigned char reachable = sees_exposures ? exposed.load(std::memory_order_acquire)
                                                   : static_cast<unsigned char>(parts_are_exposed);
    if (reachable == 0) {
        return !changed.load(std::memory_order_acquire);
    }
    const certificate_image* known = image.load(std::memory_order_acquire);
    if (known == nullptr && (reachable & (signature_is_exposed | key_is_exposed)) != 0) {
        return false; // there are no original bytes to compare with
    }
    if (known == nullptr) {
        const std::unique_ptr<unsigned char[]> der = encoding_of(f, x509, der_size);
        auto made = der != nullptr ? certificate_image::make({der.get(), der_size}) : nullptr;
        if (made == nullptr) {
            return false;
        }
        known = made.get();
        certificate_image* other = nullptr;
        if (image.compare_exchange_strong(other, made.get(), std::memory_order_acq_rel)) {
            (void)made.release();
        } else {
            known = other;
        }
    }
    return !changed.load(std::memory_order_acquire) && exposed_parts_are_of(f, *known, reachable);
}

void certificate_entry::weigh(octets der) noexcept {
    constexpr std::size_t parts = 200; // of the image, beside the DER
    constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max();
    const std::size_t parsed = certificate_weight(der);
    const std::size_t own = heap_block(sizeof *this) + heap_block(der.size() + parts);
    const std::size_t whole = parsed < most - own ? parsed + own : most;
    weight.store(static_cast<std::uint32_t>(whole), std::memory_order_relaxed);
}

void certificate_entry::weigh(const functions& f) {
    if (weight.load(std::memory_order_relaxed) == 0) {
        if (const std::unique_ptr<unsigned char[]> der = encoding_of(f, x509, der_size)) {
            weigh({der.get(), der_size});
        }
    }
}

} // namespace ibid::openssl
