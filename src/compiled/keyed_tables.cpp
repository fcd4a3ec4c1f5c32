// SPDX-License-Identifier: Apache-2.0
//
// What the core's headers leave out with IBID_SEPARATE (ibid/detail/port/compiled.h): the code of caches
// whose hash is keyed. It depends on no type.
//
// Law: part of a static library, position-independent. Each module that uses it has its own copy, as with
// headers alone.
#define IBID_IS_COMPILED_HERE true

#include "ibid/cache.h"
#include "ibid/intern.h"
