// SPDX-License-Identifier: Apache-2.0
//
// See words.h.
#include "cli/base/words.h"

#include "statistics/printable.h"

#include <nlohmann/json.hpp>

namespace ibid::cli {

std::string legible(std::string_view text) {
    constexpr std::size_t longest = 200;
    std::string out = shared_statistics::printable(text.substr(0, longest));
    return text.size() > longest ? out + "..." : out;
}

std::string json_text(const nlohmann::ordered_json& json, bool one_line) {
    return json.dump(one_line ? -1 : 2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

} // namespace ibid::cli
