// SPDX-License-Identifier: Apache-2.0
//
// See unit.h.
#include "cli/systemd/unit.h"

#include "cli/base/files.h"
#include "cli/base/words.h"
#include "statistics/printable.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <map>
#include <utility>

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

void take_line(std::string_view line, const std::string& file, std::string& section, unit& into) {
    if (line.starts_with("[")) {
        section = line;
    } else if (const std::size_t equals = line.find('=');
               equals != std::string_view::npos && section == "[Service]") {
        into.settings.push_back({std::string(trimmed(line.substr(0, equals))),
                                 std::string(trimmed(line.substr(equals + 1))), file});
    }
}

void read_settings(std::string_view text, const std::string& file, unit& into) {
    if (text.starts_with("\xef\xbb\xbf"))
        text.remove_prefix(3); // a byte order mark
    std::string section;
    std::string line; // with its continuations
    while (!text.empty()) {
        const std::string_view whole = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), whole.size() + 1));
        const std::string_view part = trimmed(whole);
        if (part.starts_with('#') || part.starts_with(';'))
            continue; // also inside a continued line
        const bool goes_on = part.ends_with('\\');
        line += part.substr(0, part.size() - (goes_on ? 1 : 0));
        if (goes_on) {
            line += ' ';
            continue;
        }
        take_line(line, file, section, into);
        line.clear();
    }
    take_line(trimmed(line), file, section, into);
}

void read_file(const std::string& root, const std::string& file, unit& into) {
    into.files.push_back(file);
    read_settings(read_text_file(inside(root, file)).text.value_or(""), file, into);
}

// Appends what the escape sequence at the start of `text`, behind its backslash, stands for. Returns its
// length. Source: systemd's cunescape_one(); what it refuses stands for itself here.
std::size_t append_unescaped(std::string& to, std::string_view text) {
    constexpr std::string_view names = "abfnrtvs";
    constexpr std::string_view values = "\a\b\f\n\r\t\v ";
    if (const std::size_t at = names.find(text[0]); at != std::string_view::npos) {
        to += values[at];
        return 1;
    }
    const std::size_t digits = text[0] == 'x' ? 2 : text[0] == 'u' ? 4 : text[0] == 'U' ? 8 : 0;
    const bool octal = digits == 0 && text[0] >= '0' && text[0] <= '7';
    const std::string_view number = octal ? text.substr(0, 3) : text.substr(1, digits);
    std::uint32_t value = 0;
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), value, octal ? 8 : 16);
    const bool whole = !number.empty() && number.size() == (octal ? 3 : digits) && error == std::errc() &&
                       end == number.data() + number.size() && value != 0;
    if (!whole || (digits > 2 ? value > 0x10ffff : value > 0xff)) {
        to += text[0];
        return 1;
    }
    if (digits > 2)
        shared_statistics::append_printable(to, value);
    else
        to += static_cast<char>(value);
    return number.size() + (octal ? 0 : 1);
}

enum class escapes {
    c,        // as in a unit file
    backslash // as in a file of variables: the next character stands for itself, but not in single quotes
};

std::vector<std::string> split(std::string_view value, escapes how) {
    std::vector<std::string> words;
    std::string word;
    bool in_word = false;
    char quote = '\0';
    for (std::size_t i = 0; i < value.size(); ++i) {
        const char c = value[i];
        if (c == '\\' && i + 1 < value.size() && (how == escapes::c || quote != '\'')) {
            if (how == escapes::c)
                i += append_unescaped(word, value.substr(i + 1));
            else
                word += value[++i];
            in_word = true;
        } else if (quote != '\0') {
            if (c == quote)
                quote = '\0';
            else
                word += c;
        } else if (c == '"' || c == '\'') {
            quote = c;
            in_word = true;
        } else if (blanks.find(c) != std::string_view::npos) {
            if (in_word)
                words.push_back(std::exchange(word, {}));
            in_word = false;
        } else {
            word += c;
            in_word = true;
        }
    }
    if (in_word)
        words.push_back(word);
    return words;
}

} // namespace

std::vector<std::string> unit::all(std::string_view key) const {
    std::vector<std::string> values;
    for (const setting& s : settings) {
        if (s.key != key)
            continue;
        if (s.value.empty())
            values.clear();
        else
            values.push_back(s.value);
    }
    return values;
}

