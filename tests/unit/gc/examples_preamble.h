// SPDX-License-Identifier: Apache-2.0
//
// Declarations that the examples in the comments of gc.h use.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "ibid/cache.h"

namespace {
using value [[maybe_unused]] = int;
} // namespace
