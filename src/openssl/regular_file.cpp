// SPDX-License-Identifier: Apache-2.0
#include "regular_file.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "uncancelled.h"

namespace ibid::openssl {

regular_file::regular_file(const char* path) noexcept {
    const uncancelled all_of_this;
    constexpr off_t largest = off_t{256} << 20;
    struct stat status {};
    // Looked at before it is opened: the writer at the other end of a pipe would take that for its reader.
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode)) {
        return;
    }
    descriptor_ = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (descriptor_ < 0) {
        return;
    }
    if (fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size <= 0 ||
        status.st_size > largest) {
        close(descriptor_);
        descriptor_ = -1;
        return;
    }
    identity_ = {status.st_dev, status.st_ino};
    size_ = static_cast<std::size_t>(status.st_size);
}

regular_file::~regular_file() {
    if (is_open()) {
        const uncancelled all_of_this;
        close(descriptor_);
    }
}

std::shared_ptr<const unsigned char[]> regular_file::read() const {
    const uncancelled all_of_this;
    auto bytes = std::make_shared_for_overwrite<unsigned char[]>(size_);
    return fill({bytes.get(), size_}, 0) ? bytes : nullptr;
}

bool regular_file::holds(std::span<const unsigned char> bytes) const noexcept {
    if (bytes.size() != size_) {
        return false;
    }
    const uncancelled all_of_this;
    std::array<unsigned char, 16384>
        piece; // NOLINT(cppcoreguidelines-pro-type-member-init): filled before it is read
    for (std::size_t at = 0; at < bytes.size(); at += piece.size()) {
        const std::size_t n = std::min(piece.size(), bytes.size() - at);
        if (!fill({piece.data(), n}, at) || std::memcmp(piece.data(), bytes.data() + at, n) != 0) {
            return false;
        }
    }
    return true;
}

bool regular_file::fill(std::span<unsigned char> piece, std::size_t offset) const noexcept {
    while (!piece.empty()) {
        const ssize_t n = pread(descriptor_, piece.data(), piece.size(), static_cast<off_t>(offset));
        if (n <= 0) {
            return false; // shorter than it was a moment ago: somebody is writing to it
        }
        piece = piece.subspan(static_cast<std::size_t>(n));
        offset += static_cast<std::size_t>(n);
    }
    return true;
}

} // namespace ibid::openssl
