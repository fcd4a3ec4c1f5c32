// SPDX-License-Identifier: Apache-2.0
//
// See configuration.h. `ibid run` reads the files at each start, so this uses no streams.
#include "cli/settings/configuration.h"

#include "cli/base/files.h"
#include "cli/settings/known_settings.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <dirent.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ibid::cli {
namespace {

constexpr const char* default_file = "/etc/ibid.conf";
constexpr std::size_t longest_value = 1024;
constexpr std::size_t most_complaints = 20;
constexpr std::string_view blank = " \t\r";

std::string_view trimmed(std::string_view text) {
    text.remove_prefix(std::min(text.size(), text.find_first_not_of(blank)));
    const std::size_t last = text.find_last_not_of(blank);
    return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

bool is_plain(std::string_view text) {
    return std::none_of(text.begin(), text.end(),
                        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// Printable for a terminal, and cut if it is long.
std::string shown(std::string_view text) {
    std::string out(text.substr(0, 60));
    for (char& c : out)
        c = static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f ? '?' : c;
    return text.size() > 60 ? out + "..." : out;
}

// `error`: why it cannot be read; 0: it can, or is not there.
std::vector<std::string> conf_files_in(const std::string& folder, int& error) {
    std::vector<std::string> names;
    DIR* const opened = ::opendir(folder.c_str());
    error = opened == nullptr && errno != ENOENT ? errno : 0;
    if (opened == nullptr)
        return names;
    while (const dirent* const entry = ::readdir(opened)) {
        std::string name = entry->d_name;
        if (name.ends_with(".conf") && !name.starts_with("."))
            names.push_back(std::move(name));
    }
    ::closedir(opened);
    std::sort(names.begin(), names.end());
    return names;
}

bool contains(const std::vector<std::string>& all, const std::string& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

} // namespace

std::string configuration::setting::place() const {
    return program.empty() ? fmt::format("{}:{}", file, line)
                           : fmt::format("{}:{} [{}]", file, line, program);
}

configuration configuration::load(const std::string& root) {
    configuration c;
    const char* const other = root.empty() ? std::getenv("IBID_CONFIG") : nullptr;
    const std::string first = other != nullptr ? other : default_file;
    if (first.empty())
        return c;
    c.add_file(inside(root, first), first);
    const std::string folder = inside(root, first + ".d");
    int error = 0;
    const std::vector<std::string> more = conf_files_in(folder, error);
    if (error != 0)
        c.complaints_.push_back({{}, fmt::format("{}.d is not read: {}", first, std::strerror(error))});
    // The default need not exist; a file that somebody has named should.
    if (other != nullptr && more.empty() && ::access(first.c_str(), F_OK) != 0 && errno == ENOENT)
        c.complaints_.push_back({{}, fmt::format("IBID_CONFIG names {}, which is not there", shown(first))});
    for (const std::string& name : more)
        c.add_file(inside(root, fmt::format("{}.d/{}", first, name)), fmt::format("{}.d/{}", first, name));
    return c;
}

void configuration::add_file(const std::string& path, const std::string& shown_as) {
    const file_text file = read_text_file(path);
    if (file.text)
        add_text(*file.text, shown_as);
    else if (file.is_there())
        complaints_.push_back({{}, fmt::format("{} is not read: {}", shown_as, file.why_not)});
}

bool configuration::can_hold(std::string_view value) {
    return is_plain(value) && value.size() <= longest_value;
}

void configuration::add_text(std::string_view text, const std::string& file) {
    if (text.starts_with("\xef\xbb\xbf"))
        text.remove_prefix(3); // the byte order mark that some editors write
    std::string program;
    bool passed_over = false; // in a section without a valid program
    for (unsigned number = 1; !text.empty(); ++number) {
        const std::string_view whole = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), whole.size() + 1));
        const std::string_view line = trimmed(whole);
        const auto complain = [&](const std::string& what) {
            complaints_.push_back({program, fmt::format("{}:{}: {}", file, number, what)});
        };
        if (line.empty() || line.front() == '#')
            continue;
        if (line.front() == '[') {
            program = trimmed(line.substr(1, line.size() - 2));
            passed_over = line.back() != ']' || !is_plain(program) || !can_be_excluded(program);
            if (passed_over) {
                program.clear();
                complain(fmt::format(
                    "{} is not the name of a program in brackets{}; its settings are ignored", shown(line),
                    line.find('/') == std::string_view::npos ? "" : ", without folders"));
            }
            continue;
        }
        const std::size_t equals = line.find('=');
        if (equals == std::string_view::npos) {
            complain(fmt::format("{} is neither NAME=VALUE nor [PROGRAM]", shown(line)));
            continue;
        }
        if (passed_over)
            continue;
        const std::string_view name = trimmed(line.substr(0, equals));
        const std::string_view value = trimmed(line.substr(equals + 1));
        if (!is_setting(name))
            complain(not_a_setting(name));
        else if (!can_hold(value))
            complain(fmt::format("{} has control characters, or more than {} characters; the line is ignored",
                                 name, longest_value));
        else if (const std::string wrong = wrong_value(name, value); !wrong.empty())
            complain(wrong + "; the line is ignored");
        else
            settings_.push_back({program, std::string(name), std::string(value), file, number});
    }
}

bool configuration::has_sections() const {
    const auto in_one = [](const auto& one) { return !one.program.empty(); };
    return std::any_of(settings_.begin(), settings_.end(), in_one) ||
           std::any_of(complaints_.begin(), complaints_.end(), in_one);
}

std::vector<configuration::setting>
configuration::settings_of(const std::vector<std::string>& programs) const {
    std::vector<setting> found;
    const auto put = [&found](const setting& one) {
        std::erase_if(found, [&one](const setting& s) { return s.name == one.name; });
        found.push_back(one);
    };
    for (const setting& s : settings_) {
        if (s.program.empty())
            put(s);
    }
    for (auto name = programs.rbegin(); name != programs.rend(); ++name) {
        for (const setting& s : settings_) {
            if (s.program == *name)
                put(s);
        }
    }
    const auto given =
        std::find_if(found.begin(), found.end(), [](const setting& s) { return s.name == "IBID_EXCLUDE"; });
    if (const std::optional<setting> all =
            with_disabled_programs(given != found.end() ? given->value : "", programs))
        put(*all);
    return found;
}

std::optional<configuration::setting>
configuration::with_disabled_programs(const std::string& list,
                                      const std::vector<std::string>& programs) const {
    std::vector<setting> disabled; // one for each of these programs
    for (const setting& s : settings_) {
        if (s.program.empty() || s.name != "IBID_DISABLE" || contains(programs, s.program))
            continue;
        std::erase_if(disabled, [&s](const setting& before) { return before.program == s.program; });
        if (s.value == "1")
            disabled.push_back(s);
    }
    std::erase_if(disabled, [&list](const setting& s) {
        return fmt::format(":{}:", list).find(fmt::format(":{}:", s.program)) != std::string::npos;
    });
    if (disabled.empty())
        return std::nullopt;
    setting exclude = disabled.back();
    exclude.name = "IBID_EXCLUDE";
    exclude.value = list;
    for (const setting& s : disabled)
        exclude.value = append_names(exclude.value, {s.program});
    return exclude;
}

std::vector<std::string> configuration::complaints_of(const std::vector<std::string>& programs) const {
    std::vector<std::string> all;
    std::size_t more = 0;
    for (const complaint& c : complaints_) {
        if (!c.program.empty() && !contains(programs, c.program))
            continue;
        if (all.size() < most_complaints)
            all.push_back(c.text);
        else
            ++more;
    }
    if (more != 0)
        all.push_back(fmt::format("the configuration has {} more invalid lines", more));
    return all;
}

} // namespace ibid::cli
