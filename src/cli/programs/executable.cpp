// SPDX-License-Identifier: Apache-2.0
//
// See executable.h.
#include "cli/programs/executable.h"

#include <cstdlib>
#include <string_view>

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ibid::cli {

namespace {

bool is_file(const std::string& path) {
    struct stat s {};
    return ::stat(path.c_str(), &s) == 0 && S_ISREG(s.st_mode);
}

std::string find_along_path(const std::string& name, bool (*accepts)(const std::string& path)) {
    const char* variable = std::getenv("PATH");
    std::string_view rest = variable != nullptr ? variable : "/bin:/usr/bin";
    while (!name.empty()) {
        const std::string_view folder = rest.substr(0, rest.find(':'));
        std::string path = fmt::format("{}/{}", folder.empty() ? "." : folder, name);
        if (accepts(path))
            return path;
        if (folder.size() == rest.size())
            break;
        rest.remove_prefix(folder.size() + 1);
    }
    return {};
}

} // namespace

bool is_executable_file(const std::string& path) {
    return is_file(path) && ::access(path.c_str(), X_OK) == 0;
}

std::string find_executable(const std::string& name) {
    if (name.find('/') != std::string::npos)
        return is_executable_file(name) ? name : std::string();
    return find_along_path(name, is_executable_file);
}

std::string find_file_in_path(const std::string& name) {
    return find_along_path(name, is_file);
}

} // namespace ibid::cli
