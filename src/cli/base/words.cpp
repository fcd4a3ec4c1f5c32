// SPDX-License-Identifier: Apache-2.0
//
// See words.h.
#include "cli/base/words.h"

#include "statistics/printable.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

namespace ibid::cli {

std::string legible(std::string_view text) {
    constexpr std::size_t longest = 200;
    std::string out = shared_statistics::printable(text.substr(0, longest));
    return text.size() > longest ? out + "..." : out;
}

std::string without_proc() {
    return ::access("/proc/self", F_OK) == 0 ? "" : "/proc is not mounted here, so no process can be read";
}

std::string with_more_rights() {
    if (!without_proc().empty())
        return ": /proc is not mounted here";
    return ::geteuid() == 0 ? "; root needs CAP_SYS_PTRACE for it, which containers often lack"
                            : "; try it with sudo";
}

std::string json_text(const nlohmann::ordered_json& json, bool one_line) {
    return json.dump(one_line ? -1 : 2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

} // namespace ibid::cli
