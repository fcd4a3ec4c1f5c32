// SPDX-License-Identifier: Apache-2.0
//
// See installation.h.
#include "cli/programs/installation.h"

#include <algorithm>
#include <climits>
#include <cstdlib>

#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ibid::cli {
namespace {

// The path without links and ".."; empty if there is no such file.
std::string real_path(const std::string& path) {
    char resolved[PATH_MAX];
    return ::realpath(path.c_str(), resolved) != nullptr ? std::string(resolved) : std::string();
}

constexpr std::string_view file = "/libibid_preload.so";

std::string folder_of_entry(const std::string& preload) {
    return preload.substr(0, preload.size() - std::min(preload.size(), file.size())) +
           "/ibid/before-libasan.so/";
}

bool exists(const std::string& path) {
    return ::access(path.c_str(), F_OK) == 0;
}

} // namespace

std::string own_path() {
    char path[PATH_MAX];
    const ssize_t length = ::readlink("/proc/self/exe", path, sizeof(path));
    if (length > 0 && length < static_cast<ssize_t>(sizeof(path)))
        return {path, static_cast<std::size_t>(length)};
    const auto* const executed =
        reinterpret_cast<const char*>(::getauxval(AT_EXECFN)); // an address, as a number
    return executed != nullptr ? real_path(executed) : std::string();
}

std::optional<std::string> find_preload() {
    std::string folder = own_path();
    folder.erase(std::min(folder.rfind('/'), folder.size()));
    for (const std::string& candidate :
         {folder + "/../lib", folder + "/../" IBID_INSTALL_LIBDIR, std::string(IBID_INSTALL_FULL_LIBDIR)}) {
        if (std::string path = real_path(candidate + "/libibid_preload.so"); !path.empty())
            return path;
    }
    return std::nullopt;
}

preload_entry entry_for(const std::string& preload) {
    constexpr std::string_view narrow = IBID_NARROW_LIB;
    const std::string folder = folder_of_entry(preload);
    if (!exists(folder + IBID_LOADER_LIB + std::string(file)))
        return {preload, false};
    return {folder + "$LIB" + std::string(file),
            !narrow.empty() && exists(fmt::format("{}{}{}", folder, narrow, file))};
}

std::string prepend_preload(const std::string& ours, const std::string& current) {
    std::string_view rest = current;
    while (!rest.empty()) {
        const std::string_view entry = rest.substr(0, rest.find_first_of(": "));
        if (entry == ours)
            return current;
        rest.remove_prefix(entry.size() == rest.size() ? entry.size() : entry.size() + 1);
    }
    return current.empty() ? ours : ours + ":" + current;
}

bool fits_into_ld_preload(const std::string& path) {
    return path.find_first_of(": \t\n$") == std::string::npos;
}

std::string closed_to_this_user(const std::string& preload) {
    for (const std::string& path :
         {preload, folder_of_entry(preload) + IBID_LOADER_LIB + std::string(file)}) {
        if (exists(path) && ::faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) != 0)
            return path;
    }
    return {};
}

std::string closed_to_others(const std::string& path) {
    for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
        std::string part = path.substr(0, end);
        struct stat s {};
        if (::stat(part.c_str(), &s) != 0 || (s.st_mode & (S_ISDIR(s.st_mode) ? S_IXOTH : S_IROTH)) == 0)
            return part;
        if (end == std::string::npos)
            return {};
    }
}

} // namespace ibid::cli
