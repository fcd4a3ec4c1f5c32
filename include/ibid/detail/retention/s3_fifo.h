// SPDX-License-Identifier: Apache-2.0
//
// In which order kept entries go: S3-FIFO (Yang et al., FIFO queues are all you need for cache eviction, SOSP 2023) in
// two classes.
//
// Law: who has not earned its place goes before anybody who has; each step is paid for by an entry that came or by a
// hit, so that a victim costs constant time, amortized; and only adding allocates.
//
// A class has two queues. Who comes is small; the oldest of the small goes, unless it was hit meanwhile: then it is
// main. So what comes once stays a tenth of the time that one queue would give it. The oldest of the main goes
// unless it was hit, or has freq left from hits of earlier rounds. A key that comes back soon after it went small
// (ghost_table.h) is main at once.
//
// The paper counts hits in the entry, up to three. Here a hit sets one mark in it, and the freq, counted when the mark is
// taken away, stands beside it under the lock: docs/decisions/0012-retention-s3-fifo.md has the figures.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <vector>

#include "ibid/detail/base/entry_word.h"
#include "ibid/detail/base/malloc_allocator.h"
#include "ibid/detail/retention/ghost_table.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

// Entries derive from entry_word. Nothing here takes or drops a reference, or writes the mark `kept`. Not for several threads
// at once, but the marks in the entries may change at any time.
template <class Entry>
class s3_fifo {
public:
    [[nodiscard]] std::size_t size() const noexcept { return probationary_.size() + protected_.size(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return probationary_.bytes + protected_.bytes; }

    // Of those that newcomers cannot push out. Entries that earned their place as newcomers are not among them until
    // next_victim() comes by, and it spares them.
    [[nodiscard]] std::size_t protected_size() const noexcept { return protected_.size(); }
    [[nodiscard]] std::size_t protected_bytes() const noexcept { return protected_.bytes; }

    // False: there is no memory.
    [[nodiscard]] bool add(Entry& e, std::size_t weight) noexcept {
        if (unused_.size == 0 && !make_record()) {
            return false;
        }
        const std::uint32_t i = pop(unused_);
        records_[i] = {.value = &e, .weight = weight};
        segment& of = e.has(entry_word::in_protected) ? protected_ : probationary_;
        // Those that verify are newcomers at first each time they come: the ghost_table of either class count.
        const bool came_back = probationary_.contains(e) || protected_.contains(e);
        push(came_back ? of.main : of.small, i);
        of.bytes += weight;
        return true;
    }

    // Takes out who must go next: a newcomer, as long as there is one. Null when there was none in fact, because all
    // newcomers had earned their place: they have moved up.
    [[nodiscard]] Entry* next_victim() noexcept {
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
                r.freq = small ? 0U : std::min(r.freq + 1, most_freq);
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

    // Takes out who is chosen by `which`, and gives each to `taken`, while that says that it wants more.
    template <class Predicate, class Taken>
    void take_if(Predicate which, Taken taken) noexcept {
        for (segment* const of : {&probationary_, &protected_}) {
            for (queue* const q : {&of->small, &of->main}) {
                bool more = true;
                for (std::size_t n = q->size; n > 0;
                     --n) { // once around: all others are in their order again
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

    // Whom it remembers, and where nobody is kept, all memory.
    void forget_ghosts() noexcept {
        probationary_.gone = {};
        protected_.gone = {};
        if (size() == 0) {
            records_ = {};
            unused_ = {};
        }
    }

private:
    static constexpr std::size_t small_share = 10; // one in so many is small, when entries must go
    static constexpr unsigned most_freq = 3;

    struct record {
        Entry* value = nullptr;
        std::size_t weight = 0;
        std::uint32_t next = 0; // the one that came after it, if it is not the newest of its queue
        unsigned freq = 0;      // rounds that a main entry is spared for its hits before the last one
    };

    struct queue { // of records, by their numbers
        std::uint32_t oldest = 0;
        std::uint32_t newest = 0;
        std::uint32_t size = 0;
    };

    struct segment {
        queue small;
        queue main;
        std::size_t bytes = 0;
        ghost_table gone; // of those that went small

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

    // One that is in no queue, for those that come after this one as well.
    [[nodiscard]] bool make_record() noexcept {
        if (records_.size() == std::numeric_limits<std::uint32_t>::max()) {
            return false;
        }
        try {
            records_.emplace_back();
        } catch (const std::bad_alloc&) {
            return false;
        }
        push(unused_, static_cast<std::uint32_t>(records_.size() - 1));
        return true;
    }

    // Each in exactly one queue: moving from one to another allocates nothing.
    std::vector<record, malloc_allocator<record>> records_;
    queue unused_;
    segment probationary_;
    segment protected_;
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
