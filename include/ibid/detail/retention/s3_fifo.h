// SPDX-License-Identifier: Apache-2.0
//
// In which order kept entries go: S3-FIFO (Yang et al., FIFO queues are all you need for cache eviction, SOSP 2023) in
// two classes.
//
// Law: who has not earned its place goes before anybody who has; each step is paid for by an entry that came or by a
// hit, so that a victim costs constant time, amortized; and only adding allocates.
//
// A class has two queues. Who comes is young; the oldest of the young goes, unless it was hit meanwhile: then it is
// settled. So what comes once stays a tenth of the time that one queue would give it. The oldest of the settled goes
// unless it was hit, or has credit left from hits of earlier rounds. A key that comes back soon after it went young
// (ghost_table.h) is settled at once.
//
// The paper counts hits in the entry, up to three. Here a hit sets one mark in it, and the credit, counted when the mark is
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

// Entries derive from entry_link. Nothing here takes or drops a reference, or writes the mark `kept`. Not for several threads
// at once, but the marks in the entries may change at any time.
template <class Entry>
class eviction_order {
public:
    [[nodiscard]] std::size_t size() const noexcept { return newcomers_.size() + earned_.size(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return newcomers_.bytes + earned_.bytes; }

    // Of those that newcomers cannot push out. Entries that earned their place as newcomers are not among them until
    // next_victim() comes by, and it spares them.
    [[nodiscard]] std::size_t earned_size() const noexcept { return earned_.size(); }
    [[nodiscard]] std::size_t earned_bytes() const noexcept { return earned_.bytes; }

    // False: there is no memory.
    [[nodiscard]] bool add(Entry& e, std::size_t weight) noexcept {
        if (unused_.size == 0 && !make_record()) {
            return false;
        }
        const std::uint32_t i = pop(unused_);
        records_[i] = {.value = &e, .weight = weight};
        standing& of = e.has(entry_link::earned) ? earned_ : newcomers_;
        // Those that verify are newcomers at first each time they come: the ghosts of either class count.
        const bool came_back = newcomers_.know(e) || earned_.know(e);
        push(came_back ? of.settled : of.young, i);
        of.bytes += weight;
        return true;
    }

    // Takes out who must go next: a newcomer, as long as there is one. Null when there was none in fact, because all
    // newcomers had earned their place: they have moved up.
    [[nodiscard]] Entry* next_victim() noexcept {
        standing& of = newcomers_.size() > 0 ? newcomers_ : earned_;
        while (of.size() > 0) {
            const bool young = of.young.size * young_share >= of.size();
            const std::uint32_t i = pop(young ? of.young : of.settled);
            record& r = records_[i];
            if (&of == &newcomers_ && r.value->has(entry_link::earned)) {
                push(young ? earned_.young : earned_.settled, i);
                newcomers_.bytes -= r.weight;
                earned_.bytes += r.weight;
            } else if (r.value->has(entry_link::visited)) {
                r.value->clear(entry_link::visited);
                r.credit = young ? 0U : std::min(r.credit + 1, most_credit);
                push(of.settled, i);
            } else if (r.credit > 0) {
                --r.credit;
                push(of.settled, i);
            } else {
                if (young) {
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
        for (standing* const of : {&newcomers_, &earned_}) {
            for (queue* const q : {&of->young, &of->settled}) {
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
        for (const standing* const of : {&newcomers_, &earned_}) {
            for (const queue* const q : {&of->young, &of->settled}) {
                for (std::uint32_t i = q->oldest, n = 0; n < q->size; i = records_[i].next, ++n) {
                    f(*records_[i].value);
                }
            }
        }
    }

    // Whom it remembers, and where nobody is kept, all memory.
    void forget_ghosts() noexcept {
        newcomers_.gone = {};
        earned_.gone = {};
        if (size() == 0) {
            records_ = {};
            unused_ = {};
        }
    }

private:
    static constexpr std::size_t young_share = 10; // one in so many is young, when entries must go
    static constexpr unsigned most_credit = 3;

    struct record {
        Entry* value = nullptr;
        std::size_t weight = 0;
        std::uint32_t next = 0; // the one that came after it, if it is not the newest of its queue
        unsigned credit = 0;    // rounds that a settled entry is spared for its hits before the last one
    };

    struct queue { // of records, by their numbers
        std::uint32_t oldest = 0;
        std::uint32_t newest = 0;
        std::uint32_t size = 0;
    };

    struct standing {
        queue young;
        queue settled;
        std::size_t bytes = 0;
        ghosts gone; // of those that went young

        [[nodiscard]] std::size_t size() const noexcept { return std::size_t{young.size} + settled.size; }
        [[nodiscard]] std::size_t ghosts_wanted() const noexcept { return size() - size() / young_share; }
        [[nodiscard]] bool know(const Entry& e) const noexcept {
            return gone.know(e.hash(), ghosts_wanted());
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
    standing newcomers_;
    standing earned_;
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
