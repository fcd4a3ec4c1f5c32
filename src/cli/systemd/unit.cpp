// SPDX-License-Identifier: Apache-2.0
//
// See unit.h.
#include "cli/systemd/unit.h"

#include "cli/base/words.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>

#include <fmt/format.h>

namespace ibid::cli::systemd {
namespace {

namespace fs = std::filesystem;

// The folders of units, in order of precedence.
constexpr std::array folders{"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
                             "/usr/lib/systemd/system", "/lib/systemd/system"};
constexpr std::string_view suffix = ".service";
constexpr std::string_view blanks = " \t\r";

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(blanks);
    return first == std::string_view::npos ? std::string_view()
                                           : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// "foo@.service" for "foo@bar.service"; empty if it is not an instance.
std::string template_of(const std::string& name) {
    const std::size_t at = name.find('@');
    return at == std::string::npos || name.compare(at, std::string::npos, "@.service") == 0
               ? std::string()
               : name.substr(0, at) + "@.service";
}

// The names of drop-in folders for it, the least specific first.
std::vector<std::string> drop_in_names(const std::string& name) {
    std::vector<std::string> all{"service.d"};
    for (std::size_t at = name.find('-'); at != std::string::npos; at = name.find('-', at + 1))
        all.push_back(name.substr(0, at + 1) + ".service.d");
    if (const std::string common = template_of(name); !common.empty())
        all.push_back(common + ".d");
    all.push_back(name + ".d");
    return all;
}

void read_settings(const std::string& file, unit& into) {
    std::ifstream in(file);
    std::string section;
    for (std::string line, part; std::getline(in, part);) {
        const std::string_view text = trimmed(part);
        const bool comment = !text.empty() && (text[0] == '#' || text[0] == ';');
        if (comment)
            continue; // also inside a continued line
        if (text.ends_with('\\')) {
            line.append(text.substr(0, text.size() - 1)).append(" ");
            continue;
        }
        line += text;
        if (line.starts_with("[")) {
            section = line;
        } else if (const std::size_t equals = line.find('=');
                   equals != std::string::npos && section == "[Service]") {
            into.settings.emplace_back(trimmed(std::string_view(line).substr(0, equals)),
                                       trimmed(std::string_view(line).substr(equals + 1)));
        }
        line.clear();
    }
}

} // namespace

std::vector<std::string> unit::all(std::string_view key) const {
    std::vector<std::string> values;
    for (const auto& [its_name, its_value] : settings) {
        if (its_name != key)
            continue;
        if (its_value.empty())
            values.clear();
        else
            values.push_back(its_value);
    }
    return values;
}

std::string unit::value(std::string_view key) const {
    std::string last;
    for (const auto& [its_name, its_value] : settings) {
        if (its_name == key)
            last = its_value;
    }
    return last;
}

bool unit::is_on(std::string_view key) const {
    const std::string v = value(key);
    return v == "1" || v == "yes" || v == "true" || v == "on";
}

std::optional<unit::variable> unit::environment(const std::string& root, std::string_view wanted) const {
    std::optional<variable> found;
    const auto take = [&](std::string_view assignment, const std::string& file) {
        if (assignment.starts_with(wanted) && assignment.substr(wanted.size()).starts_with("="))
            found = variable{std::string(assignment.substr(wanted.size() + 1)), file};
    };
    for (const std::string& value : all("Environment")) {
        for (const std::string& assignment : words_of(value))
            take(assignment, {});
    }
    for (std::string file : all("EnvironmentFile")) {
        if (file.starts_with("-"))
            file.erase(0, 1);
        std::ifstream in(root + file);
        for (std::string line; std::getline(in, line);) {
            if (const std::vector<std::string> words = words_of(trimmed(line)); words.size() == 1)
                take(words[0], file);
        }
    }
    return found;
}

std::string unit_name(std::string name) {
    if (name.find('.') == std::string::npos || !name.ends_with(suffix))
        name += suffix;
    const bool possible = name.size() > suffix.size() && name.size() < 256 && name[0] != '-' &&
                          name[0] != '.' && std::all_of(name.begin(), name.end(), [](char c) {
                              return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                     (c >= '0' && c <= '9') ||
                                     std::string_view(":-_.\\@").find(c) != std::string_view::npos;
                          });
    return possible ? name : std::string();
}

std::string other_kind_of_unit(std::string_view name) {
    for (const std::string_view kind :
         {"socket", "timer", "target", "path", "mount", "automount", "slice", "scope", "device", "swap"}) {
        if (name.ends_with(kind) && name.size() > kind.size() && name[name.size() - kind.size() - 1] == '.')
            return std::string(kind);
    }
    return {};
}

unit_result load_unit(const std::string& root, const std::string& name, const std::string& except) {
    unit u;
    u.name = unit_name(name);
    if (u.name.empty())
        return {std::nullopt,
                fmt::format("'{}' is not the name of a service{}", legible(name),
                            name.find('/') == std::string::npos ? "" : ": a name has no folder")};
    if (const std::string kind = other_kind_of_unit(name); !kind.empty())
        return {std::nullopt, fmt::format("{} is a {} unit: name the service that it starts", name, kind)};
    std::error_code error;
    for (int links = 0; u.files.empty(); ++links) {
        std::string file;
        for (const std::string& candidate : {u.name, template_of(u.name)}) {
            for (const char* folder : folders) {
                const std::string there = fmt::format("{}{}/{}", root, folder, candidate);
                // A link counts, wherever it leads.
                if (!candidate.empty() && file.empty() &&
                    (fs::is_symlink(fs::symlink_status(there, error)) || fs::exists(there, error)))
                    file = fmt::format("{}/{}", folder, candidate);
            }
        }
        if (file.empty())
            return {std::nullopt,
                    fmt::format(
                        "there is no {}{}; 'systemctl {}list-unit-files --type=service' lists what there is",
                        u.name, root.empty() ? "" : " in " + root,
                        root.empty() ? "" : fmt::format("--root={} ", root))};
        if (!fs::is_symlink(fs::symlink_status(root + file, error))) {
            u.files.push_back(file);
            break;
        }
        const fs::path target = fs::read_symlink(root + file, error);
        if (target == "/dev/null")
            return {std::nullopt, fmt::format("{} is masked: systemd does not start it", u.name)};
        const std::string other = target.filename().string();
        if (other == u.name || other == template_of(u.name) || links > 8) { // a link to a unit file elsewhere
            u.files.push_back(target.is_absolute()
                                  ? target.string()
                                  : (fs::path(file).parent_path() / target).lexically_normal().string());
            break;
        }
        u.name = other; // an alias
    }
    read_settings(root + u.files[0], u);

    // If drop-ins have the same name, the one in the folder with precedence counts. All are applied in the
    // order of their names.
    std::map<std::string, std::string> drop_ins;
    for (const std::string& part : drop_in_names(u.name)) {
        for (auto folder = folders.rbegin(); folder != folders.rend(); ++folder) {
            const std::string place = fmt::format("{}/{}", *folder, part);
            for (const auto& entry : fs::directory_iterator(root + place, error)) {
                const std::string file = entry.path().filename().string();
                if (file.ends_with(".conf"))
                    drop_ins[file] = fmt::format("{}/{}", place, file);
            }
        }
    }
    for (const auto& [file, path] : drop_ins) {
        if (path == except)
            continue;
        u.files.push_back(path);
        read_settings(root + path, u);
    }
    return {std::move(u), {}};
}

std::vector<std::string> words_of(std::string_view value) {
    std::vector<std::string> words;
    std::string word;
    bool inside = false;
    char quote = '\0';
    for (std::size_t i = 0; i < value.size(); ++i) {
        const char c = value[i];
        if (c == '\\' && quote != '\'' && i + 1 < value.size()) {
            word += value[++i];
            inside = true;
        } else if (quote != '\0') {
            if (c == quote)
                quote = '\0';
            else
                word += c;
        } else if (c == '"' || c == '\'') {
            quote = c;
            inside = true;
        } else if (blanks.find(c) != std::string_view::npos) {
            if (inside)
                words.push_back(std::exchange(word, {}));
            inside = false;
        } else {
            word += c;
            inside = true;
        }
    }
    if (inside)
        words.push_back(word);
    return words;
}

std::string program_of(std::string_view command_line) {
    const std::size_t start = command_line.find_first_not_of("@-:+!|");
    const std::vector<std::string> words =
        start == std::string_view::npos ? std::vector<std::string>() : words_of(command_line.substr(start));
    return words.empty() ? std::string() : words[0];
}

} // namespace ibid::cli::systemd
