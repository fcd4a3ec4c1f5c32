// SPDX-License-Identifier: Apache-2.0
//
// See loaded_files.h.
#include "cli/programs/loaded_files.h"

#include "cli/base/files.h"
#include "statistics/process_maps.h"
#include "statistics/reading_child.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <climits>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

#include <linux/memfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ibid::cli {
namespace {

namespace fs = std::filesystem;

// How the kernel ends the path of a file that has no name any more.
constexpr std::string_view mark_of_deleted = " (deleted)";

// A file may have this name, too.
bool is_deleted(const std::string& path, const std::string& root) {
    std::error_code error;
    return path.ends_with(mark_of_deleted) && !fs::exists(root + path, error);
}

std::string without_mark(const std::string& path) {
    return path.substr(0, path.size() - mark_of_deleted.size());
}

struct mapped_path {
    std::string range; // its name in /proc/PID/map_files
    std::string path;  // as in /proc/PID/maps, where a line feed is "\012"
};

// One for each path.
std::vector<mapped_path> executable_mappings(pid_t pid) {
    std::vector<mapped_path> all;
    const std::string maps = shared_statistics::read_in_time(fmt::format("/proc/{}/maps", pid)).value_or("");
    for (const shared_statistics::mapping& m : shared_statistics::mappings(maps)) {
        if (m.is_executable() && !m.file().empty() &&
            std::none_of(all.begin(), all.end(), [&m](const mapped_path& p) { return p.path == m.file(); }))
            all.push_back({std::string(m.range), std::string(m.file())});
    }
    return all;
}

// The path of a mapping as it is. Only readlink: following the link needs CAP_CHECKPOINT_RESTORE.
std::optional<std::string> exact_path(const std::string& link) {
    using namespace std::chrono_literals;
    shared_statistics::reading_child child([&link](shared_statistics::reading_child::answers& out) {
        std::array<char, PATH_MAX> path{};
        const ssize_t length = ::readlink(link.c_str(), path.data(), path.size());
        if (length > 0)
            out.send({path.data(), static_cast<std::size_t>(length)});
    });
    return child.next(1s);
}

} // namespace

memory_file::memory_file(const std::string& bytes)
    : fd_(static_cast<int>(::syscall(SYS_memfd_create, "ibid", MFD_CLOEXEC))) {
    if (fd_ >= 0 && !write_all(fd_, bytes)) {
        ::close(fd_);
        fd_ = -1;
    }
}

memory_file::~memory_file() {
    if (fd_ >= 0)
        ::close(fd_);
}

std::string memory_file::path() const {
    return fd_ < 0 ? std::string() : fmt::format("/proc/self/fd/{}", fd_);
}

std::vector<loaded_file> files_of_process(pid_t pid) {
    const std::string root = root_of_process(pid);
    std::vector<loaded_file> files;
    for (mapped_path& m : executable_mappings(pid)) {
        const std::string link = fmt::format("/proc/{}/map_files/{}", pid, m.range);
        if (m.path.find('\\') != std::string::npos)
            m.path = exact_path(link).value_or(m.path);
        if (!is_deleted(m.path, root)) {
            files.push_back({m.path, root + m.path, false, nullptr});
            continue;
        }
        loaded_file file{without_mark(m.path), {}, true, nullptr};
        constexpr std::size_t most = std::size_t{64} << 20;
        // Copied by a child: to open it may block as reading /proc/PID/maps may.
        if (const std::optional<std::string> bytes = shared_statistics::read_in_time(link, most)) {
            file.copy = std::make_shared<memory_file>(*bytes);
            file.at = file.copy->path();
        }
        files.push_back(std::move(file));
    }
    return files;
}

std::string executable_of_process(pid_t pid) {
    std::error_code error;
    const std::string path = fs::read_symlink(fmt::format("/proc/{}/exe", pid), error).string();
    return is_deleted(path, root_of_process(pid)) ? without_mark(path) : path;
}

// The kernel shows paths as this command sees them, if both are in the same mounts.
std::string root_of_process(pid_t pid) {
    std::error_code error;
    return fs::equivalent(fmt::format("/proc/{}/ns/mnt", pid), "/proc/self/ns/mnt", error) || error
               ? std::string()
               : fmt::format("/proc/{}/root", pid);
}

std::string first_named(const std::vector<loaded_file>& files, const std::string& name) {
    for (const loaded_file& file : files) {
        if (file.path.compare(file.path.rfind('/') + 1, name.size(), name) == 0)
            return file.path;
    }
    return {};
}

} // namespace ibid::cli
