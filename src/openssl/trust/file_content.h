// SPDX-License-Identifier: Apache-2.0
//
// The bytes of a file in memory.
//
// Laws:
//  - They are kept in pieces below malloc's threshold for mmap. OpenSSL reads a file line by line and maps
//    nothing, so a sandbox made for OpenSSL may forbid that call.
//  - They are overwritten before their memory is freed: a file may hold a secret.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "ibid/hash.h"

namespace ibid::openssl {

// Memory for bytes that is overwritten before it is freed. Throws bad_alloc.
class wiped_bytes {
public:
    wiped_bytes() noexcept = default;
    explicit wiped_bytes(std::size_t size)
        : bytes_(std::make_unique_for_overwrite<unsigned char[]>(size)), size_(size) {}
    wiped_bytes(wiped_bytes&& other) noexcept
        : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}
    wiped_bytes& operator=(wiped_bytes other) noexcept {
        std::swap(bytes_, other.bytes_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~wiped_bytes() {
        if (bytes_ != nullptr) {
            explicit_bzero(bytes_.get(), size_);
        }
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] unsigned char* data() noexcept { return bytes_.get(); }
    [[nodiscard]] std::span<unsigned char> all() noexcept { return {bytes_.get(), size_}; }
    [[nodiscard]] std::span<const unsigned char> all() const noexcept { return {bytes_.get(), size_}; }

private:
    std::unique_ptr<unsigned char[]> bytes_;
    std::size_t size_ = 0;
};

class file_content {
public:
    static constexpr std::size_t piece_size = 32768;

    // Room for this many bytes, to be filled piece by piece. Throws bad_alloc.
    explicit file_content(std::size_t size) : size_(size) {
        pieces_.reserve((size + piece_size - 1) / piece_size);
        for (std::size_t at = 0; at < size; at += piece_size) {
            pieces_.emplace_back(std::min(piece_size, size - at));
        }
    }

    // All pieces except the last are full.
    [[nodiscard]] std::span<wiped_bytes> pieces() noexcept { return pieces_; }
    [[nodiscard]] std::span<const wiped_bytes> pieces() const noexcept { return pieces_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    // The memory that this uses.
    [[nodiscard]] std::size_t weight() const noexcept {
        constexpr std::size_t of_the_allocator = 16;
        return sizeof *this + size_ + pieces_.capacity() * (sizeof(wiped_bytes) + of_the_allocator);
    }

    [[nodiscard]] bool contains(unsigned char c) const noexcept {
        return std::ranges::any_of(pieces_, [c](const wiped_bytes& p) {
            return std::memchr(p.all().data(), c, p.size()) != nullptr;
        });
    }

    [[nodiscard]] bool operator==(const file_content& other) const noexcept {
        return size_ == other.size_ &&
               std::ranges::equal(pieces_, other.pieces_, [](const wiped_bytes& a, const wiped_bytes& b) {
                   return std::memcmp(a.all().data(), b.all().data(), a.size()) == 0;
               });
    }

    // A keyed hash, as hash_bytes().
    [[nodiscard]] std::uint64_t hash() const noexcept {
        std::uint64_t so_far[2] = {0, size_};
        for (const wiped_bytes& p : pieces_) {
            so_far[1] = hash_bytes(p.all().data(), p.size());
            so_far[0] = hash_bytes(so_far, sizeof so_far);
        }
        return so_far[0];
    }

private:
    std::vector<wiped_bytes> pieces_;
    std::size_t size_;
};

} // namespace ibid::openssl
