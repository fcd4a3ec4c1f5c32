// SPDX-License-Identifier: Apache-2.0
//
// Explicit instantiations of the tables of owned values (port/compiled.h). With IBID_SEPARATE, translation
// units see extern declarations; src/compiled has the definitions.
#pragma once

#include <cstdint>

#include "ibid/detail/port/compiled.h"
#include "ibid/detail/retention/retained_entries.h"
#include "ibid/detail/table/interner.h"
#include "ibid/detail/table/lock_free_lookup.h"
#include "ibid/detail/table/owned_entry.h"
#include "ibid/detail/table/value_operations.h"

#define IBID_TABLE_CODE(kind, keyed)                                                                         \
    kind class retained_entries<owned_traits<keyed>>;                                                        \
    kind class interner<owned_traits<keyed>, any_allocator<std::byte>>;                                      \
    kind value_header* interner<owned_traits<keyed>, any_allocator<std::byte>>::find<any_key>(               \
        std::uint64_t, const any_key&)

namespace ibid {
inline namespace layout_1 {
namespace detail {

#if defined(IBID_IS_COMPILED_HERE) // true or false: keyed
IBID_TABLE_CODE(template, IBID_IS_COMPILED_HERE);
#if IBID_IS_COMPILED_HERE
template class lock_free_lookup<owned_table<true>>;
#endif
#elif !IBID_COMPILES
IBID_TABLE_CODE(extern template, true);
IBID_TABLE_CODE(extern template, false);
extern template class lock_free_lookup<owned_table<true>>;
#endif

} // namespace detail
} // namespace layout_1
} // namespace ibid

#undef IBID_TABLE_CODE
