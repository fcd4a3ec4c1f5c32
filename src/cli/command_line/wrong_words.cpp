// SPDX-License-Identifier: Apache-2.0
//
// See wrong_words.h.
#include "cli/command_line/wrong_words.h"

#include "cli/base/similar.h"
#include "cli/base/words.h"
#include "cli/exporter/http_server.h"
#include "cli/programs/program.h"
#include "cli/settings/known_settings.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>

#include <fmt/format.h>

namespace ibid::cli {
namespace {

bool is_option(const std::string& word) {
    return word.size() > 1 && word.front() == '-';
}

// CLI11's own messages name the limits of a double.
std::string is_pid(const std::string& text) {
    const bool digits =
        !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == std::string::npos;
    return digits && text != "0"
               ? ""
               : fmt::format("'{}' is not a process id; 'ibid top' and 'ibid doctor' list them",
                             legible(text));
}
std::string is_name(const std::string& text) {
    return can_be_excluded(text) ? "" : fmt::format("'{}' is not the name of a program", legible(text));
}
std::string is_interval(const std::string& text) {
    char* end = nullptr;
    const double seconds = std::strtod(text.c_str(), &end);
    return *end == '\0' && !text.empty() && seconds >= 0.1 && seconds <= 3600
               ? ""
               : fmt::format("'{}' is not a number of seconds from 0.1 to 3600", legible(text));
}

std::string is_count(const std::string& text) {
    const bool digits =
        !text.empty() && text.size() < 6 && text.find_first_not_of("0123456789") == std::string::npos;
    return digits && std::stoul(text) >= 1 && std::stoul(text) <= 65535
               ? ""
               : fmt::format("'{}' is not a whole number from 1 to 65535", legible(text));
}

} // namespace

std::optional<mistake> wrong_words(const usage::command& c, const std::vector<std::string>& words) {
    const std::string help = fmt::format("'ibid {} --help' explains it.", c.name);
    std::size_t operands = 0;
    bool only_operands = false;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        if (only_operands || !is_option(word)) {
            if (++operands > c.operands.size())
                return mistake{fmt::format("'{}' is one word too many", legible(word)), help};
            continue;
        }
        if (word == "--") {
            only_operands = true;
            continue;
        }
        const std::size_t equals = word.find('=');
        const std::string name = word.substr(0, equals);
        const auto at = std::find_if(c.options.begin(), c.options.end(),
                                     [&name](const usage::option& o) { return o.name == name; });
        if (at == c.options.end()) {
            std::vector<std::string> names{"--help"};
            for (const usage::option& o : c.options)
                names.push_back(o.name);
            const std::string meant = did_you_mean(similar(name, names));
            return mistake{fmt::format("{} has no option {}", c.name, legible(name)),
                           meant.empty() ? help : meant};
        }
        if (at->value.empty() && equals != std::string::npos)
            return mistake{fmt::format("{} takes no value", name), help};
        if (equals + 1 == word.size() && (at->value_may_be_left_out || at->is != usage::word::any))
            return mistake{fmt::format("{}: it is empty", name), help};
        if (at->value.empty() || at->value_may_be_left_out || equals != std::string::npos)
            continue;
        if (i + 1 == words.size())
            return mistake{fmt::format("{} needs a value: {} {}", name, name, at->value), help};
        ++i;
    }
    return std::nullopt;
}

std::string wrong_word(usage::word is, const std::string& text) {
    // Of a shell variable that is not set: "" as --root would be the running system.
    if (text.empty())
        return is != usage::word::any ? "it is empty" : "";
    switch (is) {
    case usage::word::pid:
        return is_pid(text);
    case usage::word::program_name:
        return is_name(text);
    case usage::word::seconds:
        return is_interval(text);
    case usage::word::count:
        return is_count(text);
    case usage::word::address:
        return exporter::wrong_address(text);
    default:
        return "";
    }
}

mistake complaint(const std::vector<std::string>& words, const std::string& error) {
    if (words.empty())
        return {"no command is given", "'ibid --help' explains it."};
    const std::string& first = words[0];
    if (usage::find(first) != nullptr)
        return {legible(error), fmt::format("'ibid {} --help' explains it.", first)};
    if (first.starts_with("-")) {
        const std::string meant = did_you_mean(similar(first, {"--help", "--version"}), "ibid ");
        return {fmt::format("there is no option {} before a command", legible(first)),
                meant.empty() ? "'ibid --help' explains it." : meant};
    }
    const std::string wrong = fmt::format("ibid has no command '{}'", legible(first));
    std::vector<std::string> names;
    for (const usage::command& c : usage::commands())
        names.push_back(c.name);
    if (const std::string meant = did_you_mean(similar(first, names), "ibid "); !meant.empty())
        return {wrong, meant};
    return {wrong, find_program(first) ? fmt::format("Did you mean 'ibid run {}'?", legible(first))
                                       : std::string("'ibid --help' lists them.")};
}

} // namespace ibid::cli
