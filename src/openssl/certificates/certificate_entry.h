// SPDX-License-Identifier: Apache-2.0
//
// What the cache keeps beside each certificate: by what it is known, and whether it still is what it was
// parsed from.
//
// Law: an entry belongs to its X509 and ends with it, in OpenSSL's ex_data free callback, where nothing of
// OpenSSL's may be called: so all memory here is ibid's own. A certificate that is met once costs one small
// block: its bytes are not kept. The first hit compares with what OpenSSL encodes again from the object, and
// keeps that, and where in it the parts stand that a program can write to (certificate_image.h).
#pragma once

#include <openssl/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "certificate_image.h"
#include "ibid/detail/base/entry_word.h"
#include "openssl/binding/functions.h"
#include "signature_memo.h"

namespace ibid::openssl {

struct certificate_home;

// Where a certificate is parsed. Contexts are compared as addresses, which is sound because forget_context()
// runs before an address can be given to another context.
struct parse_context {
    const OSSL_LIB_CTX* given = nullptr;  // null: OpenSSL's global default
    const char* property_query = nullptr; // borrowed, like the bytes

    [[nodiscard]] bool is_default() const noexcept { return given == nullptr && property_query == nullptr; }
    [[nodiscard]] bool operator==(const parse_context& other) const noexcept;
};

// Bytes that are borrowed for a call, and where they are parsed.
struct certificate_key {
    std::span<const unsigned char> der;
    parse_context context;
    std::uint64_t hash; // of both

    certificate_key(std::span<const unsigned char> bytes, parse_context where) noexcept;
};

// How a certificate that was found relates to the bytes that were looked for.
enum class likeness : unsigned char {
    same,
    other,   // other bytes; or it is not known, for want of memory; or more than one may not have it
    altered, // somebody has written to it
};

// Small, because there is one for each certificate that is met, and most are met once.
struct certificate_entry : detail::entry_word {
    certificate_home* const home;       // the table in which it stands, or stood until the process forked
    X509* const x509;                   // not a reference: this entry ends when it does
    const parse_context* const context; // its own, or everybody's default
    // Null until the first hit. Release and acquire.
    std::atomic<certificate_image*> image{nullptr};
    signature_memo::record verified; // by which keys
    const std::uint32_t der_size;
    // In bytes, with all that OpenSSL and ibid keep for it; 0: not known yet. Relaxed: it depends on the DER
    // alone.
    std::atomic<std::uint32_t> weight{0};
    // How many more may get it. Written under the lock of the table's shard alone.
    std::atomic<std::uint32_t> hand_outs_left;
    // Somebody wrote to the certificate: what is known of it holds no longer. Release before the first write,
    // acquire after the comparison: as long as it is not set, nobody has begun to write.
    std::atomic<bool> changed{false};
    std::atomic<bool> refused{false}; // found to be for one holder alone. Relaxed: else it is found once more
    // Somebody has a pointer into the certificate, and may write through it without a call. Release before the pointer is given out.
    std::atomic<bool> exposed{false};
    bool linked = false; // in the table. Of who makes the entry, and of who ends it

    static constexpr std::size_t largest = std::numeric_limits<int>::max(); // in DER

    // Null without memory.
    [[nodiscard]] static certificate_entry* make(certificate_home& in, X509* x, const certificate_key& k,
                                                 std::uint32_t hand_outs) noexcept;
    certificate_entry(const certificate_entry&) = delete;
    certificate_entry& operator=(const certificate_entry&) = delete;
    ~certificate_entry();

    // What can be compared of an entry that may be ending, under the table's lock: all but the bytes.
    [[nodiscard]] bool may_be(const certificate_key& k) const noexcept;

    // The rest. The caller has a reference. The first call also decides whether more than one may have the
    // certificate. `sees_exposures`: the parts are compared only if `exposed` says that somebody can reach them.
    [[nodiscard]] likeness compare(const functions& f, const certificate_key& k, bool sees_exposures);

    // Whether the certificate still is its bytes. The caller has a reference. False also when it is not known,
    // for want of memory.
    [[nodiscard]] bool is_as_parsed(const functions& f, bool sees_exposures);

    // So that it can be retained: `der` is what it was parsed from.
    void weigh(std::span<const unsigned char> der) noexcept;
    // The same from OpenSSL's own encoding.
    void weigh(const functions& f);

private:
    certificate_entry(certificate_home& in, X509* x, const certificate_key& k, const parse_context* where,
                      std::uint32_t hand_outs) noexcept;
    [[nodiscard]] likeness compare_first(const functions& f, const certificate_key& k);
};

} // namespace ibid::openssl
