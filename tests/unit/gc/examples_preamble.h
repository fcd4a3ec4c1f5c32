// SPDX-License-Identifier: Apache-2.0
//
// What the examples in the comments of gc.h take as known.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "ibid/cache.h"

namespace {
using value [[maybe_unused]] = int;
} // namespace
