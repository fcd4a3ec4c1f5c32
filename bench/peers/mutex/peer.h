// SPDX-License-Identifier: Apache-2.0
//
// std::mutex, std::unordered_map, std::weak_ptr.
#pragma once

#include <functional>
#include <mutex>
#include <string_view>
#include <type_traits>
#include <unordered_map>

#include "core/keys.h"
#include "peers/locked_map.h"

namespace bench {

// If the hash function may throw, libstdc++ stores the hash in its nodes; otherwise it computes the hash
// again for each node that it passes. The first is better for long keys, the second for short ones.
template <class Key, class Hash>
struct mutex_hash {
    [[nodiscard]] std::size_t operator()(const typename Key::view& key) const noexcept(Key::bytes <= 16) {
        return Hash{}(key);
    }
};

struct std_hash {
    template <class View>
    [[nodiscard]] std::size_t operator()(const View& key) const noexcept {
        return std::hash<std::string_view>{}(std::string_view(key.data(), key.size()));
    }
};

template <class Key, class Hash>
struct mutex_peer_map {
    template <class K, class V>
    using type = std::unordered_map<K, V, mutex_hash<Key, Hash>>;
};

template <class Key, class Hash>
using mutex_peer = locked_map<Key, std::mutex, mutex_peer_map<Key, Hash>::template type>;

} // namespace bench
