// SPDX-License-Identifier: Apache-2.0
//
// See files.h.
#include "cli/base/files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace ibid::cli {
namespace {

namespace fs = std::filesystem;

// In reverse: the first part is the last element.
void put_parts(std::vector<std::string>& to, const fs::path& path) {
    const std::vector<fs::path> parts(path.begin(), path.end());
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
        if (const std::string name = part->string(); !name.empty() && name != "/" && name != ".")
            to.push_back(name);
    }
}

} // namespace

file_text read_text_file(const std::string& path) {
    // Read, not mapped: a file that is truncated meanwhile must not end this process.
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return {{}, errno == ENOENT || errno == ENOTDIR ? "" : std::strerror(errno)};
    constexpr std::size_t most = std::size_t{1} << 20;
    std::string text;
    std::array<char, 4096> piece{};
    ssize_t got = 0;
    struct stat s {};
    const bool is_file = ::fstat(fd, &s) == 0 && S_ISREG(s.st_mode);
    while (is_file && text.size() <= most && (got = ::read(fd, piece.data(), piece.size())) > 0)
        text.append(piece.data(), static_cast<std::size_t>(got));
    const int error = got < 0 ? errno : 0;
    ::close(fd);
    const bool is_null = S_ISCHR(s.st_mode) && s.st_rdev == makedev(1, 3);
    if (!is_file && !is_null)
        return {{}, "it is not a regular file"};
    if (error != 0)
        return {{}, std::strerror(error)};
    if (text.size() > most)
        return {{}, "it is too large"};
    return {std::move(text), {}};
}

std::vector<std::string> lines_of_file(const std::string& path) {
    const std::string text = read_text_file(path).text.value_or("");
    std::vector<std::string> lines;
    for (std::string_view rest = text; !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        lines.emplace_back(line);
    }
    return lines;
}

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = ::write(fd, text.data(), text.size());
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

std::string inside(const std::string& root, std::string_view path, bool last_link) {
    if (root.empty())
        return std::string(path);
    std::vector<std::string> rest;
    put_parts(rest, path);
    fs::path reached = "/";
    std::error_code error;
    for (int links = 0; !rest.empty();) {
        const std::string part = rest.back();
        rest.pop_back();
        if (part == "..") {
            reached = reached.parent_path();
            continue;
        }
        const fs::path here = root + (reached / part).string();
        if ((rest.empty() && !last_link) || !fs::is_symlink(fs::symlink_status(here, error))) {
            reached /= part;
            continue;
        }
        constexpr int most_links = 40; // as Linux has it
        if (++links > most_links)
            return "/dev/null/links without an end";
        const fs::path target = fs::read_symlink(here, error);
        if (target.is_absolute())
            reached = "/";
        put_parts(rest, target);
    }
    return root + reached.string();
}

} // namespace ibid::cli
