// SPDX-License-Identifier: Apache-2.0
//
// A name by which modules of one process recognize that they mean the same type.
//
// Law: two modules get equal names only if the type has the same name and size in both, has linkage (a type
// in an unnamed namespace is another type in each translation unit), and is built on the same standard
// library. The name comes from the type information, so modules with and without -fno-rtti do not recognize
// each other's types.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <version>
#if defined(__GXX_RTTI) || defined(__cpp_rtti)
#include <typeinfo>
#endif

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

// In doubt, false: then each module has a type of its own.
[[nodiscard]] inline bool has_linkage(std::string_view name) noexcept {
    for (const std::string_view local :
         {"_GLOBAL__N_", "{anonymous}", "(anonymous namespace)", "'lambda", "<lambda"}) {
        if (name.find(local) != name.npos) {
            return false;
        }
    }
    // A type of a function that has no linkage: "ZL" and the length of the function's name.
    for (std::size_t at = name.find("ZL"); at != name.npos; at = name.find("ZL", at + 1)) {
        if (at + 2 < name.size() && name[at + 2] >= '0' && name[at + 2] <= '9') {
            return false;
        }
    }
    return true;
}

// `what`: of what kind the object is. `size`: of all that modules must agree in. `own`: an address in this
// module.
template <class T>
[[nodiscard]] std::string shared_type_name(std::string_view what, std::size_t size, const void* own) {
    std::string name(what);
    name.append(" ").append(written_name<T>()).append(" ").append(std::to_string(size));
#if defined(_LIBCPP_ABI_VERSION)
    name += " libc++ " + std::to_string(_LIBCPP_ABI_VERSION);
#elif defined(_GLIBCXX_DEBUG)
    name += " libstdc++ debug";
#else
    name += " libstdc++";
#endif
    if (!has_linkage(written_name<T>())) {
        name += " at " + std::to_string(reinterpret_cast<std::uintptr_t>(own));
    }
    return name;
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
