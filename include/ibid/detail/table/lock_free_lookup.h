// SPDX-License-Identifier: Apache-2.0
//
// Finds an entry without a lock. Only cache.h includes it: tables whose values another library counts look up
// under the lock.
//
// Why a hit is right: the reference was taken while the value was alive. Whether the entry was still linked
// then does not matter, because no other value of its key is made while this one lives. The key is compared
// after that, outside the read guard; the reference keeps the entry. If two keys have the same hash, the
// reference may be to the other key's value, and dropping it could end that value on a thread that did not
// ask for it. Hence this is used only for keyed hashes (ibid/hash.h), of which nobody finds two equal ones. A
// miss proves nothing: look up again under the lock.
//
// Thread safety: any thread, except inside a read guard of the same table.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ibid/detail/base/exceptions.h"
#include "ibid/detail/base/mechanisms.h"
#include "ibid/detail/counting/references.h"
#include "ibid/detail/reclamation/qsbr_domain.h"
#include "ibid/detail/table/interner.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

template <class Table>
class lock_free_lookup {
    using traits = typename Table::traits_type; // for entries of any type
    using entry = typename Table::entry;

public:
    // A reference that now belongs to the caller, and where it is counted; or nothing.
    struct acquired {
        entry* found = nullptr;
        counted_in where = counted_in::central;
    };

    // An entry of `key`. Nothing: there is none, or it could not be seen; Table::find() and begin() give the
    // certain answer. `Node`: the entry's type. `Key`: anything that Node::matches can compare with it.
    // `may_skip`: return nothing at once on a thread that missed lately. For callers whose lookup under the
    // lock costs nothing but the lock.
    template <class Node, bool may_skip, class Key>
    [[nodiscard, gnu::always_inline]] static acquired find(Table& t, std::uint64_t hash, const Key& key) {
        if constexpr (!Table::reads_without_lock) {
            return {t.find(hash, Node::any(key))};
        } else {
            participant* const me = this_participant(t);
            if (me == nullptr) [[unlikely]] {
                return {find_under_lock<Node>(t, hash, key)};
            }
            if (may_skip && has(mechanism::miss_streak) && me->recently_missed()) [[unlikely]] {
                t.reclaimer_.quiesce(*me);
                return {};
            }
            std::uint64_t number = 0;
            const acquired a = try_find(t, hash, *me, number);
            bool same = false;
            IBID_TRY { // computing a key for the comparison may run out of memory
                same = a.found != nullptr && Node::matches(*a.found, key);
            }
            IBID_CATCH(...) {
                missed(t, a, *me);
                IBID_RETHROW;
            }
            if (!same) {
                missed(t, a, *me);
                return {};
            }
            if constexpr (!Node::saves_alike) {
                bump(me->counters.bytes_not_parsed, Node::saved(*a.found));
            }
            if (number % lookups_per_sample == 0) [[unlikely]] {
                t.reclaimer_.quiesce(*me);
                sample(t, *a.found);
            }
            t.touch(*a.found);
            return a;
        }
    }

private:
    // The lookups of one thread between two samples. entry_word::samples_to_promote samples promote a value.
    static constexpr std::uint64_t lookups_per_sample = 64;

    [[nodiscard]] IBID_MODULE_LOCAL static participant* this_participant(Table& t) noexcept {
        if constexpr (!has(mechanism::lock_free_lookup)) {
            return nullptr;
        }
        participant* const me = t.reclaimer_.here();
        return me != nullptr ? me : join(t);
    }
    [[nodiscard, gnu::noinline]] IBID_MODULE_LOCAL static participant* join(Table& t) noexcept;

    // `number`: of this thread's lookups in this table.
    [[nodiscard, gnu::always_inline]] static acquired try_find(Table& t, std::uint64_t hash, participant& me,
                                                               std::uint64_t& number) noexcept {
        const auto guard = t.reclaimer_.guard(me);
        number = guard.number();
        std::uint64_t word = 0;
        entry* const e = t.shard_of(hash).peek(hash, word);
        if (e == nullptr) {
            return {};
        }
        // Inside the guard the entry's memory stays valid, and so does its cell in hot_values.
        if (const counted_in where = where_new_references_count(word);
            where != counted_in::central && t.owner_.hot.add(word, where, 1)) [[unlikely]] {
            return {e, where};
        }
        return traits::try_acquire(*e) ? acquired{e, counted_in::central} : acquired{};
    }

    // Not inline: a hit must not store what only this needs.
    template <class Node, class Key>
    [[nodiscard, gnu::noinline]] static entry* find_under_lock(Table& t, std::uint64_t hash, const Key& key) {
        return t.find(hash, Node::any(key));
    }

    // Found nothing, or an entry of another key with the same hash. By value: `a` stays in registers.
    [[gnu::noinline]] IBID_MODULE_LOCAL static void missed(Table& t, acquired a, participant& me) noexcept;

    // Every 64th hit of a thread is a sample. Samples of an entry by different threads in turn promote it.
    [[gnu::noinline]] IBID_MODULE_LOCAL static void sample(Table& t, entry& e) noexcept;
};

template <class Table>
participant* lock_free_lookup<Table>::join(Table& t) noexcept {
    // A counter block that the user gave is exact at every moment, so every hit is counted under a lock.
    return t.counts_itself_ ? t.reclaimer_.join([&t] { t.pass_every_lock(); }) : nullptr;
}

template <class Table>
void lock_free_lookup<Table>::missed(Table& t, acquired a, participant& me) noexcept {
    me.count_miss();
    t.reclaimer_.quiesce(me);
    if (a.found != nullptr) {
        a.found->value_header::release(a.where);
    }
}

template <class Table>
void lock_free_lookup<Table>::sample(Table& t, entry& e) noexcept {
    if constexpr (!has(mechanism::hot_values)) {
        return;
    }
    const std::uint64_t word = e.word();
    const unsigned generation = entry_word::generation(word);
    const bool was_hot = generation != 0; // then no thread number is stored, and every sample counts
    const unsigned cell = was_hot ? entry_word::cell(word) : number_of_this_thread();
    if ((word & entry_word::hot) != 0 || generation == entry_word::last_generation ||
        (!was_hot && cell == entry_word::cell(word))) {
        return;
    }
    if (entry_word::samples(word) < entry_word::samples_to_promote) {
        e.mark(word, {false, generation, entry_word::samples(word) + 1, cell});
    } else if (!t.owner_.hot.promote(e)) {
        e.mark(word, {false, generation, 0, cell}); // not now: try again after as many samples
    }
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
