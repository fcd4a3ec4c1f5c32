// SPDX-License-Identifier: Apache-2.0
//
// See documents.h.
#include "cli/usage/completers.h"
#include "cli/usage/documents.h"

#include <fmt/format.h>

namespace ibid::cli::usage {
namespace {

std::string action(word is) {
    const std::string known = completer_of(is).zsh;
    return known.empty() ? " " : known; // only a message
}

// Escapes text inside '...[help]' of _arguments.
std::string quoted(const std::string& text) {
    std::string out = replaced(text, "'", "'\\''");
    for (const char* special : {"[", "]", ":"})
        out = replaced(out, special, std::string("\\") + special);
    return out;
}

std::string specification(const option& o) {
    std::string text = "'";
    if (o.repeats)
        text += "*";
    text += o.name;
    if (!o.value.empty())
        text += o.value_may_be_left_out ? "=-" : "=";
    text += fmt::format("[{}]", quoted(o.help));
    if (!o.value.empty())
        text += (o.value_may_be_left_out ? "::" : ":") + o.value + ":" + action(o.is);
    return text + "'";
}

std::string case_of(const command& c) {
    std::string text =
        "        " + c.name + ")\n            _arguments -S '(- *)'{-h,--help}'[Print this help and exit]'";
    for (const option& o : c.options)
        text += " \\\n                " + specification(o);
    for (const operand& o : c.operands)
        text += std::string(" \\\n                '") + (o.required ? ":" : "::") + quoted(o.name) + ":" +
                action(o.is) + "'";
    if (!c.program.empty())
        text +=
            " \\\n                '(-)1:program:_command_names -e' \\\n                '*::argument:_normal'";
    return text + "\n            ;;\n";
}

} // namespace

std::string zsh_completion() {
    std::string text = R"(#compdef ibid
# zsh completion for ibid. Made from the definition of its command line.

_ibid_services() {
    local -a units
    units=({/etc,/run,/usr/local/lib,/usr/lib,/lib}/systemd/system/*.service(N:t))
    _describe service units
}

_ibid_subjects() {
    _alternative 'programs:program:_command_names -e' 'processes:process:_pids' 'services:service:_ibid_services'
}

_ibid() {
    local context state line curcontext="$curcontext"
    typeset -A opt_args
    local -a commands
    commands=(
)";
    for (const command& c : commands())
        text += "        '" + c.name + ":" + quoted(c.summary) + "'\n";
    text += R"(    )
    _arguments -C '(- *)'{-h,--help}'[Print this help and exit]' '(- *)--version[Print the version and exit]' \
        '1:command:->command' '*::word:->words'
    case $state in
    command) _describe command commands ;;
    words)
        case $words[1] in
)";
    for (const command& c : commands())
        text += case_of(c);
    return text + "        esac\n        ;;\n    esac\n}\n\n_ibid \"$@\"\n";
}

} // namespace ibid::cli::usage
