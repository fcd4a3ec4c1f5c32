// SPDX-License-Identifier: Apache-2.0
//
// See file_bytes.h.
#include "cli/programs/file_bytes.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ibid::cli {
namespace {

constexpr std::size_t piece = std::size_t{64} << 10; // a multiple of the page size, also of arm64's largest
constexpr std::size_t largest_file = std::size_t{16} << 30;

} // namespace

file_bytes::file_bytes(const std::string& path) {
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat s {};
    if (fd_ < 0 || ::fstat(fd_, &s) != 0 || !S_ISREG(s.st_mode) || s.st_size <= 0 ||
        static_cast<std::uint64_t>(s.st_size) > largest_file)
        return;
    const auto bytes = static_cast<std::size_t>(s.st_size);
    void* const reserved =
        ::mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved == MAP_FAILED)
        return;
    data_ = static_cast<const char*>(reserved);
    size_ = bytes;
    is_read_.resize((bytes + piece - 1) / piece);
}

file_bytes::~file_bytes() {
    if (fd_ < 0)
        return;
    if (data_ != nullptr)
        ::munmap(const_cast<char*>(data_), size_);
    ::close(fd_);
}

std::string_view file_bytes::slice(std::uint64_t offset, std::uint64_t length) const {
    if (offset >= size_)
        return {};
    const auto begin = static_cast<std::size_t>(offset);
    const std::size_t end = begin + static_cast<std::size_t>(std::min<std::uint64_t>(length, size_ - begin));
    return {data_ + begin, (fd_ < 0 ? end : read_range(begin, end)) - begin};
}

std::size_t file_bytes::read_range(std::size_t begin, std::size_t end) const {
    const std::size_t last = (end + piece - 1) / piece;
    for (std::size_t i = begin / piece; i < last;) {
        std::size_t next = i;
        while (next < last && is_read_[next] == is_read_[i])
            ++next;
        if (!is_read_[i]) {
            const std::size_t run = std::min(next - i, may_read_ / piece);
            if (run == 0 || !read_pieces(i, i + run))
                return std::max(begin, i * piece);
            next = i + run;
        }
        i = next;
    }
    return end;
}

bool file_bytes::any_part(std::uint64_t offset, std::uint64_t length, const part_test& is_it) const {
    if (fd_ < 0 || offset >= size_)
        return is_it(slice(offset, length), offset);
    constexpr std::size_t step = std::size_t{256} << 10;
    const std::uint64_t end = offset + std::min<std::uint64_t>({length, size_ - offset, most_read});
    std::vector<char> buffer(step + overlap);
    for (std::uint64_t at = offset; at < end; at += step) {
        const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), end - at));
        if (is_it({buffer.data(), read_at(at, buffer.data(), wanted)}, at))
            return true;
    }
    return false;
}

std::size_t file_bytes::read_at(std::uint64_t offset, char* to, std::size_t bytes) const {
    std::size_t done = 0;
    while (done < bytes) {
        const ssize_t n = ::pread(fd_, to + done, bytes - done, static_cast<off_t>(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break; // it was truncated, or cannot be read here
        done += static_cast<std::size_t>(n);
    }
    return done;
}

bool file_bytes::read_pieces(std::size_t first, std::size_t last) const {
    const std::size_t begin = first * piece;
    const std::size_t bytes = std::min(last * piece, size_) - begin;
    char* const memory = const_cast<char*>(data_) + begin; // reserved by the constructor
    if (::mprotect(memory, bytes, PROT_READ | PROT_WRITE) != 0)
        return false;
    (void)read_at(begin, memory, bytes); // else zeros
    std::fill(is_read_.begin() + static_cast<std::ptrdiff_t>(first),
              is_read_.begin() + static_cast<std::ptrdiff_t>(last), true);
    may_read_ -= (last - first) * piece;
    return true;
}

} // namespace ibid::cli
