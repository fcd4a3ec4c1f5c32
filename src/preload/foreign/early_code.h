// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace ibid::preload {

// Whether a function that ibid calls at load may not be initialized yet. ibid is loaded before all other code
// of the process:
//
//  - an executable may have code that must run before all constructors (DT_PREINIT_ARRAY): static sanitizer
//    runtimes, and allocators that are initialized there;
//  - another module may define a C library function and initialize it in a constructor.
//
// Calls no function of another module, except getauxval() if that is the C library's own.
[[nodiscard]] bool runs_too_early() noexcept;

} // namespace ibid::preload
