// SPDX-License-Identifier: Apache-2.0
//
// Reads and changes an environment. See environment.h for the law.
#include "preload/foreign/environment.h"

#include <array>
#include <cstddef>

#include <sys/auxv.h>

namespace ibid::preload {
namespace {

constexpr std::string_view preload_variable = "LD_PRELOAD";
constexpr std::string_view preload_file = "libibid_preload.so";

constexpr std::string_view base_name(std::string_view path) noexcept {
    return path.substr(path.rfind('/') + 1);
}

// Removes the first entry of a list.
std::string_view take_entry(std::string_view& list, std::string_view separators) noexcept {
    const std::size_t end = list.find_first_of(separators);
    const std::string_view entry = list.substr(0, end);
    list.remove_prefix(end == std::string_view::npos ? list.size() : end + 1);
    return entry;
}

const char* value_in(const char* setting, std::string_view name) noexcept {
    const std::string_view text(setting);
    return text.size() > name.size() && text.starts_with(name) && text[name.size()] == '='
               ? setting + name.size() + 1
               : nullptr;
}

// The path by which this program was executed.
const char* executed_file() noexcept {
    return reinterpret_cast<const char*>(::getauxval(AT_EXECFN)); // an address, as a number
}

std::string_view text_of(const char* text) noexcept {
    return text != nullptr ? std::string_view(text) : std::string_view();
}

// Builds "LD_PRELOAD=..." without our entries in a separate buffer. Returns its length, or 0 if it does not
// fit.
constinit std::array<char, 4096> rest{};

std::size_t write_rest(std::string_view value) noexcept {
    std::size_t length = 0;
    const auto put = [&length](std::string_view text) {
        if (rest.size() - length <= text.size())
            return false;
        for (const char c : text)
            rest[length++] = c;
        rest[length] = '\0';
        return true;
    };
    (void)put(preload_variable);
    (void)put("=");
    bool first = true;
    while (!value.empty()) {
        const std::string_view entry = take_entry(value, ": ");
        if (entry.empty() || base_name(entry) == preload_file)
            continue;
        if ((!first && !put(":")) || !put(entry))
            return 0;
        first = false;
    }
    return length;
}

} // namespace

const char* variable(char* const* environment, std::string_view name) noexcept {
    for (; environment != nullptr && *environment != nullptr; ++environment) {
        if (const char* const value = value_in(*environment, name))
            return value;
    }
    return nullptr;
}

bool names_program(std::string_view list, std::string_view path) noexcept {
    const std::string_view name = base_name(path);
    while (!list.empty() && !name.empty()) {
        if (take_entry(list, ":") == name)
            return true;
    }
    return false;
}

bool is_excluded(char* const* environment, char* const* words) noexcept {
    const char* const list = variable(environment, "IBID_EXCLUDE");
    return list != nullptr && (names_program(list, text_of(executed_file())) ||
                               (words != nullptr && names_program(list, text_of(words[0]))));
}

bool leaves_children_alone(char* const* environment, char* const* words) noexcept {
    return text_of(variable(environment, "IBID_CHILDREN")) == "0" &&
           (words == nullptr || base_name(text_of(words[0])) != "env");
}

void remove_preload(char** environment, bool in_use) noexcept {
    for (char** at = environment; at != nullptr && *at != nullptr; ++at) {
        const char* const value = value_in(*at, preload_variable);
        if (value == nullptr || std::string_view(value).find(preload_file) == std::string_view::npos)
            continue;
        const std::size_t length = write_rest(value);
        if (length == 0)
            return;
        if (in_use || length > preload_variable.size() + 1) {
            *at = rest.data();
            return;
        }
        do // as unsetenv() does, but that takes a lock
            at[0] = at[1];
        while (*at++ != nullptr);
        return;
    }
}

} // namespace ibid::preload
