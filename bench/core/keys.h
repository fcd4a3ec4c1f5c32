// SPDX-License-Identifier: Apache-2.0
//
// The two kinds of key: 16 bytes, a plain object (a digest, an address, a UUID), and 1,200 bytes, a
// std::string that is looked up by a string_view (a certificate). What is interned is the bytes themselves,
// so that interners of keys and caches from keys to values do the same work.
//
// Law: every C++ program stores and passes these same types. A lookup compares the caller's copy of a key,
// which is in the processor's cache, with the interner's own copy.
#pragma once

#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#define XXH_INLINE_ALL
#define XXH_FORCE_MEMORY_ACCESS 0 // as in ibid/hash.h
#include <xxhash.h>

#include "core/sequence.h"

namespace bench {

inline void write_key(char* to, std::uint64_t bytes, std::uint64_t key) noexcept {
    for (std::uint64_t j = 0; j < bytes / 8; ++j) {
        const std::uint64_t word = key_word(key, j); // little-endian machines only, as ibid
        std::memcpy(to + 8 * j, &word, 8);
    }
}

struct key16 {
    static constexpr std::uint64_t bytes = 16;
    using owned = std::array<char, 16>; // what is stored
    using view = std::array<char, 16>;  // what is looked up, by const reference

    // Keys one after another in the order of use, so that reading them costs the caller no cache miss.
    class stream {
    public:
        explicit stream(const std::vector<std::uint32_t>& numbers) : keys_(numbers.size()) {
            for (std::size_t k = 0; k < numbers.size(); ++k) {
                write_key(keys_[k].data(), bytes, numbers[k]);
            }
        }
        [[nodiscard]] const view& operator[](std::size_t k) const noexcept { return keys_[k]; }
        [[nodiscard]] std::size_t size() const noexcept { return keys_.size(); }

    private:
        std::vector<view> keys_;
    };
};

struct key1200 {
    static constexpr std::uint64_t bytes = 1200;
    using owned = std::string;
    using view = std::string_view;

    class stream {
    public:
        explicit stream(const std::vector<std::uint32_t>& numbers)
            : size_(numbers.size()), keys_(size_ * bytes) {
            for (std::size_t k = 0; k < size_; ++k) {
                write_key(&keys_[k * bytes], bytes, numbers[k]);
            }
        }
        [[nodiscard]] view operator[](std::size_t k) const noexcept { return {&keys_[k * bytes], bytes}; }
        [[nodiscard]] std::size_t size() const noexcept { return size_; }

    private:
        std::size_t size_;
        std::vector<char> keys_;
    };
};

// The hash that every peer gets: XXH3 with a secret, as in ibid. For keys longer than 240 bytes, the result
// is the same as with the seed from which the secret was made; the Java library supports only seeds.
inline constexpr std::uint64_t hash_seed = 0x1b1d;

struct xxh3 {
    template <class View>
    [[nodiscard]] std::size_t operator()(const View& key) const noexcept {
        return XXH3_64bits_withSecret(key.data(), key.size(), secret.data(), secret.size());
    }
    inline static const std::array<unsigned char, XXH3_SECRET_DEFAULT_SIZE> secret = [] {
        std::array<unsigned char, XXH3_SECRET_DEFAULT_SIZE> made;
        XXH3_generateSecret_fromSeed(made.data(), hash_seed);
        return made;
    }();
};

} // namespace bench
