// SPDX-License-Identifier: Apache-2.0
//
// What ibid itself can throw. Everything else that leaves a call comes from the caller's own `make`, or is
// bad_alloc.
#pragma once

#include <stdexcept>

namespace ibid {
inline namespace layout_1 {

// A `make` asked, directly or through other threads that wait for each other, for the very key that it is
// making. Thrown on the thread whose wait would have closed the cycle; the other threads continue.
class recursive_make : public std::logic_error {
public:
    // With a text for people; what() gives it.
    recursive_make() : std::logic_error("ibid: make() interns the key that it is making") {}
};

} // namespace layout_1
} // namespace ibid
