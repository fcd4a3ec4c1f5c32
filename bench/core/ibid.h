// SPDX-License-Identifier: Apache-2.0
//
// ibid as a participant of the benchmark: a set of canonical values, nothing retained, with its own keyed
// hash.
#pragma once

#include <string>

#include "core/keys.h"
#include "ibid/cache.h"

namespace bench {

template <class Key>
class ibid_interner {
    using owned = typename Key::owned;

public:
    using key_type = Key;
    using handle = ibid::handle<owned>;
    static constexpr bool thread_safe = true;

    [[nodiscard]] handle intern(const typename Key::view& key) { return cache_.intern(key); }
    [[nodiscard]] static const owned& value(const handle& h) noexcept { return *h; }
    [[nodiscard]] std::size_t entries() const noexcept { return cache_.statistics().entries; }

private:
    ibid::cache<owned, owned, ibid::key_is_value> cache_;
};

} // namespace bench
