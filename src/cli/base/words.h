// SPDX-License-Identifier: Apache-2.0
//
// Words for a person, and JSON: texts that somebody else chose (an argument, the name of a file) among them.
//
// Law: what is printed obeys nothing and ends: control characters and bytes that are no UTF-8 are question
// marks, and a long text is cut. JSON is written whatever the bytes are.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace ibid::cli {

// A word of the command line, or the name of a file, in a message.
[[nodiscard]] std::string legible(std::string_view text);

// In several lines, or in one.
[[nodiscard]] std::string json_text(const nlohmann::ordered_json& json, bool one_line = false);

} // namespace ibid::cli
