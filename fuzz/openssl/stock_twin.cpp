// SPDX-License-Identifier: Apache-2.0
#include "stock_twin.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "blocks.h"

namespace ibid::fuzz {

stock_twin::stock_twin() {
    const std::string program =
        std::filesystem::read_symlink("/proc/self/exe").replace_filename("openssl_stock_twin");
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0 || (child_ = fork()) < 0) {
        std::perror("stock_twin");
        std::abort();
    }
    if (child_ == 0) {
        dup2(pair[1], STDIN_FILENO);
        execl(program.c_str(), program.c_str(), static_cast<char*>(nullptr));
        std::perror(program.c_str());
        _exit(127);
    }
    socket_ = pair[0];
    close(pair[1]);
}

stock_twin::~stock_twin() {
    close(socket_);
    while (waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
    }
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