std::string unit::value(std::string_view key) const {
    std::string last;
    for (const setting& s : settings) {
        if (s.key == key)
            last = s.value;
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
        for (const std::string& line : lines_of_file(inside(root, file))) {
            const std::vector<std::string> words = split(trimmed(line), escapes::backslash);
            if (words.size() == 1)
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

unit_result load_unit(const std::string& root, const std::string& name, const replacement& instead) {
    unit u;
    u.name = unit_name(name);
    if (u.name.empty())
        return {std::nullopt,
                fmt::format("'{}' is not the name of a service{}", legible(name),
                            name.find('/') == std::string::npos ? "" : ": a name has no folder")};
    if (const std::string kind = other_kind_of_unit(name); !kind.empty())
        return {std::nullopt, fmt::format("{} is a {} unit: name the service that it starts", name, kind)};
    std::error_code error;
    std::string unit_file;
    for (int links = 0; unit_file.empty(); ++links) {
        std::string file;
        for (const std::string& candidate : {u.name, template_of(u.name)}) {
            for (const char* folder : folders) {
                const std::string there = fmt::format("{}/{}", folder, candidate);
                // A link counts, wherever it leads.
                if (!candidate.empty() && file.empty() &&
                    fs::exists(fs::symlink_status(inside(root, there, false), error)))
                    file = there;
            }
        }
        if (file.empty())
            return {std::nullopt,
                    fmt::format(
                        "there is no {}{}; 'systemctl {}list-unit-files --type=service' lists what there is",
                        u.name, root.empty() ? "" : " in " + root,
                        root.empty() ? "" : fmt::format("--root={} ", root))};
        const std::string itself = inside(root, file, false);
        if (!fs::is_symlink(fs::symlink_status(itself, error))) {
            unit_file = file;
            break;
        }
        const fs::path target = fs::read_symlink(itself, error);
        if (target == "/dev/null")
            return {std::nullopt, fmt::format("{} is masked: systemd does not start it", u.name)};
        const std::string other = target.filename().string();
        const bool is_alias = other != u.name && other != template_of(u.name);
        if (!is_alias) // a link to a unit file elsewhere
            unit_file = target.is_absolute()
                            ? target.string()
                            : (fs::path(file).parent_path() / target).lexically_normal().string();
        constexpr int most_links = 8;
        if (unit_name(other) != other || links > most_links ||
            (!is_alias && !fs::exists(inside(root, unit_file), error)))
            return {std::nullopt,
                    fmt::format("{} is a link to {}, which is no unit of a service", file, target.string())};
        if (is_alias)
            u.name = other;
    }
    read_file(root, unit_file, u);

    // If drop-ins have the same name, the one in the folder with precedence counts. All are applied in the
    // order of their names.
    std::map<std::string, std::string> drop_ins;
    for (const std::string& part : drop_in_names(u.name)) {
        for (auto folder = folders.rbegin(); folder != folders.rend(); ++folder) {
            const std::string place = fmt::format("{}/{}", *folder, part);
            for (const auto& entry : fs::directory_iterator(inside(root, place), error)) {
                const std::string file = entry.path().filename().string();
                if (file.ends_with(".conf"))
                    drop_ins[file] = fmt::format("{}/{}", place, file);
            }
        }
    }
    if (!instead.path.empty())
        drop_ins[fs::path(instead.path).filename().string()] = instead.path;
    for (const auto& [file, path] : drop_ins) {
        if (path != instead.path)
            read_file(root, path, u);
        else
            read_settings(instead.text, path, u);
    }
    return {std::move(u), {}};
}

std::vector<std::string> words_of(std::string_view value) {
    return split(value, escapes::c);
}

std::string quoted(std::string_view assignment) {
    std::string text = "\"";
    for (const char c : assignment) {
        if (c == '"' || c == '\\')
            text += {'\\', c};
        else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            text += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
        else
            text += c;
    }
    return text + '"';
}

std::string without_specifiers(std::string_view text) {
    std::string doubled;
    for (const char c : text)
        doubled.append(c == '%' ? 2 : 1, c);
    return doubled;
}

std::string program_of(std::string_view command_line) {
    const std::size_t start = command_line.find_first_not_of("@-:+!|");
    const std::vector<std::string> words =
        start == std::string_view::npos ? std::vector<std::string>() : words_of(command_line.substr(start));
    return words.empty() ? std::string() : words[0];
}

} // namespace ibid::cli::systemd
