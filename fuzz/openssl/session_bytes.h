// SPDX-License-Identifier: Apache-2.0
//
// A serialized session with arbitrary bytes instead of the peer's certificate.
#pragma once

#include <span>

#include "input.h"

namespace ibid::fuzz {

// A valid session, or one with something invalid behind the peer, so that the decoded parts are freed again.
[[nodiscard]] byte_string session_with(std::span<const unsigned char> peer, bool sound);

} // namespace ibid::fuzz
