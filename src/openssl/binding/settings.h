// SPDX-License-Identifier: Apache-2.0
//
// Settings, from the environment. Read once, at first use. An invalid value counts as unset, because ibid
// must not print inside another program. (`ibid run` checks the same variables and reports them.)
#pragma once

#include <string_view>

#include "ibid/retention.h"

namespace ibid::openssl {

enum class scope_setting { openssl, all };

// What a stranger may learn from the duration of a verification: docs/safety.md.
enum class privacy_setting {
    strict,   // no knowledge about peers shortens a handshake
    standard, // a client's own certificate is always verified
    off,      // no restriction
};

struct settings {
    bool disabled = false;                               // IBID_DISABLE=1
    scope_setting scope = scope_setting::openssl;        // IBID_SCOPE=openssl|all
    bool verify_memo = true;                             // IBID_VERIFY_MEMO=0: verify every signature again
    privacy_setting privacy = privacy_setting::standard; // IBID_PRIVACY=strict|default|off
    retention retain{.bytes = std::size_t{4} << 20,
                     .entries = 1024}; // IBID_RETAIN=BYTES[:ENTRIES], 0 for none
};

[[nodiscard]] const settings& environment() noexcept;

// "4M", "4194304:1024", "0", …: suffixes K, M, G are powers of 1024. Entries keep their default when not
// given. False, and `into` unchanged, if the text has another form.
[[nodiscard]] bool parse_retention(std::string_view text, retention& into) noexcept;

} // namespace ibid::openssl
