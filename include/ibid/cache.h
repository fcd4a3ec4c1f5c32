// SPDX-License-Identifier: Apache-2.0
//
// An interning cache: maps keys to values. All callers that ask for the same key share one value, which ends
// with its last handle.
//
// Laws (docs/contracts.md has all ten, and where each is tested):
//  - at any instant, all live handles for equal keys in one cache point at one object;
//  - without a retention budget, the value is destroyed when its last handle goes, on that thread, before the
//    drop returns, and outside every lock;
//  - handles outlive the cache;
//  - threads that miss one key at once run `make` once and share; a `make` that throws leaves no trace.
//
//     ibid::cache<std::string, std::regex> patterns;
//     ibid::handle<std::regex> h = patterns.intern("a+b", [] { return std::regex("a+b"); });
//     assert(std::regex_match("aab", *h));
//     assert(patterns.find("a+b") == h);
//
// Thread safety: any member may be called from any thread at any time, except the destructor. Handles are not
// part of the object.
#pragma once

#include <concepts>
#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "ibid/assertions.h"
#include "ibid/concepts.h"
#include "ibid/detail/base/exceptions.h"
#include "ibid/detail/base/few_includes.h"
#include "ibid/detail/base/malloc_allocator.h"
#include "ibid/detail/base/mutex.h"
#include "ibid/detail/table/compiled_tables.h"
#include "ibid/detail/table/interner.h"
#include "ibid/detail/table/lock_free_lookup.h"
#include "ibid/detail/table/owned_entry.h"
#include "ibid/errors.h"
#include "ibid/handle.h"
#include "ibid/hash.h"
#include "ibid/options.h"
#include "ibid/retention.h"
#include "ibid/statistics.h"

