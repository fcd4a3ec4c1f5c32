// SPDX-License-Identifier: Apache-2.0
//
// Linked into tests: the collector then marks incrementally, and write-protects pages while it does.
#include <gc/gc.h>

namespace {
const bool set = [] {
    GC_set_handle_fork(1);
    GC_INIT();
    GC_enable_incremental();
    return true;
}();
} // namespace
