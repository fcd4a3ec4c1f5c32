// SPDX-License-Identifier: Apache-2.0
#include "stock_twin.h"

#include <cstdio>
#include <cstdlib>
#include <vector>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scenes.h"

namespace ibid::fuzz {

namespace {

// False at the end of the stream.
[[nodiscard]] bool read_all(int fd, void* into, std::size_t size) {
    auto* p = static_cast<char*>(into);
    while (size > 0) {
        const ssize_t n = read(fd, p, size);
        if (n <= 0) {
            return false;
        }
        p += n;
        size -= static_cast<std::size_t>(n);
    }
    return true;
}

[[nodiscard]] bool write_all(int fd, const void* from, std::size_t size) {
    const auto* p = static_cast<const char*>(from);
    while (size > 0) {
        const ssize_t n = send(fd, p, size, MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        p += n;
        size -= static_cast<std::size_t>(n);
    }
    return true;
}

[[nodiscard]] bool write_block(int fd, const void* data, std::size_t size) {
    return write_all(fd, &size, sizeof size) && write_all(fd, data, size);
}

template <class Block>
[[nodiscard]] bool read_block(int fd, Block& into) {
    std::size_t size = 0;
    if (!read_all(fd, &size, sizeof size)) {
        return false;
    }
    into.resize(size);
    return read_all(fd, into.data(), size);
}

} // namespace

stock_twin::stock_twin() {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0 || (child_ = fork()) < 0) {
        std::perror("stock_twin");
        std::abort();
    }
    const bool twin = child_ == 0;
    socket_ = pair[twin ? 1 : 0];
    close(pair[twin ? 0 : 1]);
    if (twin) {
        serve();
    }
}

stock_twin::~stock_twin() {
    close(socket_);
    waitpid(child_, nullptr, 0);
}

void stock_twin::serve() {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setenv("IBID_DISABLE", "1", 1);
    std::vector<std::uint8_t> bytes;
    while (read_block(socket_, bytes)) {
        fuzz::outcome seen;
        play(input(bytes), seen);
        if (!write_block(socket_, seen.text().data(), seen.text().size())) {
            break;
        }
    }
    _exit(0);
}

void stock_twin::begin(std::span<const std::uint8_t> bytes) {
    if (!write_block(socket_, bytes.data(), bytes.size())) {
        std::fputs("the stock process has ended\n", stderr);
        std::abort();
    }
}

std::string stock_twin::outcome() {
    std::string text;
    if (!read_block(socket_, text)) {
        std::fputs("the stock process has ended: this input ends OpenSSL itself\n", stderr);
        std::abort();
    }
    return text;
}

} // namespace ibid::fuzz
