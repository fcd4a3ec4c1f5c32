// SPDX-License-Identifier: Apache-2.0
//
// The bytes of a file, of which only the parts that are asked for are read.
//
// Law: the file may be another user's, who changes it meanwhile. So it is read, not mapped: behind the end of
// a file that was truncated a mapping raises SIGBUS. What is missing then reads as zeros. A sparse file may
// claim any size: no more than `most_read` bytes of one file are kept, and of one range are looked through.
//
//     const file_bytes file("/usr/bin/node");
//     std::string_view begin = file.slice(0, 64); // valid while `file` lives
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ibid::cli {

class file_bytes {
public:
    static constexpr std::size_t most_read = std::size_t{256} << 20;

    // Without bytes if it cannot be read, is not a regular file, or is larger than any program. A FIFO does
    // not block it.
    explicit file_bytes(const std::string& path);
    // The same from bytes that outlive it.
    [[nodiscard]] static file_bytes in_memory(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
    file_bytes(const file_bytes&) = delete;
    file_bytes& operator=(const file_bytes&) = delete;
    ~file_bytes();

    // The file's, which may be more than can be read.
    [[nodiscard]] std::size_t size() const { return size_; }

    // What there is of `length` bytes at `offset`.
    [[nodiscard]] std::string_view slice(std::uint64_t offset, std::uint64_t length) const;

    // Reads a range through a small buffer. Calls `is_it` for parts of it, with the offset of each, until it
    // returns true; returns whether it did. Parts overlap, so that a text of up to `overlap` characters is
    // whole in one of them, and may be in two.
    static constexpr std::size_t overlap = 64;
    using part_test = std::function<bool(std::string_view part, std::uint64_t offset)>;
    [[nodiscard]] bool any_part(std::uint64_t offset, std::uint64_t length, const part_test& is_it) const;

    // Whether the file goes so far.
    [[nodiscard]] bool has(std::uint64_t offset, std::uint64_t length) const {
        return offset <= size_ && length <= size_ - offset;
    }

    // A copy of the T at `offset`, because data in files may be unaligned.
    template <class T>
    [[nodiscard]] std::optional<T> at(std::uint64_t offset) const {
        const std::string_view bytes = slice(offset, sizeof(T));
        if (bytes.size() < sizeof(T))
            return std::nullopt;
        T value;
        std::memcpy(&value, bytes.data(), sizeof(T));
        return value;
    }

private:
    file_bytes(const char* data, std::size_t size) : data_(data), size_(size) {}

    // The first byte of the range that is not in memory after it was read; `end` if all is.
    [[nodiscard]] std::size_t read_range(std::size_t begin, std::size_t end) const;
    // The number of bytes read.
    [[nodiscard]] std::size_t read_at(std::uint64_t offset, char* to, std::size_t bytes) const;
    [[nodiscard]] bool read_pieces(std::size_t first, std::size_t last) const;

    int fd_ = -1; // negative: in_memory(), or nothing
    const char* data_ = nullptr;
    std::size_t size_ = 0;
    // The file's address space is reserved; these pieces of it are in memory.
    mutable std::vector<bool> is_read_;
    mutable std::size_t may_read_ = most_read;
};

} // namespace ibid::cli
