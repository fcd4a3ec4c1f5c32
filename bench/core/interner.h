// SPDX-License-Identifier: Apache-2.0
//
// The interface of every C++ interner in the benchmark.
//
// Law: intern() gives equal handles for equal keys while one of them lives, and the entry is gone when the
// drop of its last handle returns; if an interner can count its entries (`entries()`), this is checked at the
// end.
#pragma once

#include <concepts>
#include <cstddef>

namespace bench {

template <class I>
concept interner = requires(I& in, const typename I::key_type::view& key, const typename I::handle& h,
                            typename I::handle taken) {
    requires std::default_initializable<I>;
    requires std::movable<typename I::handle> && std::copyable<typename I::handle>;
    { in.intern(key) } -> std::same_as<typename I::handle>;
    {
        I::value(h)
        } -> std::same_as<const typename I::key_type::owned&>; // also the handle's identity: by address
    { I::thread_safe } -> std::convertible_to<bool>;
};

} // namespace bench
