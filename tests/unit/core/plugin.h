// SPDX-License-Identifier: Apache-2.0
//
// The functions of a plugin of plugin_test.cpp, which the program finds with dlsym().
#pragma once

#include <atomic>
#include <string>

#include "ibid/atomic_handle.h"
#include "ibid/cache.h"
#include "ibid/intern.h"
#include "ibid/pool.h"

namespace ibid::testing {

using names = cache<std::string, std::string>;
using lengths = cache<std::string, int>;

struct plugin {
    handle<std::string> (*intern)(names& in, const std::string& key);
    handle<std::string> (*find)(const names& in, const std::string& key);
    // After it has begun, it waits for `may_end` and then makes the value.
    handle<std::string> (*intern_slowly)(names& in, const std::string& key, std::atomic<bool>& begun,
                                         const std::atomic<bool>& may_end);
    void (*publish)(atomic_handle<std::string>& in, const handle<std::string>& h);
    handle<std::string> (*canonical)(const std::string& text);
    handle<std::string> (*copy)(const handle<std::string>& h);
    void (*drop)(handle<std::string>& h);
    void (*lock_for_fork)(names& c);
    void (*unlock_after_fork)(names& c);
    loan<std::string> (*take)(pool<std::string>& from);
    void (*end)(loan<std::string>& l);
    const void* (*local_canonical)(); // of a type without linkage
    int (*modules_that_share)();
    // In a static cache that retains values, and that a static object looks up in its destructor.
    handle<std::string> (*intern_in_its_own)(const std::string& key);
};

} // namespace ibid::testing
