// SPDX-License-Identifier: Apache-2.0
//
// What the examples in the comments of pool.h take as known.
#pragma once

#include <string>
