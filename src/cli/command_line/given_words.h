// SPDX-License-Identifier: Apache-2.0
//
// The options and operands that were given for one command.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace ibid::cli {

// An option that was given without a value has the value "-".
class given_words {
public:
    // To be filled by the parser. Exists as long as this object does.
    [[nodiscard]] std::vector<std::string>& values_of(const std::string& name) { return values_[name]; }

    [[nodiscard]] bool has(const std::string& name) const { return !all(name).empty(); }
    [[nodiscard]] std::string value(const std::string& name) const {
        return has(name) ? all(name).back() : std::string();
    }
    [[nodiscard]] const std::vector<std::string>& all(const std::string& name) const {
        return values_.at(name);
    }

private:
    std::map<std::string, std::vector<std::string>> values_;
};

} // namespace ibid::cli
