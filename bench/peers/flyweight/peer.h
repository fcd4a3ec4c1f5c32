// SPDX-License-Identifier: Apache-2.0
//
// Boost.Flyweight, twice: with its defaults, and with the fastest policies that keep exact eviction and
// thread safety.
#pragma once

#include <boost/flyweight.hpp>
#include <boost/flyweight/hashed_factory.hpp>
#include <boost/flyweight/key_value.hpp>
#include <boost/flyweight/locking_tag.hpp>
#include <boost/flyweight/refcounted.hpp>
#include <boost/functional/hash.hpp>

#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "core/keys.h"

namespace bench {

// Plain flyweight<T>: boost::hash, a recursive mutex, and a T made for every lookup.
template <class Key>
class flyweight_default_peer {
public:
    using key_type = Key;
    using handle = boost::flyweight<typename Key::owned>;
    static constexpr bool thread_safe = true;

    [[nodiscard]] handle intern(const typename Key::view& key) { return handle(typename Key::owned(key)); }
    [[nodiscard]] static const typename Key::owned& value(const handle& h) noexcept { return h.get(); }
};

// A plain mutex instead of the recursive default is enough, because construction and destruction of these
// values intern nothing.
struct plain_locking : boost::flyweights::locking_marker {
    using mutex_type = std::mutex;
    using lock_type = std::lock_guard<std::mutex>;
};

// Bytes with a view of them as the key: a lookup makes no std::string.
struct viewed_string {
    std::string bytes;
    std::string_view view;

    explicit viewed_string(std::string_view key) : bytes(key), view(bytes) {}
    viewed_string(const viewed_string& other) : bytes(other.bytes), view(bytes) {}
    viewed_string(viewed_string&& other) noexcept : bytes(std::move(other.bytes)), view(bytes) {}
    viewed_string& operator=(const viewed_string&) = delete;
    ~viewed_string() = default;
};

struct view_of {
    const std::string_view& operator()(const viewed_string& s) const noexcept { return s.view; }
};

// The factory hashes its own record type, which converts to the key.
template <class Key, class Hash>
struct record_hash {
    [[nodiscard]] std::size_t operator()(const typename Key::view& key) const noexcept { return Hash{}(key); }
};

template <class Key, class Hash>
class flyweight_tuned_peer {
    static constexpr bool short_key = Key::bytes <= 16;
    using content =
        std::conditional_t<short_key, typename Key::owned,
                           boost::flyweights::key_value<std::string_view, viewed_string, view_of>>;

public:
    using key_type = Key;
    using handle =
        boost::flyweight<content, boost::flyweights::hashed_factory<record_hash<Key, Hash>>, plain_locking>;
    static constexpr bool thread_safe = true;

    [[nodiscard]] handle intern(const typename Key::view& key) { return handle(key); }
    [[nodiscard]] static const typename Key::owned& value(const handle& h) noexcept {
        if constexpr (short_key) {
            return h.get();
        } else {
            return h.get().bytes;
        }
    }
};

struct boost_hash {
    template <class View>
    [[nodiscard]] std::size_t operator()(const View& key) const noexcept {
        return boost::hash_range(key.begin(), key.end());
    }
};

} // namespace bench
