// SPDX-License-Identifier: Apache-2.0
//
// Finds an entry without a lock. Included by cache.h alone: tables whose values somebody else counts look up
// under the lock.
//
// Why a hit is right: the reference was taken while the value was alive. Whether the entry was still linked
// then does not matter, because no other value of its key is made while this one lives. The key is compared
// after that, outside the read guard: the reference keeps the entry. So the reference may be to another key's
// value, if two keys have the same hash; dropping it could end that value here, on a thread that never asked
// for it. Hence this is used only for keyed hashes (ibid/hash.h), of which nobody finds two equal ones. A
// miss proves nothing: ask again under the lock.
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
    // A reference that the caller owns from now on, and where it is counted; or nothing.
    struct acquired {
        entry* found = nullptr;
        counted_in where = counted_in::central;
    };

    // An entry of `key` that is found at once. Nothing: it is not there, or could not be seen; Table::find()
    // and begin() know. `Node`: the entry's type. `Key`: anything that Node::matches can compare with it.
    // `may_skip`: do not even try on a thread that missed lately; for callers to whom a hit under the lock
    // costs no more than the lock.
    template <class Node, bool may_skip, class Key>
    [[nodiscard, gnu::always_inline]] static acquired find(Table& t, std::uint64_t hash, const Key& key) {
        if constexpr (!Table::reads_without_lock) {
            return {t.find(hash, Node::any(key))};
        } else {
            participant* const me = this_participant(t);
            if (me == nullptr) {
                return {t.find(hash, Node::any(key))};
            }
            if (may_skip && has(mechanism::miss_streak) && me->recently_missed()) [[unlikely]] {
                t.reclaimer_.quiesce(*me);
                return {};
            }
            const acquired a = try_find(t, hash, *me);
            bool same = false;
            IBID_TRY { // a key that is computed for the comparison may lack memory
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
            if (me->lookups() % lookups_per_sample == 0) [[unlikely]] {
                t.reclaimer_.quiesce(*me);
                sample(t, *a.found);
            }
            t.touch(*a.found);
            return a;
        }
    }

private:
    // Of one thread. entry_word::samples_to_promote samples promote a value.
    static constexpr std::uint64_t lookups_per_sample = 64;

    [[nodiscard]] IBID_MODULE_LOCAL static participant* this_participant(Table& t) noexcept {
        if constexpr (!has(mechanism::lock_free_lookup)) {
            return nullptr;
        }
        participant* const me = t.reclaimer_.here();
        return me != nullptr ? me : join(t);
    }
    [[nodiscard, gnu::noinline]] IBID_MODULE_LOCAL static participant* join(Table& t) noexcept;

    [[nodiscard, gnu::always_inline]] static acquired try_find(Table& t, std::uint64_t hash,
                                                               participant& me) noexcept {
        const auto guard = t.reclaimer_.guard(me);
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

    // Found nothing, or an entry of another key with the same hash.
    [[gnu::noinline]] IBID_MODULE_LOCAL static void missed(Table& t, const acquired& a,
                                                           participant& me) noexcept;

    // Every 64th hit of a thread is a sample. Samples of an entry by different threads in turn promote it.
    [[gnu::noinline]] IBID_MODULE_LOCAL static void sample(Table& t, entry& e) noexcept;
};

template <class Table>
participant* lock_free_lookup<Table>::join(Table& t) noexcept {
    // Counters that are given from outside are exact at every moment, so there every hit is counted under
    // a lock.
    return t.counts_itself_ ? t.reclaimer_.join([&t] { t.pass_every_lock(); }) : nullptr;
}

template <class Table>
void lock_free_lookup<Table>::missed(Table& t, const acquired& a, participant& me) noexcept {
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
    const bool was_hot = generation != 0; // then the cell says nothing of threads, and every sample counts
    const unsigned cell = was_hot ? entry_word::cell(word) : number_of_this_thread();
    if ((word & entry_word::hot) != 0 || generation == entry_word::last_generation ||
        (!was_hot && cell == entry_word::cell(word))) {
        return;
    }
    if (entry_word::samples(word) < entry_word::samples_to_promote) {
        e.mark(word, {false, generation, entry_word::samples(word) + 1, cell});
    } else if (!t.owner_.hot.promote(e)) {
        e.mark(word, {false, generation, 0, cell}); // not possible now: tried again after as many samples
    }
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
