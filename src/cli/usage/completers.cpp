// SPDX-License-Identifier: Apache-2.0
//
// See completers.h.
#include "cli/usage/completers.h"

namespace ibid::cli::usage {

completer completer_of(word is) {
    switch (is) {
    case word::file:
        return {"-f", "_files", "(__fish_complete_path)"};
    case word::folder:
        return {"-d", "_files -/", "(__fish_complete_directories)"};
    case word::program:
    case word::program_name:
        return {"-c", "_command_names -e", "(__fish_complete_command)"};
    case word::pid:
        return {"-W \"$(_ibid_pids)\"", "_pids", "(__fish_complete_pids)"};
    case word::service:
        return {"-W \"$(_ibid_services)\"", "_ibid_services", "(__ibid_services)"};
    case word::subject:
        return {"-c -W \"$(_ibid_pids) $(_ibid_services)\"", "_ibid_subjects",
                "(__fish_complete_command) (__fish_complete_pids) (__ibid_services)"};
    case word::none:
    case word::seconds:
    case word::count:
    case word::address:
    case word::any:
        break;
    }
    return {};
}

} // namespace ibid::cli::usage
