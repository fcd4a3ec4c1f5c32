// SPDX-License-Identifier: Apache-2.0
//
// See documents.h.
#include "cli/usage/completers.h"
#include "cli/usage/documents.h"

#include <fmt/format.h>

namespace ibid::cli::usage {
namespace {

std::string quoted(const std::string& text) {
    return fmt::format("'{}'", replaced(replaced(text, "\\", "\\\\"), "'", "\\'"));
}

// As arguments of `complete`.
std::string candidates(word is) {
    const std::string known = completer_of(is).fish;
    return known.empty() ? " -x" : fmt::format(" -xa '{}'", known);
}

} // namespace

std::string fish_completion() {
    std::string text = R"(# fish completion for ibid. Made from the definition of its command line.

function __ibid_services
    for folder in /etc /run /usr/local/lib /usr/lib /lib
        for unit in $folder/systemd/system/*.service
            string replace -r '.*/' '' -- $unit
        end
    end
end

complete -c ibid -f
complete -c ibid -s h -l help -d 'Print this help and exit'
complete -c ibid -n __fish_use_subcommand -l version -d 'Print the version and exit'
)";
    for (const command& c : commands())
        text += "complete -c ibid -n __fish_use_subcommand -a " + c.name + " -d " + quoted(c.summary) + "\n";
    for (const command& c : commands()) {
        const std::string start = "complete -c ibid -n '__fish_seen_subcommand_from " + c.name + "'";
        for (const option& o : c.options)
            text += start + " -l " + o.name.substr(2) +
                    (o.value.empty() || o.value_may_be_left_out ? "" : candidates(o.is)) + " -d " +
                    quoted(o.help) + "\n";
        if (!c.program.empty())
            text += start + " -xa '(__fish_complete_subcommand --fcs-skip=2)'\n";
        else if (!c.operands.empty())
            text += start + candidates(c.operands.front().is) + "\n";
    }
    return text;
}

} // namespace ibid::cli::usage
