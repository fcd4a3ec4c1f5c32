// SPDX-License-Identifier: Apache-2.0
//
// See help.h.
#include "cli/usage/help.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace ibid::cli::usage {
namespace {

// Wraps `text` into lines that begin at `column`. The first line has already been started.
std::string wrapped(std::string_view text, std::size_t column, std::size_t width) {
    std::string lines;
    std::size_t at = column;
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(text.size(), word.size() + 1));
        if (at != column && at + 1 + word.size() > width) {
            lines.append(1, '\n').append(column, ' ');
            at = column;
        } else if (at != column) {
            lines += ' ';
            ++at;
        }
        lines += word;
        at += word.size();
    }
    return lines + "\n";
}

// "  NAME      help"
std::string row(const std::string& name, std::string_view text, std::size_t column, std::size_t width) {
    std::string line = "  " + name;
    if (line.size() + 2 > column)
        line.append(1, '\n').append(column, ' ');
    else
        line.resize(column, ' ');
    return line + wrapped(text, column, width);
}

std::size_t column_after(const std::vector<std::string>& names) {
    std::size_t longest = 0;
    for (const std::string& name : names)
        longest = std::max(longest, name.size());
    return std::min<std::size_t>(longest + 5, 36);
}

std::string section(const char* title, const std::vector<std::pair<std::string, std::string>>& rows,
                    std::size_t width) {
    if (rows.empty())
        return {};
    std::vector<std::string> names;
    for (const auto& one : rows)
        names.push_back(one.first);
    std::string text = std::string("\n") + title + "\n";
    for (const auto& one : rows)
        text += row(one.first, one.second, column_after(names), width);
    return text;
}

std::string value_of(const variable& v) {
    return v.name + "=" + v.values;
}

} // namespace

std::string help(std::size_t width) {
    std::string text;
    for (const std::string& paragraph : description())
        text += wrapped(paragraph, 0, width);
    text += "\nUsage: ibid COMMAND [OPTION...]\n";
    std::vector<std::pair<std::string, std::string>> rows;
    for (const command& c : commands())
        rows.emplace_back(c.name, c.summary);
    text += section("Commands:", rows, width);
    text += section(
        "Options:", {{"-h, --help", "Print this help and exit"}, {"--version", "Print the version and exit"}},
        width);
    return text + "\n" +
           wrapped("'ibid COMMAND --help' and 'man ibid' say more. Begin with 'ibid doctor'.", 0, width);
}

std::string help_of(const command& c, std::size_t width) {
    std::string text = wrapped(c.summary, 0, width) + "\nUsage: " + wrapped(synopsis(c), 7, width);
    for (const std::string& paragraph : c.description)
        text.append("\n").append(wrapped(paragraph, 0, width));
    std::vector<std::pair<std::string, std::string>> rows;
    for (const operand& o : c.operands)
        rows.emplace_back(o.name, o.help);
    text += section("Arguments:", rows, width);
    rows = {{"-h, --help", "Print this help and exit"}};
    for (const option& o : c.options)
        rows.emplace_back(shown(o), o.help);
    text += section("Options:", rows, width);
    if (c.name == "run") {
        rows.clear();
        for (const variable& v : variables()) {
            if (v.in_program)
                rows.emplace_back(value_of(v), v.help + (v.unset == "unset" ? "" : "; default: " + v.unset));
        }
        text += section("Environment, read inside the program:", rows, width);
    }
    if (!c.exit_status.empty())
        text += "\nExit status: " + wrapped(c.exit_status, 13, width);
    if (!c.examples.empty())
        text += "\nExamples:\n";
    for (const example& e : c.examples)
        text += (e.what.empty() ? "" : "  # " + e.what + "\n") + "  " + e.command + "\n";
    return text;
}

} // namespace ibid::cli::usage