namespace ibid {
inline namespace layout_1 {

// Key:        what identifies a value.
// Value:      what is shared; handles give const access to it.
// KeyOf:      where an entry keeps its key: `key_beside` stores one next to the value;
//             `key_at<&Value::member>` (a data member or a const member function) uses the one in the value;
//             `key_is_value` is for sets.
// Hash:       std::uint64_t(const K&) for Key and for every K that lookups use; equal keys must hash alike.
//             The default is keyed with a secret of the process. A hash of your own should be, too, if keys
//             come from outside.
// Equal:      bool(const Key&, const K&), an equivalence. It and KeyOf may run under a lock: they must not
//             use a cache.
// Allocator:  for entries and the table itself, and for keys and values that take it. Its memory must outlive
//             all handles and weak references. (The lists of what is retained or pinned, and of what for_each
//             is visiting, come from the global heap.)
//
// A K is a Key, or what one is looked up by without building it: a std::string_view or a std::span<const
// std::byte> for a std::string, a span for a vector. intern() builds the Key only on a miss.
template <class Key, class Value, class KeyOf = key_beside, class Hash = ibid::hash<Key>,
          class Equal = ibid::equal, class Allocator = std::allocator<std::byte>>
class cache {
    // Constants and not concepts: compilers print shorter errors for them.
    static constexpr bool plain_value = std::is_object_v<Value> && !std::is_const_v<Value>;
    static constexpr bool key_owns_itself =
        !std::is_same_v<KeyOf, key_beside> ||
        (!detail::has_view<Key>() && !std::is_same_v<Key, const char*> && !std::is_same_v<Key, char*>);
    static constexpr bool key_has_equality = detail::compares<Equal, Key, Key>;
    static constexpr bool key_has_hash = detail::can_hash<Hash>;
    static constexpr bool hash_takes_key = !key_has_hash || detail::hashes<Hash, Key>;
    static constexpr bool key_is_right =
        key_owns_itself && key_has_equality && key_has_hash && hash_takes_key;
    static_assert(plain_value, "ibid: name the plain type of the value; handles give const access to it");
    static_assert(
        key_owns_itself,
        "ibid: this key, or a part of it, only points at its text or elements, which may go before the entry "
        "does. Let the key own them (std::string, std::vector), and look up by the view: that copies nothing "
        "on a hit. (A class whose views stay valid says so with hash_fields().)");
    static_assert(key_has_equality,
                  "ibid: keys have no ==. Write bool operator==(const Key&) const = default;");
    static_assert(key_has_hash, IBID_NO_HASH);
    static_assert(hash_takes_key, "ibid: the cache's Hash does not take its Key");

    using node = detail::owned_entry<Key, Value, KeyOf, Hash, Equal, Allocator>;
    using table = typename node::table;
    using lookup = detail::lock_free_lookup<table>;

public:
    // What identifies a value.
    using key_type = Key;
    // What is shared.
    using value_type = Value;
    // What intern() and find() return.
    using handle_type = handle<std::remove_const_t<Value>>;

    // Whether every hit takes a shard's lock, because the hash is not keyed (see ibid/hash.h). Most keys have
    // a keyed hash; a class has one with hash_fields().
    static constexpr bool hits_take_a_lock = !table::reads_without_lock;

    // What the constructor takes (ibid/options.h).
    using options = cache_options<Allocator>;

    // Throws bad_alloc, and what the allocator throws.
    cache() requires(std::default_initializable<Allocator>) : cache(options{}) {}
    explicit cache(const options& o) : table_(node::create_table(o.allocator, o.counters)), name_(o.name) {
        if (!o.retain.none()) {
            retain(o.retain);
        }
    }
    cache(const cache&) = delete;
    cache& operator=(const cache&) = delete;
    ~cache() {
        IBID_ASSERT(table_ != nullptr, "this cache was destroyed before");
        while (!pinned_.empty()) { // their destructors may intern and pin here
            pins gone;
            gone.swap(pinned_);
        }
        table_->close();
#if defined(IBID_ASSERTIONS)
        *const_cast<table* volatile*>(&table_) = nullptr;
#endif
    }

    // The value for `key`: the existing one, or the one that `make` makes now.
    //
    // `make()` or `make(key)` returns a Value, or something a Value is constructed from (1.5 for an int does
    // not compile), or a std::optional<Value>; if that is empty, there is no value, and intern() returns an
    // empty handle. `make` runs on this thread, outside all locks, and may intern other keys here. Other
    // threads compare `key` meanwhile: it must not change until the call returns, so `make` may copy from it
    // but not move. Throws what `make`, the hash and the key's copy throw, bad_alloc, and recursive_make if
    // `make` needs this key, directly or through another thread. (A value's destructor may intern, too. It
    // runs on any thread that drops, trims or makes room, so it must catch both.)
    template <class K, class Make>
    [[nodiscard]] handle_type intern(const K& key, Make&& make) {
        constexpr bool makes = makes_value_for<Make, Key, Value>;
        static_assert(
            makes,
            "ibid: make() or make(key) must return the cache's Value, or what it is constructed from without "
            "a loss, or a std::optional of it");
        if constexpr (can_look_up_by<K>() && makes) {
            const std::uint64_t hash = hash_of(key);
            constexpr bool builds_no_key = std::is_same_v<K, Key>;
            if (const auto [found, where] = lookup::template find<node, builds_no_key>(*table_, hash, key);
                found != nullptr) {
                return node::of(*found).adopt(where);
            }
            return miss(hash, key, std::forward<Make>(make));
        } else {
            return handle_type();
        }
    }

    // For values that contain their key: the existing one, or `value` itself, copied or moved. An rvalue may
    // be moved from in any case, even if this throws.
    template <class V>
        requires(!std::is_same_v<KeyOf, key_beside> && std::is_same_v<std::remove_cvref_t<V>, Value>)
    [[nodiscard]] handle_type intern(V&& value) {
        const auto& key = KeyOf::of(std::as_const(value));
        return canonical(key, [&]() -> V&& { return std::forward<V>(value); });
    }

    // For values that are their own key: the existing one, or one that is constructed from `from`.
    template <class K>
        requires(std::is_same_v<KeyOf, key_is_value> && !std::is_same_v<std::remove_cvref_t<K>, Value> &&
                 std::is_constructible_v<Value, const K&>)
    [[nodiscard]] handle_type intern(const K& from) {
        static_assert(detail::keeps_every_value<K, Value>,
                      "ibid: not every value of this type is one of the cache's. Convert it yourself: "
                      "intern(static_cast<Value>(from))");
        return canonical(from, [&] { return Value(from); });
    }

    // The handle for `key`, or an empty one. Makes nothing. Throws what the hash and == throw. O(1) on
    // average, as intern().
    template <class K>
    [[nodiscard]] handle_type find(const K& key) const {
        if constexpr (can_look_up_by<K>()) {
            const std::uint64_t hash = hash_of(key);
            if constexpr (table::reads_without_lock) {
                if (const auto [found, where] = lookup::template find<node, true>(*table_, hash, key);
                    found != nullptr) {
                    return node::of(*found).adopt(where);
                }
            }
            return adopted(table_->find(hash, node::any(key)));
        } else {
            return handle_type();
        }
    }

    // Whether find() would give a handle at this moment.
    template <class K>
    [[nodiscard]] bool contains(const K& key) const {
        return static_cast<bool>(find(key));
    }

    // How many entries there are. Exact while no other thread changes the cache.
    [[nodiscard]] std::size_t size() const noexcept {
        return static_cast<std::size_t>(statistics().entries);
    }
    // As size() == 0.
    [[nodiscard]] bool empty() const noexcept {
        return size() == 0;
    }

    // Calls f(const Key&, const handle<Value>&) for every live entry, outside all locks. Entries that come or
    // go meanwhile may be visited or not. An entry may be held for some time before and after its call.
    template <class Function>
    void for_each(Function f) const {
        alive().for_each([&](detail::value_header& e) {
            e.acquire();
            const node& n = node::of(e);
            const handle_type h = n.adopt();
            f(n.key(), h);
        });
    }

    // A budget for entries without a handle; may change at any time, and takes effect before the call
    // returns.
    void retain(retention budget) noexcept {
        alive().retain(budget);
    }
    // The budget as it is now.
    [[nodiscard]] retention retained() const noexcept {
        return alive().budget();
    }

    // Drops all entries that only the budget keeps. Pinned entries stay. (If two threads trim at once, each
    // drops a part, and may return before the other.)
    void trim() noexcept {
        alive().drop_retained();
    }

    // From now on the budget does not keep the entry of `key`: without a handle or a pin it ends before the
    // call returns, else with the last of them. (A later lookup of the key may retain it again.) True: the
    // budget kept it. A lookup, as find() is, and then a look at each retained entry. Throws as find().
    template <class K>
    bool forget(const K& key) {
        const handle_type h = find(key);
        bool dropped = false;
        if (h) {
            table_->drop_retained_if([&](const detail::value_header& e) {
                const bool same = node::of(e).value() == h.get();
                dropped = dropped || same;
                return same;
            });
        }
        return dropped;
    }

    // An entry that never leaves while the cache lives. `h` is a handle of this cache. Throws bad_alloc.
    void pin(handle_type h) {
        IBID_ASSERT(!h || detail::header_of(h.get()).owner == &alive().owner(),
                    "this handle is of another cache, whose entries pin() here does not keep");
        (void)alive();
        const detail::lock_guard lock(pin_mutex_);
        pinned_.push_back(std::move(h));
    }

    // What the cache has done and holds (ibid/statistics.h). Reads 16 cache lines; any thread.
    [[nodiscard]] ibid::statistics statistics() const noexcept {
        return alive().count();
    }

    // As its options gave it; else null.
    [[nodiscard]] const char* name() const noexcept {
        (void)alive();
        return name_;
    }

    // Around fork(), for a cache inside a program that does not know of the cache and may fork while other
    // threads use it. Lock before fork(); unlock after it in both processes. In the child, first call
    // forget_other_threads().
    void lock_for_fork() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
        alive().lock_for_fork(&pin_mutex_);
    }
    // In the child, before unlock_after_fork(): forgets what other threads were making.
    void forget_other_threads() noexcept {
        alive().forget_other_threads();
    }
    // After fork(), in the parent and in the child.
    void unlock_after_fork() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
        alive().unlock_after_fork();
        pin_mutex_.unlock();
    }

private:
    using pins = std::vector<handle_type, detail::malloc_allocator<handle_type>>;

