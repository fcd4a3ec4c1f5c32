// SPDX-License-Identifier: Apache-2.0
//
// std::mutex, absl::flat_hash_map, std::weak_ptr.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/hash/hash.h>
#include <absl/strings/string_view.h>

#include <mutex>

#include "core/keys.h"
#include "peers/locked_map.h"

namespace bench {

struct absl_hash {
    template <class View>
    [[nodiscard]] std::size_t operator()(const View& key) const {
        return absl::Hash<absl::string_view>{}(absl::string_view(key.data(), key.size()));
    }
};

template <class Hash>
struct abseil_peer_map {
    template <class K, class V>
    using type = absl::flat_hash_map<K, V, Hash>;
};

template <class Key, class Hash>
using abseil_peer = locked_map<Key, std::mutex, abseil_peer_map<Hash>::template type>;

} // namespace bench
