// SPDX-License-Identifier: Apache-2.0
//
// A regular file that is open for reading, and the two things that a trust store asks of it: all of its bytes, or whether
// they are still these.
//
// Law: what is no regular file (a pipe, which can be read once; a device; nothing at all) is never opened: it is
// OpenSSL's to deal with. A file that changes its length while it is read is not read.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include <sys/types.h>

namespace ibid::openssl {

class regular_file {
public:
    // Which file it is, on this machine and for now: an inode may be used again. A guess at what is in it, and no more.
    struct identity {
        dev_t device = 0;
        ino_t inode = 0;

        [[nodiscard]] bool operator==(const identity&) const noexcept = default;
    };

    explicit regular_file(const char* path) noexcept;
    regular_file(const regular_file&) = delete;
    regular_file& operator=(const regular_file&) = delete;
    ~regular_file();

    [[nodiscard]] bool is_open() const noexcept { return descriptor_ >= 0; }
    [[nodiscard]] identity which() const noexcept { return identity_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; } // more than zero

    // All of it; null when it cannot be read. Throws bad_alloc.
    [[nodiscard]] std::shared_ptr<const unsigned char[]> read() const;

    // Whether it consists of these bytes. Reads them in pieces that stay in the processor's nearest cache, which costs a
    // fraction of read(): no memory is asked for, and none is seen for the first time. False also when it cannot be read.
    [[nodiscard]] bool holds(std::span<const unsigned char> bytes) const noexcept;

private:
    // Fills all of `piece`, which begins at `offset`.
    [[nodiscard]] bool fill(std::span<unsigned char> piece, std::size_t offset) const noexcept;

    int descriptor_ = -1;
    identity identity_;
    std::size_t size_ = 0;
};

} // namespace ibid::openssl
