// SPDX-License-Identifier: Apache-2.0
//
// Declarations that the examples in the comments of pool.h use.
#pragma once

#include <string>
