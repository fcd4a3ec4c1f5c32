// SPDX-License-Identifier: Apache-2.0
//
// A serialized session with any bytes in the place of the peer's certificate.
#pragma once

#include <span>

#include "input.h"

namespace ibid::fuzz {

// A sound one, or with something behind the peer that is none, so that what was decoded is freed again.
[[nodiscard]] byte_string session_with(std::span<const unsigned char> peer, bool sound);

} // namespace ibid::fuzz
