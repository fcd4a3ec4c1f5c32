// SPDX-License-Identifier: Apache-2.0
//
// Declarations that the examples in the headers use.
#pragma once

#include <regex>
#include <set>
#include <string>
#include <string_view>

#include "ibid/atomic_handle.h"
#include "ibid/cache.h"
#include "ibid/handle.h"
#include "ibid/hash.h"
#include "ibid/intern.h"
#include "ibid/retention.h"
#include "ibid/statistics.h"
#include "ibid/weak.h"

namespace {

struct configuration {
    std::string name;
};
[[maybe_unused]] const ibid::handle<configuration> config =
    ibid::cache<int, configuration>().intern(1, [] { return configuration{"one"}; });

} // namespace