    // A static_assert and not a constraint, because its message is clearer.
    template <class K>
    [[nodiscard]] static consteval bool can_look_up_by() {
        constexpr bool keeps = detail::keeps_every_value<K, Key>;
        constexpr bool becomes = !keeps || !key_is_right || lookup_key_for<K, Key, Hash, Equal>;
        static_assert(
            keeps,
            "ibid: not every value of this type is a value of the cache's Key, so that it would find another "
            "key. Convert it yourself: find(static_cast<Key>(k))");
        static_assert(
            becomes,
            "ibid: a key is looked up by a Key, by what converts to one implicitly, by another range of the "
            "same bytes, or by what a Hash of your own takes. Convert it yourself: find(Key(k))");
        return keeps && becomes && key_is_right;
    }

    [[nodiscard]] table& alive() const noexcept {
        IBID_ASSERT(table_ != nullptr,
                    "this cache was destroyed: its handles outlive it, but nothing else does");
        return *table_;
    }

    // With this cache's secret, not the module's, where the hash can take one.
    template <class K>
    [[nodiscard]] std::uint64_t hash_of(const K& key) const {
        (void)alive();
        if constexpr (requires { Hash::keyed(secret_, key); }) {
            return Hash::keyed(secret_, key);
        } else {
            return hash_(key);
        }
    }

