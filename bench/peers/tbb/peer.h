// SPDX-License-Identifier: Apache-2.0
//
// oneTBB's concurrent_hash_map, std::weak_ptr.
//
// Law: see peers/shared_entry.h. An accessor is the lock of its element. While a thread holds one, no entry
// may end on that thread, because the entry's destructor could need the same lock.
#pragma once

#include <oneapi/tbb/concurrent_hash_map.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include "core/keys.h"
#include "peers/shared_entry.h"

namespace bench {

template <class Key, class Hash>
class tbb_peer {
    struct compare {
        [[nodiscard]] static std::size_t hash(const typename Key::view& key) { return Hash{}(key); }
        [[nodiscard]] static bool equal(const typename Key::view& a, const typename Key::view& b) {
            return a == b;
        }
    };

public:
    using key_type = Key;
    using entry = shared_entry<tbb_peer>;
    using handle = std::shared_ptr<const entry>;
    static constexpr bool thread_safe = true;

    [[nodiscard]] handle intern(const typename Key::view& key) {
        {
            typename map::const_accessor found;
            if (map_.find(found, key)) {
                if (handle h = found->second.lock()) {
                    return h;
                }
            }
        }
        // Made before the element's lock is taken, because the key in the map is a view of it.
        handle made = std::make_shared<const entry>(key, *this);
        for (;;) {
            typename map::accessor slot;
            if (map_.insert(slot, {made->value, made})) {
                return made;
            }
            if (handle h = slot->second.lock()) {
                return h; // another thread was first; `slot` is destroyed before `made`
            }
            map_.erase(slot); // an entry that is ending
        }
    }

    [[nodiscard]] static const typename Key::owned& value(const handle& h) noexcept { return h->value; }
    [[nodiscard]] std::size_t entries() const noexcept { return map_.size(); }

    void sign_off(const typename Key::owned& value) {
        typename map::accessor slot;
        if (map_.find(slot, value) && slot->second.expired()) {
            map_.erase(slot);
        }
    }

private:
    // The standard allocator, as in the other peers; otherwise oneTBB's allocator would be part of the
    // comparison.
    using map = tbb::concurrent_hash_map<
        typename Key::view, std::weak_ptr<const entry>, compare,
        std::allocator<std::pair<const typename Key::view, std::weak_ptr<const entry>>>>;
    map map_;
};

// tbb_hash_compare uses this.
struct tbb_hash {
    template <class View>
    [[nodiscard]] std::size_t operator()(const View& key) const {
        return std::hash<std::string_view>{}(std::string_view(key.data(), key.size()));
    }
};

} // namespace bench
