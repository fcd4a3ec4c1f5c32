// SPDX-License-Identifier: Apache-2.0
//
// Linked into tests: the collector then recognizes only pointers to the beginning of an object, as programs
// with large heaps configure it. Tokens are held by such pointers.
#include <gc/gc.h>

namespace {
const bool set = [] {
    GC_set_all_interior_pointers(0);
    GC_set_handle_fork(1);
    GC_INIT();
    return true;
}();
} // namespace