    [[nodiscard]] static handle_type adopted(detail::value_header* e) noexcept {
        return e != nullptr ? node::of(*e).adopt() : handle_type();
    }

    template <class K, class Make>
    [[nodiscard, gnu::noinline]] handle_type miss(std::uint64_t hash, const K& key, Make&& make) {
        // Other threads find the flight by a Key: the caller's own, or one constructed from what the caller
        // passed.
        if constexpr (std::is_same_v<K, Key>) {
            return fly(hash, key, std::forward<Make>(make));
        } else {
            constexpr bool makes_key = detail::key_from<Key, K>;
            static_assert(
                makes_key,
                "ibid: find() takes this, but intern() cannot make a Key of it on a miss. Convert it "
                "yourself: intern(Key(k), make)");
            if constexpr (makes_key) {
                return fly(hash, detail::make_key<Key>(key), std::forward<Make>(make));
            } else {
                return handle_type();
            }
        }
    }

    template <class Make>
    [[nodiscard]] handle_type fly(std::uint64_t hash, const Key& key, Make&& make) {
        const detail::any_key any = node::any(key);
        typename table::flight_type flight{&any, hash};
        if (detail::value_header* const found = table_->begin(flight)) {
            return node::of(*found).adopt();
        }
        detail::unless_done abandon([&] { table_->abandon(flight); });
        auto call = [&]() -> decltype(auto) {
            if constexpr (detail::callable<Make, const Key&>) {
                return std::forward<Make>(make)(key);
            } else {
                return std::forward<Make>(make)();
            }
        };
        node* fresh = nullptr;
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(call())>, std::optional<Value>>) {
            std::optional<Value> made = call();
            if (!made) {
                return handle_type();
            }
            fresh = node::create(
                table_, [&]() -> Value&& { return *std::move(made); }, key);
        } else {
            fresh = node::create(table_, call, key);
        }
        abandon.done();
        table_->publish(flight, *fresh);
        return fresh->adopt();
    }

    // Making a value is only a copy here, so the copy is made before other threads could wait for it, and is
    // discarded if another thread was faster. Other threads compare the key inside the new entry, because the
    // caller's key may have been moved from.
    template <class K, class Copy>
    [[nodiscard]] handle_type canonical(const K& key, Copy copy) {
        const std::uint64_t hash = hash_of(key);
        constexpr bool copies_in_no_time =
            std::is_same_v<K, Key> && std::is_trivially_copyable_v<Value> && sizeof(Value) <= 64;
        if (const auto [found, where] = lookup::template find<node, copies_in_no_time>(*table_, hash, key);
            found != nullptr) {
            return node::of(*found).adopt(where);
        }
        if constexpr (copies_in_no_time) {
            IBID_TRY {
                return insert_copy(hash, copy);
            }
            IBID_CATCH(const std::bad_alloc&) { // a hit needs no memory
                if (handle_type h = adopted(table_->find(hash, node::any(key)))) {
                    return h;
                }
                IBID_RETHROW;
            }
        } else {
            return insert_copy(hash, copy);
        }
    }
    template <class Copy>
    [[nodiscard, gnu::noinline]] handle_type insert_copy(std::uint64_t hash, Copy& copy) {
        node& fresh = *node::create(table_, copy);
        detail::unless_done discard([&] { node::discard(fresh, *table_); });
        const Key& its_key = fresh.key();
        const detail::any_key any = node::any(its_key);
        typename table::flight_type flight{&any, hash};
        if (detail::value_header* const found = table_->insert_or_wait(flight, fresh)) {
            return node::of(*found).adopt();
        }
        discard.done();
        return fresh.adopt();
    }

    const detail::hash_secret& secret_ = detail::process_secret();
    table* table_; // the destructor closes it; entries with handles keep it alive
    [[no_unique_address]] Hash hash_;
    const char* const name_;
    detail::mutex pin_mutex_; // outermost: taken before all other locks
    pins pinned_ IBID_GUARDED_BY(pin_mutex_);
};

} // namespace layout_1
} // namespace ibid
