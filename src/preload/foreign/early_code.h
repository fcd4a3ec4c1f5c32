// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace ibid::preload {

// Whether the program's executable has code that must run before all constructors (DT_PREINIT_ARRAY): static
// sanitizer runtimes, and allocators that are made ready there. ibid is loaded earlier still, so no function
// of such an executable may be called, malloc included. Calls nothing but getauxval(), which reads a variable
// of the C library's.
[[nodiscard]] bool executable_has_early_code() noexcept;

} // namespace ibid::preload
