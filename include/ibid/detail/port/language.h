// SPDX-License-Identifier: Apache-2.0
//
// Stops a compiler that reads ibid as an older C++, which would report a thousand errors.
#pragma once

#if defined(_MSVC_LANG) ? _MSVC_LANG < 202002L : __cplusplus < 202002L
#error "ibid needs C++20 or later: compile with -std=c++20"
#include "C++20 is needed" // not there, so that compilers end here
#endif
