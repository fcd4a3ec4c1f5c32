// SPDX-License-Identifier: Apache-2.0
//
// A name by which modules of one process recognize that they mean the same type.
//
// Law: two modules get equal names only if the type has the same name and size in both, has linkage (a type
// in an unnamed namespace is another type in each translation unit), and is built on the same standard
// library. The name comes from the type information, so modules with and without -fno-rtti do not recognize
// each other's types.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <version>
#if defined(__GXX_RTTI) || defined(__cpp_rtti)
#include <typeinfo>
#endif

#include "ibid/detail/port/compiled.h"
#include "ibid/detail/port/module.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

template <class T>
[[nodiscard]] constexpr std::string_view written_name() noexcept {
#if defined(__GXX_RTTI) || defined(__cpp_rtti)
    return typeid(T).name();
#else
    return __PRETTY_FUNCTION__;
#endif
}

// Standard libraries and options that cannot be mixed.
#if defined(_LIBCPP_ABI_VERSION)
inline constexpr std::string_view standard_library = "libc++ " IBID_TEXT(_LIBCPP_ABI_VERSION);
#elif defined(_GLIBCXX_DEBUG)
inline constexpr std::string_view standard_library = "libstdc++ debug";
#else
inline constexpr std::string_view standard_library = "libstdc++";
#endif

// Whether the type has linkage. In doubt, false: then each module has a type of its own.
[[nodiscard, IBID_SELDOM]] IBID_COMPILED bool has_linkage(std::string_view name) noexcept
#if IBID_COMPILES
{
    for (const std::string_view local :
         {"_GLOBAL__N_", "{anonymous}", "(anonymous namespace)", "'lambda", "<lambda"}) {
        if (name.find(local) != name.npos) {
            return false;
        }
    }
    // The name of a local type of a static function contains "ZL" and the length of the function's name.
    for (std::size_t at = name.find("ZL"); at != name.npos; at = name.find("ZL", at + 1)) {
        if (at + 2 < name.size() && name[at + 2] >= '0' && name[at + 2] <= '9') {
            return false;
        }
    }
    return true;
}
#else
    ;
#endif

// `what`: of what kind the object is. `size`: of all that modules must agree in. `own`: an address in this
// module. Throws bad_alloc.
[[nodiscard, IBID_SELDOM]] IBID_COMPILED std::string shared_name(std::string_view what, std::string_view type,
                                                                 std::size_t size, const void* own,
                                                                 std::string_view library)
#if IBID_COMPILES
{
    const auto address = has_linkage(type) ? 0 : reinterpret_cast<std::uintptr_t>(own);
    std::string name(what);
    name.append(" ").append(type).append(" ").append(std::to_string(size));
    name.append(" ").append(library).append(" ").append(std::to_string(address));
    return name;
}
#else
    ;
#endif

} // namespace detail
} // namespace layout_1
} // namespace ibid
