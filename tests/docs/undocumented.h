// SPDX-License-Identifier: Apache-2.0
//
// './dev docs' checks scripts/docs/reference.py with this header: it must report exactly the names that begin
// with missing_.
#pragma once

namespace ibid {
inline namespace layout_1 {

struct missing_type {
    int missing_field = 0;
    int field = 0; // said behind it
    // Said above it.
    int other_field = 0;

    // Two overloads: one comment is enough.
    void overloaded(int);
    void overloaded(long);

    void missing_member();
    friend void missing_friend(const missing_type&) {}

    missing_type(const missing_type&) = delete;

private:
    int hidden_ = 0;
};

// Far above.

void missing_function();

// Said, with parameters.
template <class T>
void function(T);

template <class T>
concept missing_concept = sizeof(T) > 1;

enum class missing_enumeration { missing_enumerator };

using missing_alias = int;

namespace detail {
struct inner {};
} // namespace detail

} // namespace layout_1
} // namespace ibid
