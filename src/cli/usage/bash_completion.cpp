// SPDX-License-Identifier: Apache-2.0
//
// See documents.h. bash splits "--option=value" into three words; "--option value" is two.
#include "cli/usage/completers.h"
#include "cli/usage/documents.h"

namespace ibid::cli::usage {
namespace {

constexpr const char* start = R"(# bash completion for ibid. Made from the definition of its command line.

_ibid_pids() {
    local folder
    for folder in /proc/[0-9]*; do
        printf '%s\n' "${folder#/proc/}"
    done
}

_ibid_services() {
    local unit
    for unit in {/etc,/run,/usr/local/lib,/usr/lib,/lib}/systemd/system/*.service; do
        [[ ! -e $unit ]] || printf '%s\n' "${unit##*/}"
    done
}

_ibid() {
    local cur=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} equals=no options='' program=0
    COMPREPLY=()
    if [[ $cur == = ]]; then
        cur='' equals=yes
    elif [[ $option == = ]]; then
        option=${COMP_WORDS[COMP_CWORD - 2]} equals=yes
    fi
)";

constexpr const char* program_part = R"(        # From the program on, all words are the program's.
        for ((program = 2; program < COMP_CWORD; ++program)); do
            case ${COMP_WORDS[program]} in
            --) ((++program)); break ;;
            @valued@) ((++program)) ;;
            =) ((++program)) ;;
            -*) ;;
            *) break ;;
            esac
        done
        if ((program < COMP_CWORD)); then
            if declare -F _command_offset >/dev/null; then
                _command_offset "$program"
            else
                mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            fi
            return
        fi
)";

std::string names_of(const command& c) {
    std::string names;
    for (const option& o : c.options)
        names += o.name + " ";
    return names + "--help";
}

std::string case_of(const command& c) {
    std::string text = "    " + c.name + ")\n        options='" + names_of(c) + "'\n";
    std::string valued = "--";
    for (const option& o : c.options) {
        if (!o.value.empty() && !o.value_may_be_left_out)
            valued += (valued == "--" ? "" : " | --") + o.name.substr(2);
    }
    if (!c.program.empty())
        text += replaced(program_part, "@valued@", valued == "--" ? "''" : valued);
    for (const option& o : c.options) {
        if (o.value.empty())
            continue;
        const std::string what = completer_of(o.is).bash;
        text +=
            "        if [[ $option == " + o.name + (o.value_may_be_left_out ? " && $equals == yes" : "") +
            " ]]; then\n" +
            (what.empty() ? "" : "            mapfile -t COMPREPLY < <(compgen " + what + " -- \"$cur\")\n") +
            "            return\n        fi\n";
    }
    const word is = !c.program.empty()   ? word::program
                    : c.operands.empty() ? word::none
                                         : c.operands.front().is;
    if (const std::string what = completer_of(is).bash; !what.empty())
        text += "        [[ $cur == -* ]] || mapfile -t COMPREPLY < <(compgen " + what + " -- \"$cur\")\n";
    return text + "        ;;\n";
}

} // namespace

std::string bash_completion() {
    std::string text = start;
    std::string names;
    for (const command& c : commands())
        names += c.name + " ";
    text += "    if ((COMP_CWORD == 1)); then\n        mapfile -t COMPREPLY < <(compgen -W '" + names +
            "--help --version' -- \"$cur\")\n        return\n    fi\n    case ${COMP_WORDS[1]} in\n";
    for (const command& c : commands())
        text += case_of(c);
    return text + "    esac\n"
                  "    [[ $cur != -* ]] || mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n"
                  "}\n\ncomplete -o bashdefault -F _ibid ibid\n";
}

} // namespace ibid::cli::usage
