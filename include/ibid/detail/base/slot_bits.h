// SPDX-License-Identifier: Apache-2.0
//
// How a slot divides its 64 bits between an address and a tag, which is a part of the hash.
// IBID_SLOT_TAG_BITS chooses:
//
//  16: [ tag 16 | address 48 ]. x86-64: addresses of a program have 47 bits, unless it asks the kernel for
//  larger
//      ones (then define IBID_SLOT_TAG_BITS as 56, in all modules alike).
//   8: [ top byte of the address 8 | tag 8 | address 48 ]. arm64 ignores the top byte of an address, and
//   heaps that tag
//      memory (MTE) keep a color there.
//  56: [ tag 8 | address 56 ]. Other processors, and x86-64 with five levels of page tables (FreeBSD uses
//  them by itself).
//   0: [ address 64 ]. For the software tags of HWAddressSanitizer. Probing then touches each entry on its
//   way.
#pragma once

#include <bit>
#include <cstdint>

#include "ibid/detail/port/system.h"

#if !defined(IBID_SLOT_TAG_BITS)
#if defined(__SANITIZE_HWADDRESS__)
#define IBID_SLOT_TAG_BITS 0
#elif defined(__has_feature)
#if __has_feature(hwaddress_sanitizer)
#define IBID_SLOT_TAG_BITS 0
#endif
#endif
#endif
#if !defined(IBID_SLOT_TAG_BITS)
#if defined(__aarch64__)
#define IBID_SLOT_TAG_BITS 8
#elif defined(__x86_64__) && !defined(__FreeBSD__)
#define IBID_SLOT_TAG_BITS 16
#else
#define IBID_SLOT_TAG_BITS 56
#endif
#endif

namespace ibid {
inline namespace layout_1 {
namespace detail {

struct slot_bits {
    static_assert(IBID_SLOT_TAG_BITS == 16 || IBID_SLOT_TAG_BITS == 8 || IBID_SLOT_TAG_BITS == 56 ||
                  IBID_SLOT_TAG_BITS == 0);
    static constexpr bool above_56 = IBID_SLOT_TAG_BITS == 56;
    static constexpr unsigned tag_bits = above_56 ? 8 : IBID_SLOT_TAG_BITS;
    static constexpr unsigned shift = above_56 ? 56 : 48;
    static constexpr std::uint64_t tag_mask = ((std::uint64_t{1} << tag_bits) - 1) << shift;
    static constexpr std::uint64_t address_mask = ~tag_mask;
    static constexpr int home_bits = tag_bits == 16 ? 4 : 0; // of a tag

    // The tag, in its place in a slot: hash bits that are not in the entry's own word, and the home bits.
    // Other bits around it are arbitrary.
    [[nodiscard]] static std::uint64_t tag_among_others(std::uint64_t hash) noexcept {
        if constexpr (tag_bits == 16) {
            return std::rotr(hash, home_bits);
        } else {
            return hash >> (56 - shift); // its top byte
        }
    }
    [[nodiscard]] static std::uint64_t tag_of(std::uint64_t hash) noexcept {
        return tag_among_others(hash) & tag_mask;
    }
    // Of the tag, only its own bits count.
    [[nodiscard]] static bool has_tag(std::uint64_t slot, std::uint64_t tag) noexcept {
        return ((slot ^ tag) & tag_mask) == 0;
    }
};

[[nodiscard]] inline bool fits_a_slot(const void* address) noexcept {
    return (reinterpret_cast<std::uintptr_t>(address) & slot_bits::tag_mask) == 0;
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
