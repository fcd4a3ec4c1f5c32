// SPDX-License-Identifier: Apache-2.0
//
// See drop_in.h.
#include "cli/service/drop_in.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ibid::cli::service {
namespace {

namespace fs = std::filesystem;

constexpr const char* place = "/etc/systemd/system";
constexpr std::string_view first_words = "# Written by 'ibid enable ";

std::string failed(const std::string& what, int error) {
    return fmt::format("{}: {}{}", what, std::strerror(error),
                       (error == EACCES || error == EPERM) && ::geteuid() != 0 ? "; try it with sudo" : "");
}

// Quotes a word for a setting: percent signs are doubled, and quotes preserve the rest.
std::string assignment(const std::string& text) {
    std::string quoted;
    for (const char c : text)
        quoted += c == '%' ? "%%" : c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
    return fmt::format("Environment=\"{}\"\n", quoted);
}

} // namespace

std::string drop_in_path(const std::string& unit) {
    return fmt::format("{}/{}.d/ibid.conf", place, unit);
}

std::string drop_in_text(const std::string& unit, const std::string& ld_preload,
                         const std::vector<std::string>& settings) {
    std::string text = fmt::format("{0}{1}'. 'ibid disable {1}' removes it.\n[Service]\n", first_words, unit);
    text += assignment("LD_PRELOAD=" + ld_preload);
    for (const std::string& setting : settings)
        text += assignment(setting);
    return text;
}

std::string read_file(const std::string& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

drop_in_state look_at_drop_in(const std::string& file) {
    std::error_code error;
    if (!fs::exists(fs::symlink_status(file, error)))
        return drop_in_state::none;
    return fs::is_regular_file(fs::symlink_status(file, error)) && read_file(file).starts_with(first_words)
               ? drop_in_state::ours
               : drop_in_state::foreign;
}

std::string write_drop_in(const std::string& file, const std::string& text) {
    std::error_code error;
    fs::create_directories(fs::path(file).parent_path(), error);
    if (error)
        return failed("cannot make " + fs::path(file).parent_path().string(), error.value());
    const std::string unfinished = file + ".new"; // systemd reads only *.conf
    const int fd = ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return failed("cannot write " + file, errno);
    const bool written =
        ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
    const int write_error = errno;
    ::close(fd);
    if (written && ::rename(unfinished.c_str(), file.c_str()) == 0)
        return {};
    const int rename_error = errno;
    ::unlink(unfinished.c_str());
    return failed("cannot write " + file, written ? rename_error : write_error);
}

std::string remove_drop_in(const std::string& file) {
    if (::unlink(file.c_str()) != 0)
        return failed("cannot remove " + file, errno);
    ::rmdir(fs::path(file).parent_path().c_str()); // only if it is empty
    return {};
}

std::vector<std::string> services_with_drop_in(const std::string& root) {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(root + place, error)) {
        const std::string name = entry.path().filename().string();
        if (name.ends_with(".service.d") &&
            look_at_drop_in(entry.path().string() + "/ibid.conf") == drop_in_state::ours)
            names.push_back(name.substr(0, name.size() - 2));
    }
    std::sort(names.begin(), names.end());
    return names;
}

} // namespace ibid::cli::service
