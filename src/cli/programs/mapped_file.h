// SPDX-License-Identifier: Apache-2.0
//
// The bytes of a file, mapped for reading while this object lives. Empty when it cannot be read.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ibid::cli {

class mapped_file {
public:
    explicit mapped_file(const std::string& path) {
        const int fd =
            ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a FIFO must not make us wait
        if (fd < 0)
            return;
        struct stat s {};
        if (::fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && s.st_size > 0) {
            const auto bytes = static_cast<std::size_t>(s.st_size);
            if (void* p = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, fd, 0); p != MAP_FAILED) {
                data_ = p;
                bytes_ = bytes;
            }
        }
        ::close(fd);
    }
    mapped_file(const mapped_file&) = delete;
    mapped_file& operator=(const mapped_file&) = delete;
    ~mapped_file() {
        if (data_ != nullptr)
            ::munmap(data_, bytes_);
    }

    [[nodiscard]] std::string_view bytes() const { return {static_cast<const char*>(data_), bytes_}; }

private:
    void* data_ = nullptr;
    std::size_t bytes_ = 0;
};

} // namespace ibid::cli
