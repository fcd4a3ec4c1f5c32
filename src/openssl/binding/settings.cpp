// SPDX-License-Identifier: Apache-2.0
#include "settings.h"

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <limits>

namespace ibid::openssl {

namespace {

[[nodiscard]] bool parse_size(std::string_view text, std::size_t& into) noexcept {
    std::size_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc()) {
        return false;
    }
    unsigned shift = 0;
    if (end - rest == 1) {
        switch (*rest) {
        case 'k':
        case 'K':
            shift = 10;
            break;
        case 'm':
        case 'M':
            shift = 20;
            break;
        case 'g':
        case 'G':
            shift = 30;
            break;
        default:
            return false;
        }
    } else if (rest != end) {
        return false;
    }
    if (number > (std::numeric_limits<std::size_t>::max() >> shift)) {
        return false;
    }
    into = number << shift;
    return true;
}

[[nodiscard]] std::string_view variable(const char* name) noexcept {
    const char* const value = std::getenv(name);
    return value != nullptr ? std::string_view(value) : std::string_view();
}

[[nodiscard]] settings read() noexcept {
    settings s;
    s.disabled = variable("IBID_DISABLE") == "1";
    s.scope = variable("IBID_SCOPE") == "all" ? scope_setting::all : scope_setting::openssl;
    s.verify_memo = variable("IBID_VERIFY_MEMO") != "0";
    const std::string_view privacy = variable("IBID_PRIVACY");
    s.privacy = privacy == "strict" ? privacy_setting::strict
                : privacy == "off"  ? privacy_setting::off
                                    : privacy_setting::standard;
    (void)parse_retention(variable("IBID_RETAIN"), s.retain);
    return s;
}

} // namespace

bool parse_retention(std::string_view text, retention& into) noexcept {
    const std::size_t colon = text.find(':');
    retention parsed = into;
    if (!parse_size(text.substr(0, colon), parsed.bytes)) {
        return false;
    }
    if (colon != std::string_view::npos && !parse_size(text.substr(colon + 1), parsed.entries)) {
        return false;
    }
    into = parsed;
    return true;
}

const settings& environment() noexcept {
    static const settings s = read();
    return s;
}

} // namespace ibid::openssl
