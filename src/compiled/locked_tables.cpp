// SPDX-License-Identifier: Apache-2.0
//
// The code of caches whose hash is not keyed, so that each hit takes a lock. It depends on no type. With
// IBID_SEPARATE the core's headers only declare it (ibid/detail/port/compiled.h).
//
// Law: part of a static library, position-independent. Each module that uses it has its own copy, as with
// headers only.
#define IBID_IS_COMPILED_HERE false

#include "ibid/cache.h"
#include "ibid/intern.h"
