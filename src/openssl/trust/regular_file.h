// SPDX-License-Identifier: Apache-2.0
//
// A regular file that is open for reading. A trust store reads all of its bytes, or compares them with known
// ones.
//
// Laws:
//  - Anything but a regular file is never opened and is left to OpenSSL: a pipe can be read only once. A file
//    whose length changes during the read counts as unreadable.
//  - System calls: open(), fstat(), read(), close(), each as the C library makes it, and no other. These are
//    the calls that OpenSSL makes through fopen() when it loads the same file, so a sandbox that lets OpenSSL
//    load it lets ibid. What a path leads to is therefore told by fstat() of a descriptor that opens nothing
//    (O_PATH): stat() is another call in some versions of the C library. A call that is refused leaves the
//    file to OpenSSL.
//  - A thread can be cancelled where it can in OpenSSL's load: when it opens the file and when it reads. Then
//    the file is closed and the memory freed.
#pragma once

#include <cstddef>
#include <ctime>
#include <memory>
#include <span>

#include <sys/types.h>

#include "file_content.h"

namespace ibid::openssl {

class regular_file {
public:
    // Device and inode. An inode may be used again, so this is a guess at the content, and no more.
    struct identity {
        dev_t device = 0;
        ino_t inode = 0;

        [[nodiscard]] bool operator==(const identity&) const noexcept = default;
    };
    // The time of the last write, according to the file system.
    struct stamp {
        off_t size = -1;
        timespec modified{};
        timespec changed{};

        [[nodiscard]] bool operator==(const stamp& other) const noexcept {
            return size == other.size && same(modified, other.modified) && same(changed, other.changed);
        }

    private:
        [[nodiscard]] static bool same(const timespec& a, const timespec& b) noexcept {
            return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
        }
    };

    // `path` must live as long as this object.
    explicit regular_file(const char* path) : path_(path) { open_from_start(); }
    regular_file(const regular_file&) = delete;
    regular_file& operator=(const regular_file&) = delete;

    [[nodiscard]] bool is_open() const noexcept { return file_.is_open(); }
    [[nodiscard]] identity which() const noexcept { return which_; }
    [[nodiscard]] const stamp& written() const noexcept { return written_; }
    [[nodiscard]] std::size_t size() const noexcept { // more than zero
        return static_cast<std::size_t>(written_.size);
    }

    // Opens the path again, to read it again; it may lead to another file now.
    void open_from_start();

    // The whole file; call it once. Null if it cannot be read, or if it should be text but contains a NUL.
    // Throws bad_alloc.
    [[nodiscard]] std::unique_ptr<file_content> read(bool is_text);

    // Whether the file consists of these bytes; call it once. Uses memory for one piece, which stays in a
    // near cache of the processor, so it costs a fraction of read(). Also false if the file cannot be read.
    // Throws bad_alloc.
    [[nodiscard]] bool holds(const file_content& bytes);

private:
    class descriptor {
    public:
        descriptor() noexcept = default;
        descriptor(const descriptor&) = delete;
        descriptor& operator=(const descriptor&) = delete;
        ~descriptor() { close(); }

        void open(const char* path, int flags);
        void close() noexcept;
        [[nodiscard]] bool is_open() const noexcept { return number_ >= 0; }
        [[nodiscard]] int number() const noexcept { return number_; }

    private:
        int number_ = -1;
    };

    // Fills `piece` completely with the next bytes.
    [[nodiscard]] bool fill(std::span<unsigned char> piece) const;
    [[nodiscard]] bool at_end() const;

    const char* path_;
    descriptor file_;
    // Only the needed fields of `struct stat`, because OpenSSL's parsers may run on the same, small stack
    // during the lifetime of this object.
    identity which_;
    stamp written_;
};

} // namespace ibid::openssl
