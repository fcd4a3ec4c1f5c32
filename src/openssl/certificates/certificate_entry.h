// SPDX-License-Identifier: Apache-2.0
//
// The cache's record of a certificate: its hash and context, and whether it has changed since it was parsed.
//
// Laws:
//  - An entry belongs to its X509 and ends with it, in OpenSSL's ex_data free callback. That callback may not
//    call OpenSSL, so all memory here is ibid's own.
//  - A certificate that is parsed once costs one small block: its bytes are not kept. The first hit encodes
//    the object again, compares that with the bytes, and keeps it as the image (certificate_image.h).
#pragma once

#include <openssl/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "certificate_image.h"
#include "ibid/detail/base/entry_word.h"
#include "lease.h"
#include "openssl/binding/functions.h"
#include "signature_memo.h"

namespace ibid::openssl {

struct certificate_home;

// Where a certificate is parsed. Contexts are compared by address: forget_context() runs before OpenSSL can
// use the address for another context.
struct parse_context {
    const OSSL_LIB_CTX* given = nullptr;  // null: OpenSSL's global default
    const char* property_query = nullptr; // borrowed, like the bytes

    [[nodiscard]] bool is_default() const noexcept { return given == nullptr && property_query == nullptr; }
    [[nodiscard]] bool operator==(const parse_context& other) const noexcept;
};

// Bytes that are borrowed for a call, and the context in which they are parsed.
struct certificate_key {
    std::span<const unsigned char> der;
    parse_context context;
    std::uint64_t hash; // of both

    certificate_key(std::span<const unsigned char> bytes, parse_context where) noexcept;
};

// The result of comparing a found certificate with the bytes of the lookup.
enum class likeness : unsigned char {
    same,
    other,   // other bytes; or not known, for want of memory; or not to be shared
    altered, // a program has written to it
};

enum exposure : unsigned char {
    parts_are_exposed = 1,    // what certificate_image compares
    signature_is_exposed = 2, // and its algorithm: compared with OpenSSL's encoding, some 2 µs
    key_is_exposed = 4,       // with its algorithm: in the same way
    rest_is_exposed = 8,      // never compared: the certificate is shared no more
};

// Small, because each certificate has one, and most certificates are parsed only once.
struct certificate_entry : detail::entry_word {
    certificate_home* const home;       // the table that contains it, or did before a fork
    X509* const x509;                   // not a reference: this entry ends when it does
    const parse_context* const context; // its own, or the common default
    // Null until the first hit. Release and acquire.
    std::atomic<certificate_image*> image{nullptr};
    signature_memo::record verified; // by which keys
    const std::uint32_t der_size;
    // In bytes, including all that OpenSSL and ibid keep for it; 0: not known yet. Relaxed: it depends only
    // on the DER.
    std::atomic<std::uint32_t> weight{0};
    // How often it may still be handed out. Written only under the lock of the table's shard.
    std::atomic<std::uint32_t> hand_outs_left;
    // A program wrote to the certificate: this record is out of date. Release before the first write, acquire
    // after the comparison: while this is false, no write has begun.
    std::atomic<bool> changed{false};
    std::atomic<bool> refused{false}; // not to be shared. Relaxed: a thread that misses it finds out again
    // A program has pointers into these parts of the certificate, and may write through them without a call.
    // Bits of `exposure`. Release before the program gets the pointer, acquire at each hit.
    std::atomic<unsigned char> exposed{0};
    bool linked : 1 =
        false; // in the table. Used by the thread that makes the entry, then by the one that ends it
    // A lease follows the entry in memory: ibid has seen every getter so far that returned this certificate.
    const bool watched : 1;

    static constexpr std::size_t largest = std::numeric_limits<int>::max(); // in DER

    // Null without memory.
    [[nodiscard]] static certificate_entry* make(certificate_home& in, X509* x, const certificate_key& k,
                                                 std::uint32_t hand_outs, bool watched) noexcept;
    // Its memory may be larger than itself.
    static void* operator new(std::size_t size) { return ::operator new(size); }
    static void operator delete(void* memory) noexcept { ::operator delete(memory); }
    certificate_entry(const certificate_entry&) = delete;
    certificate_entry& operator=(const certificate_entry&) = delete;
    ~certificate_entry();

    // Null: who has the certificate is not known.
    [[nodiscard]] lease* holder() noexcept { return watched ? reinterpret_cast<lease*>(this + 1) : nullptr; }

    // Compares everything except the bytes. For an entry that may be ending; under the table's lock.
    [[nodiscard]] bool may_be(const certificate_key& k) const noexcept;

    // Compares the rest. Requires a reference. The first call also decides whether the certificate can be
    // shared. `sees_exposures`: compare the parts only if `exposed`.
    [[nodiscard]] likeness compare(const functions& f, const certificate_key& k, bool sees_exposures);

    // Whether the certificate still has its original bytes. Requires a reference. Also false if there is no
    // memory to check.
    [[nodiscard]] bool is_as_parsed(const functions& f, bool sees_exposures);

    // Sets `weight`, without which an entry is not retained. `der`: what it was parsed from.
    void weigh(std::span<const unsigned char> der) noexcept;
    // The same from OpenSSL's own encoding.
    void weigh(const functions& f);

private:
    certificate_entry(certificate_home& in, X509* x, const certificate_key& k, const parse_context* where,
                      std::uint32_t hand_outs, bool watched) noexcept;
    [[nodiscard]] bool exposed_parts_are_of(const functions& f, const certificate_image& bytes,
                                            unsigned char which) const;
    [[nodiscard]] likeness compare_first(const functions& f, const certificate_key& k);
};

} // namespace ibid::openssl
