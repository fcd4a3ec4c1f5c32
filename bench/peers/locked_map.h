// SPDX-License-Identifier: Apache-2.0
//
// One mutex around a map from keys to weak_ptr, as in most programs that intern. The map's type is the
// parameter, so that unordered_map and Abseil's flat_hash_map run the same code.
//
// Law: see shared_entry.h. The map's keys are 16-byte keys by value, or views of the bytes inside the entry.
// So an entry that replaces an expired one also replaces the key.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>

#include "peers/shared_entry.h"

namespace bench {

template <class Key, class Mutex, template <class, class> class Map>
class locked_map {
public:
    using key_type = Key;
    using entry = shared_entry<locked_map>;
    using handle = std::shared_ptr<const entry>;
    static constexpr bool thread_safe = true;

    [[nodiscard]] handle intern(const typename Key::view& key) {
        handle made; // destroyed after the lock is released, because its destructor takes the lock
        const std::lock_guard lock(mutex_);
        const auto found = map_.find(key);
        if (found != map_.end()) {
            if (handle h = found->second.lock()) {
                return h;
            }
            map_.erase(found);
        }
        made = std::make_shared<const entry>(key, *this);
        map_.emplace(made->value, made);
        return made;
    }

    [[nodiscard]] static const typename Key::owned& value(const handle& h) noexcept { return h->value; }

    [[nodiscard]] std::size_t entries() {
        const std::lock_guard lock(mutex_);
        return map_.size();
    }

    void sign_off(const typename Key::owned& value) {
        const std::lock_guard lock(mutex_);
        const auto found = map_.find(value);
        if (found != map_.end() && found->second.expired()) {
            map_.erase(found);
        }
    }

private:
    Mutex mutex_; // protects map_
    Map<typename Key::view, std::weak_ptr<const entry>> map_;
};

} // namespace bench
