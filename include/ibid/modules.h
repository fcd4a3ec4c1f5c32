// SPDX-License-Identifier: Apache-2.0
//
// For diagnosis: which modules of this process use ibid, and whether they share process-wide objects with the
// calling module. Modules with different layouts of ibid stay apart: each layout has its own canonical
// copies, and their caches and handles are different types.
//
//     for (const ibid::module& m : ibid::modules()) {
//         assert(m.shares);      // else m.path was built with another version of ibid: m.layout
//     }
#pragma once

#include <cstdint>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "ibid/detail/base/exceptions.h"
#include "ibid/detail/base/process_wide.h"
#include "ibid/detail/port/module.h"

namespace ibid {
inline namespace layout_1 {

// One module: the program, or a shared library, that was compiled with ibid.
struct module {
    std::string path;   // as the dynamic linker knows it; empty for the program
    std::string layout; // of its version of ibid
    bool shares;        // the layout is that of the caller
};

// In the order in which they were loaded. Throws bad_alloc.
[[nodiscard]] IBID_MODULE_LOCAL inline std::vector<module> modules() {
    std::vector<module> all;
    bool no_memory = false;
    // Copied inside: a module may go when the dynamic linker's lock is released.
    detail::for_each_signpost([&](const detail::loaded_module& in, const process::signpost& s) {
        if (!in.holds(reinterpret_cast<std::uintptr_t>(s.layout), 1)) {
            return false; // it is being loaded on another thread
        }
        IBID_TRY {
            all.push_back({in.path(), s.layout, std::string_view(s.layout) == IBID_LAYOUT});
        }
        IBID_CATCH(...) {
            no_memory = true;
        }
        return no_memory;
    });
    if (no_memory) {
        detail::throw_bad_alloc();
    }
    return all;
}

} // namespace layout_1
} // namespace ibid
