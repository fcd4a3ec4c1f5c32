// SPDX-License-Identifier: Apache-2.0
//
// Prints a handle, a view or a loan as its value, or as `(empty)`: << is here, std::format is in
// ibid/format.h, {fmt} in ibid/fmt.h.
//
// Law: they can be printed exactly if the value can.
#pragma once

#include "ibid/detail/port/language.h"

#include <iosfwd>
#include <type_traits>

namespace ibid {
inline namespace layout_1 {

namespace detail {

template <class Reference>
inline constexpr bool shows_its_value = false;
inline constexpr char shown_empty[] = "(empty)";

// Of std::format and of {fmt}, by the formatter of the value.
template <class Reference, class Formatter>
struct formatter_of_value : Formatter {
    template <class Context>
    auto format(const Reference& r, Context& context) const -> decltype(context.out()) {
        if (r) {
            return Formatter::format(*r, context);
        }
        auto out = context.out();
        for (const char* c = shown_empty; *c != '\0'; ++c) {
            *out++ = *c;
        }
        return out;
    }
};

} // namespace detail

// Writes what a handle, a view or a loan refers to, by that type's own <<; "(empty)" without it.
template <class C, class Traits, class Reference>
    requires(detail::shows_its_value<Reference>&& requires(std::basic_ostream<C, Traits>& out,
                                                           const Reference& r) { out << *r; })
std::basic_ostream<C, Traits>
&operator<<(std::basic_ostream<C, Traits>& out, const Reference& r) {
    if (r) {
        out << *r;
    } else {
        out << detail::shown_empty;
    }
    return out;
}

} // namespace layout_1
} // namespace ibid
