// SPDX-License-Identifier: Apache-2.0
//
// The code of caches with a keyed hash, which depends on no type. With IBID_SEPARATE the core's headers only
// declare it (ibid/detail/port/compiled.h).
//
// Law: part of a static library, position-independent. Each module that uses it has its own copy, as with
// headers only.
#define IBID_IS_COMPILED_HERE true

#include "ibid/cache.h"
#include "ibid/intern.h"
