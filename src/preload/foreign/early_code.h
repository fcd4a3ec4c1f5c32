// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace ibid::preload {

// Whether what ibid would call when it is loaded may not be ready. ibid is loaded before all other code of
// the process:
//
//  - an executable may have code that must run before all constructors (DT_PREINIT_ARRAY): static sanitizer
//    runtimes, and allocators that are made ready there;
//  - another module may define a function of the C library's, and make that ready in a constructor.
//
// Calls no function of another module's, but getauxval() when that is the C library's own.
[[nodiscard]] bool runs_too_early() noexcept;

} // namespace ibid::preload
