// SPDX-License-Identifier: Apache-2.0
#include "regular_file.h"

#include <algorithm>
#include <cstring>

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "openssl/binding/uncancelled.h"

namespace ibid::openssl {

void regular_file::descriptor::open(const char* path, int flags) {
    // A thread that is cancelled in open() may already have opened the file (glibc bug 12683). So
    // cancellation happens before open(), as in stock, or in read().
    pthread_testcancel();
    const uncancelled this_call;
    number_ = ::open(path, flags | O_CLOEXEC);
}

void regular_file::descriptor::close() noexcept {
    if (is_open()) {
        const uncancelled all_of_this; // a thread that was cancelled in close() would leave the file open
        ::close(number_);
        number_ = -1;
    }
}

void regular_file::open_from_start() {
    constexpr off_t largest = off_t{32} << 20; // the whole file is read before it is parsed
    struct stat status {};
    file_.close();
    {
        // The writer of a pipe would take an open() for its reader; O_PATH does not open the pipe.
        descriptor place;
        place.open(path_, O_PATH);
        if (!place.is_open() || fstat(place.number(), &status) != 0 || !S_ISREG(status.st_mode)) {
            return;
        }
    }
    file_.open(path_, O_RDONLY | O_NOCTTY | O_NONBLOCK);
    if (file_.is_open() && (fstat(file_.number(), &status) != 0 || !S_ISREG(status.st_mode) ||
                            status.st_size <= 0 || status.st_size > largest)) {
        file_.close();
    }
    which_ = {status.st_dev, status.st_ino};
    written_ = {status.st_size, status.st_mtim, status.st_ctim};
}

std::unique_ptr<file_content> regular_file::read(bool is_text) {
    auto content = std::make_unique<file_content>(size());
    for (wiped_bytes& piece : content->pieces()) {
        if (!fill(piece.all()) || (is_text && std::memchr(piece.data(), 0, piece.size()) != nullptr)) {
            return nullptr;
        }
    }
    return at_end() ? std::move(content) : nullptr;
}

bool regular_file::holds(const file_content& bytes) {
    if (bytes.size() != size()) {
        return false;
    }
    wiped_bytes buffer(std::min(bytes.size(), file_content::piece_size));
    for (const wiped_bytes& piece : bytes.pieces()) {
        const auto part = buffer.all().first(piece.size());
        if (!fill(part) || std::memcmp(part.data(), piece.all().data(), part.size()) != 0) {
            return false;
        }
    }
    return at_end();
}

bool regular_file::fill(std::span<unsigned char> piece) const {
    while (!piece.empty()) {
        const ssize_t n = ::read(file_.number(), piece.data(), piece.size());
        if (n <= 0) {
            return false; // shorter than a moment ago: the file is being written to
        }
        piece = piece.subspan(static_cast<std::size_t>(n));
    }
    return true;
}

bool regular_file::at_end() const {
    unsigned char more = 0;
    return ::read(file_.number(), &more, 1) == 0;
}

} // namespace ibid::openssl
