// SPDX-License-Identifier: Apache-2.0
//
// The core as a C++20 module: `import ibid;` instead of the headers. What needs another library (gc.h, fmt.h,
// openssl.h) stays a header, and may be included beside the import.
//
// Law: the module exports the public names of the headers and nothing else, and adds no code of its own: a
// value that is made in a file with headers is the same to a file with the import.
//
//     clang++ -std=c++20 -I include --precompile -x c++-module include/ibid/ibid.cppm -o ibid.pcm
//     clang++ -std=c++20 -fmodule-file=ibid=ibid.pcm main.cpp ibid.pcm -pthread -o main
//
// Macros do not pass an import: define IBID_ASSERTIONS where the module is compiled. Decision 27 says which
// compilers support this.
module;

#include "ibid/atomic_handle.h"
#include "ibid/cache.h"
#include "ibid/concepts.h"
#include "ibid/errors.h"
#include "ibid/format.h"
#include "ibid/handle.h"
#include "ibid/hash.h"
#include "ibid/intern.h"
#include "ibid/modules.h"
#include "ibid/options.h"
#include "ibid/pool.h"
#include "ibid/published.h"
#include "ibid/retention.h"
#include "ibid/statistics.h"
#include "ibid/weak.h"

export module ibid;

export namespace ibid {

using ibid::atomic_handle;
using ibid::handle;
using ibid::less_by_value;
using ibid::view;
using ibid::weak;
using ibid::operator==;
using ibid::operator<<;

using ibid::cache;
using ibid::cache_key;
using ibid::cache_options;
using ibid::canonical;
using ibid::intern;
using ibid::key_at;
using ibid::key_beside;
using ibid::key_is_value;
using ibid::lookup_key_for;
using ibid::makes_value_for;
using ibid::recursive_make;
using ibid::retention;
using ibid::weight_of;

using ibid::equal;
using ibid::hash;
using ibid::hash_bytes;

using ibid::counter_block;
using ibid::counter_stripe;
using ibid::counter_stripes;
using ibid::published_counters;
using ibid::statistics;
using ibid::sum;

using ibid::loan;
using ibid::pool;
using ibid::pool_budget;
using ibid::pool_statistics;

using ibid::module;
using ibid::modules;

} // namespace ibid
