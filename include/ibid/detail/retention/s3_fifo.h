// SPDX-License-Identifier: Apache-2.0
//
// The eviction order of retained entries: S3-FIFO (Yang et al., FIFO queues are all you need for cache
// eviction, SOSP 2023), in two segments, probationary and protected.
//
// Each segment has two queues. A new entry goes to the small queue. The oldest small entry is evicted, unless
// it was hit meanwhile: then it moves to the main queue. So an entry that is used once stays a tenth of the
// time that it would stay in a single queue. The oldest main entry is evicted, unless it was hit or has
// frequency left from earlier hits. A key that comes back soon after it was evicted from the small queue
// (ghost_table.h) goes to the main queue at once.
//
// Invariants:
//  - A probationary entry is evicted before any protected one.
//  - A victim costs amortized constant time: each step of a queue is paid for by an entry that came, or by a
//    hit.
//  - Only add() allocates.
//
// The paper counts up to three hits in the entry. Here a hit sets one mark in the entry; the frequency is
// counted beside it, under the lock, when the mark is cleared. docs/decisions/0012-retention-s3-fifo.md has
// the figures.
//
// Thread safety: none, except that the marks of entries may change at any time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <vector>

#include "ibid/detail/base/entry_word.h"
#include "ibid/detail/base/exceptions.h"
#include "ibid/detail/base/few_includes.h"
#include "ibid/detail/base/malloc_allocator.h"
#include "ibid/detail/port/compiled.h"
#include "ibid/detail/retention/ghost_table.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

// Entries derive from entry_word. Nothing here takes or drops a reference, or writes the mark `retained`.
template <class Entry>
class s3_fifo {
public:
    [[nodiscard]] std::size_t size() const noexcept { return probationary_.size() + protected_.size(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return probationary_.bytes + protected_.bytes; }

    // In the protected segment. An entry that is marked in_protected while it is in the probationary segment
    // moves when next_victim() reaches it.
    [[nodiscard]] std::size_t protected_size() const noexcept { return protected_.size(); }
    [[nodiscard]] std::size_t protected_bytes() const noexcept { return protected_.bytes; }

    // False: out of memory.
    [[nodiscard, gnu::noinline]] bool add(Entry& e, std::size_t weight) noexcept {
        if (unused_.size == 0 && !make_record()) {
            return false;
        }
        const std::uint32_t i = pop(unused_);
        records_[i] = {.value = &e, .weight = weight};
        segment& of = e.has(entry_word::in_protected) ? protected_ : probationary_;
        // Looks into the ghosts of both segments: a probationary entry may have been protected before.
        const bool came_back = probationary_.contains(e) || protected_.contains(e);
        push(came_back ? of.main : of.small, i);
        of.bytes += weight;
        return true;
    }

    // Removes the next victim: a probationary entry if there is one. Null: all probationary entries turned
    // out to be protected ones, and have moved.
    [[nodiscard, gnu::noinline]] Entry* next_victim() noexcept {
        segment& of = probationary_.size() > 0 ? probationary_ : protected_;
        while (of.size() > 0) {
            const bool small = of.small.size * small_share >= of.size();
            const std::uint32_t i = pop(small ? of.small : of.main);
            record& r = records_[i];
            if (&of == &probationary_ && r.value->has(entry_word::in_protected)) {
                push(small ? protected_.small : protected_.main, i);
                probationary_.bytes -= r.weight;
                protected_.bytes += r.weight;
            } else if (r.value->has(entry_word::visited)) {
                r.value->clear(entry_word::visited);
                r.freq = small ? 0U : least(r.freq + 1, most_freq);
                push(of.main, i);
            } else if (r.freq > 0) {
                --r.freq;
                push(of.main, i);
            } else {
                if (small) {
                    of.gone.remember(r.value->hash(), of.ghosts_wanted());
                }
                of.bytes -= r.weight;
                push(unused_, i);
                return r.value;
            }
        }
        return nullptr;
    }

    // Removes entries that `which` chooses and passes each to `taken`, as long as that returns true.
    template <class Predicate, class Taken>
    void take_if(Predicate which, Taken taken) noexcept {
        for (segment* const of : {&probationary_, &protected_}) {
            for (queue* const q : {&of->small, &of->main}) {
                bool more = true;
                for (std::size_t n = q->size; n > 0; --n) { // one full round keeps the order of the others
                    const std::uint32_t i = pop(*q);
                    Entry& e = *records_[i].value;
                    if (more && which(e)) {
                        of->bytes -= records_[i].weight;
                        push(unused_, i);
                        more = taken(e);
                    } else {
                        push(*q, i);
                    }
                }
                if (!more) {
                    return;
                }
            }
        }
    }

    template <class F>
    void for_each(F f) const {
        for (const segment* const of : {&probationary_, &protected_}) {
            for (const queue* const q : {&of->small, &of->main}) {
                for (std::uint32_t i = q->oldest, n = 0; n < q->size; i = records_[i].next, ++n) {
                    f(*records_[i].value);
                }
            }
        }
    }

    // Frees the ghosts; all memory if no entry is left.
    [[IBID_SELDOM]] void forget_ghosts() noexcept {
        probationary_.gone = {};
        protected_.gone = {};
        if (size() == 0) {
            records_ = {};
            unused_ = {};
        }
    }

private:
    static constexpr std::size_t small_share = 10; // one entry in so many is small when entries are evicted
    static constexpr unsigned most_freq = 3;

    struct record {
        Entry* value = nullptr;
        std::size_t weight = 0;
        std::uint32_t next = 0; // the next younger entry of the queue, unless this is the newest
        unsigned freq = 0;      // how many more rounds a main entry is spared for earlier hits
    };

    struct queue { // of record numbers
        std::uint32_t oldest = 0;
        std::uint32_t newest = 0;
        std::uint32_t size = 0;
    };

    struct segment {
        queue small;
        queue main;
        std::size_t bytes = 0;
        ghost_table gone; // of keys that were evicted from the small queue

        [[nodiscard]] std::size_t size() const noexcept { return std::size_t{small.size} + main.size; }
        [[nodiscard]] std::size_t ghosts_wanted() const noexcept { return size() - size() / small_share; }
        [[nodiscard]] bool contains(const Entry& e) const noexcept {
            return gone.contains(e.hash(), ghosts_wanted());
        }
    };

    void push(queue& q, std::uint32_t i) noexcept {
        (q.size == 0 ? q.oldest : records_[q.newest].next) = i;
        q.newest = i;
        ++q.size;
    }
    [[nodiscard]] std::uint32_t pop(queue& q) noexcept {
        const std::uint32_t i = q.oldest;
        q.oldest = records_[i].next;
        --q.size;
        return i;
    }

    // Adds an unused record.
    [[nodiscard, IBID_SELDOM]] bool make_record() noexcept {
        if (records_.size() == std::numeric_limits<std::uint32_t>::max()) {
            return false;
        }
        IBID_TRY {
            records_.emplace_back();
        }
        IBID_CATCH(const std::bad_alloc&) {
            return false;
        }
        push(unused_, static_cast<std::uint32_t>(records_.size() - 1));
        return true;
    }

    // Each is in exactly one queue, so moving allocates nothing.
    std::vector<record, malloc_allocator<record>> records_;
    queue unused_;
    segment probationary_;
    segment protected_;
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
