// SPDX-License-Identifier: Apache-2.0
//
// See drop_in.h.
#include "cli/service/drop_in.h"

#include "cli/base/files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <utility>

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

} // namespace

std::string drop_in_path(const std::string& unit) {
    return fmt::format("{}/{}.d/ibid.conf", place, unit);
}

std::string drop_in_file(const std::string& root, const std::string& unit) {
    return inside(root, drop_in_path(unit), false);
}

std::string drop_in_text(const std::string& unit, const std::vector<std::string>& assignments) {
    std::string text = fmt::format("{0}{1}'. 'ibid disable {1}' removes it.\n[Service]\n", first_words, unit);
    for (const std::string& one : assignments)
        text += fmt::format("Environment={}\n", systemd::quoted(one));
    return text;
}

std::vector<std::string> overridden(const systemd::unit& u, const std::string& path) {
    std::map<std::string, std::string> ours; // values by names
    std::vector<std::string> found;
    for (const systemd::unit::setting& s : u.settings) {
        if (s.key != "Environment" || (s.file != path && ours.empty()))
            continue;
        if (s.value.empty()) {
            found.push_back(fmt::format(
                "{} is read after ibid.conf, and its empty Environment= removes what that sets", s.file));
            ours.clear();
        }
        for (const std::string& word : systemd::words_of(s.value)) {
            const std::string name = word.substr(0, word.find('='));
            const std::string value = word.substr(std::min(word.size(), name.size() + 1));
            if (s.file == path)
                ours[name] = value;
            else if (const auto mine = ours.find(name); mine != ours.end() && mine->second != value)
                found.push_back(fmt::format("{} is read after ibid.conf, and sets {} again", s.file, name));
        }
    }
    return found;
}

drop_in look_at_drop_in(const std::string& file) {
    std::error_code error;
    const fs::file_status itself = fs::symlink_status(file, error);
    if (!fs::exists(itself))
        return {};
    std::string text = fs::is_regular_file(itself) ? read_text_file(file).text.value_or("") : "";
    if (!text.starts_with(first_words))
        return {drop_in_state::foreign, {}};
    return {drop_in_state::ours, std::move(text)};
}

std::string write_drop_in(const std::string& file, const std::string& text) {
    std::error_code error;
    const fs::path folder = fs::path(file).parent_path();
    const bool is_new = fs::create_directories(folder, error);
    if (error)
        return failed("cannot make " + folder.string(), error.value());
    const std::string unfinished = file + ".new"; // systemd reads only *.conf
    const int fd = ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    const bool written = fd >= 0 && write_all(fd, text) && ::fsync(fd) == 0;
    int reason = errno;
    if (fd >= 0)
        ::close(fd);
    if (written && ::rename(unfinished.c_str(), file.c_str()) == 0)
        return {};
    reason = written ? errno : reason;
    if (fd >= 0)
        ::unlink(unfinished.c_str());
    if (is_new)
        ::rmdir(folder.c_str());
    return failed("cannot write " + file, reason);
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
    for (const auto& entry : fs::directory_iterator(inside(root, place), error)) {
        const std::string folder = entry.path().filename().string();
        if (!folder.ends_with(".service.d"))
            continue;
        std::string name = folder.substr(0, folder.size() - 2);
        if (systemd::unit_name(name) == name &&
            look_at_drop_in(drop_in_file(root, name)).state == drop_in_state::ours)
            names.push_back(std::move(name));
    }
    std::sort(names.begin(), names.end());
    return names;
}

} // namespace ibid::cli::service
