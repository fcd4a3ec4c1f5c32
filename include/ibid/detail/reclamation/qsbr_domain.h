// SPDX-License-Identifier: Apache-2.0
//
// How threads that look something up without a lock are kept from memory that has been given back.
//
// A reader says that it is inside, looks, and says that it is out again: two plain stores to a cache line of its own. Who has
// made some memory unreachable gives it back only when no reader can be in a look that began before. There are three ways to
// know that, and each is asked where the one before it says no:
//
//  - single_reader(): there is no other reader. What makes a cache that one thread uses as cheap as if it had none.
//  - all_quiesced_since(): time is told in epochs. Who has made things unreachable begins an epoch; a reader says between two looks, now
//    and then, which epoch it has seen. This costs nobody a fence, and never ends while a reader sleeps.
//  - barrier_and_all_outside(): a fence passes all processors (asymmetric_fence.h), which stops those that run; then whoever is not inside is out.
//
// Law: if one of them returns true to a thread that made something unreachable under a lock of the table, or to one that has
// passed that lock since (and then begun the epoch), no reader sees it, or will.
//
// Why, for single_reader(): a thread joins by raising `threads_` and then passing each lock of the table once. If it passes the lock
// before the unlinker, the unlinker sees the raised number; if after, it sees what was unlinked. So it is for its place in
// the list, which the other two go through. For all_quiesced_since(): the reader's look at the epoch acquires what came before the epoch
// began, so its later looks do not see what was unlinked; and its earlier ones are over. For barrier_and_all_outside(): see reading.
//
// A reader's place belongs to its thread and to the table, and goes with the later of the two.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>

#include "ibid/detail/base/asymmetric_fence.h"
#include "ibid/detail/base/malloc_allocator.h"
#include "ibid/detail/base/process_wide.h"
#include "ibid/detail/reclamation/limbo_list.h"
#include "ibid/statistics.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

class qsbr_domain;

// One thread's place in one table. Written by that thread; counters are read by anybody. What others read now and
// then is in the last of its cache lines, so that they do not take the first from its thread.
class alignas(128) participant : public made_by_malloc {
public:
    // How many looks there have been. All of them found something, but for those that are counted here.
    [[nodiscard]] std::uint64_t lookups() const noexcept { return turn_.load(std::memory_order_relaxed) / 2; }
    // Release: who sees it sees the look that was in vain (pairs with the acquire in hits()).
    void count_miss() noexcept {
        bump(misses_);
        misses_in_a_row_ = lookups() == last_miss_ + 1 ? misses_in_a_row_ + 1 : 1;
        last_miss_ = lookups();
    }

    // Whether to look is hardly worth it: the latest looks were all in vain, and nothing was found under a lock since. (A thread that
    // fills a table, or whose entries never stay, need not look at every slot twice.)
    [[nodiscard]] bool recently_missed() const noexcept { return misses_in_a_row_ >= 4; }
    void found_under_lock() noexcept { misses_in_a_row_ = 0; }

    // The last pin_state of an entry's end, for which this place keeps the table. Relaxed: whoever finds the table empty has passed the
    // lock under which this is said. False when the thread is in the midst of another end, whose destructor led to this one.
    // `counted`: the closed table counts this one already.
    [[nodiscard]] bool pin_table(bool counted) noexcept {
        if (table_pin_.load(std::memory_order_relaxed) != pin_state::none) {
            return false;
        }
        table_pin_.store(counted ? pin_state::counted : pin_state::pinned, std::memory_order_relaxed);
        return true;
    }
    // Release: this thread does nothing to the table after this, unless it comes back true: then it has to leave it yet. Pairs with
    // the acquire in pass_to_pin().
    [[nodiscard]] bool unpin_table() noexcept {
        return table_pin_.exchange(pin_state::none, std::memory_order_acq_rel) == pin_state::counted;
    }
    // On any thread, for a table that nothing else keeps: whether this one does, and will leave it.
    [[nodiscard]] bool pass_to_pin() noexcept {
        pin_state now = pin_state::pinned;
        return table_pin_.compare_exchange_strong(now, pin_state::counted, std::memory_order_acq_rel,
                                                  std::memory_order_acquire);
    }

private:
    friend class qsbr_domain;
    friend class read_guard;
    friend struct thread_participation;

    enum class pin_state : std::uint32_t { none, pinned, counted };
    static constexpr std::uint64_t vacant_epoch = ~std::uint64_t{0}; // of a place where nobody sits

    // In the order of use: a hit is told in the first cache line.
    std::atomic<std::uint64_t> turn_{0}; // odd: inside; one more at each beginning and end of a look
    std::atomic<std::uint64_t> misses_{0};
    std::uint64_t last_miss_ = 0;
    std::uint64_t misses_in_a_row_ = 0;
    std::atomic<pin_state> table_pin_{
        pin_state::none}; // changed by others only when nothing else is left of the table

public:
    // What this thread has done to the table, but for the hits among its looks.
    counter_stripe counters;

    // What this thread has buried. Its own alone; of a place where nobody sits, the next one's, or who trims, under
    // the_participant_registry.
    limbo_list limbo;

private:
    alignas(64) std::atomic<std::uint64_t> quiesced_{
        vacant_epoch};                      // the latest epoch that this thread knows of
    participant* next_ = nullptr;           // of the same table
    participant* next_of_thread_ = nullptr; // protected by the_participant_registry, as all below
    qsbr_domain* in_ = nullptr;             // null: the table has gone
    bool seated_ = true;                    // false: the thread has gone, and another may take the place
};

// Around a look without a lock. Nothing that is called inside may look again: no hash, comparison or allocation. (A look that was
// left in the middle, by a jump out of a signal handler, is over with the next one: that must not begin by an even turn.)
class read_guard {
public:
    explicit read_guard(participant& r) noexcept
        : reader_(r), turn_(r.turn_.load(std::memory_order_relaxed) | 1) {
        reader_.turn_.store(turn_, std::memory_order_relaxed);
        asymmetric_fence_light(); // the store, then the look; pairs with asymmetric_fence_heavy() in barrier_and_all_outside()
    }
    read_guard(const read_guard&) = delete;
    read_guard& operator=(const read_guard&) = delete;
    // Release: the look happened before; pairs with the loads in barrier_and_all_outside().
    ~read_guard() { reader_.turn_.store(turn_ + 1, std::memory_order_release); }

private:
    participant& reader_;
    std::uint64_t turn_;
};

// Protects who sits where: the lists of a thread's places and of a table's, `in_` and `seated_`. Taken when a thread meets a
// table for the first time and when either goes. Inside it, no other lock is taken.
IBID_PROCESS_WIDE inline constinit std::mutex the_participant_registry;

// Where this thread sits. No destructor: usable until the last instruction of the thread.
struct thread_participation {
    static constexpr std::size_t seats = 16;
    struct seat {
        std::uint64_t table;
        participant* place;
    };
    std::array<seat, seats> recent{}; // by table number
    seat* known =
        nullptr; // by table number, each at its turn or in the next free seat: as long as it is not half full
    std::size_t known_size = 0;  // a power of two
    std::size_t known_taken = 0; // tables that have gone included, up to the next time that it grows
    participant* all = nullptr;
    unsigned number = 0; // of the thread, among those that live and have read; small
    bool ended = false;

    [[nodiscard]] participant* find(std::uint64_t table) const noexcept {
        for (std::size_t i = table; known_size != 0; ++i) {
            const seat& s = known[i & (known_size - 1)];
            if (s.table == table || s.place == nullptr) {
                return s.place;
            }
        }
        return nullptr;
    }
    inline void remember(std::uint64_t table, participant* place) noexcept;
    inline void end() noexcept;

private:
    void put(seat s) noexcept {
        std::size_t i = s.table;
        while (known[i & (known_size - 1)].place != nullptr) {
            ++i;
        }
        known[i & (known_size - 1)] = s;
        ++known_taken;
    }
};
IBID_PROCESS_WIDE inline thread_local constinit thread_participation this_thread_participation;

// For spreading work over threads: two that read at the same time have different numbers, as long as there are not too many.
[[nodiscard]] inline unsigned number_of_this_thread() noexcept {
    return this_thread_participation.number;
}

// The numbers that are given out, a bit each. Protected by the_participant_registry. Number 0 is for all threads without one.
IBID_PROCESS_WIDE inline constinit std::uint64_t the_thread_numbers = 1;

struct thread_participation_end {
    ~thread_participation_end() { this_thread_participation.end(); }
    void arm() const noexcept {} // naming the object is what registers its destructor
};
IBID_PROCESS_WIDE inline thread_local thread_participation_end this_thread_participation_end;

class qsbr_domain {
public:
    qsbr_domain() noexcept : id_(next_id().fetch_add(1, std::memory_order_relaxed)) {}
    qsbr_domain(const qsbr_domain&) = delete;
    qsbr_domain& operator=(const qsbr_domain&) = delete;
    ~qsbr_domain() {
        const std::lock_guard lock(the_participant_registry);
        for (participant* r = first_.load(std::memory_order_relaxed); r != nullptr;) {
            participant* const gone = r;
            r = r->next_;
            if (gone->seated_) {
                gone->in_ = nullptr; // its thread gives it back
            } else {
                delete gone;
            }
        }
    }

    // This thread's place; null: it has none yet, or has forgotten where.
    [[nodiscard]] participant* here() const noexcept {
        const thread_participation::seat& s =
            this_thread_participation.recent[id_ % thread_participation::seats];
        return s.table == id_ ? s.place : nullptr;
    }

    // The same, found again if it was forgotten.
    [[nodiscard]] participant* known_here() const noexcept {
        participant* const r = here();
        return r != nullptr ? r : this_thread_participation.find(id_);
    }

    // Finds or makes this thread's place. Null without memory, on a thread that is ending, and where the kernel has no such fence:
    // then every look takes the lock. When `fresh` comes back true, the
    // caller passes every lock under which the table unlinks, before the first look.
    [[nodiscard]] participant* join(bool& fresh) noexcept {
        thread_participation& me = this_thread_participation;
        fresh = false;
        if (participant* const known = me.find(id_)) {
            me.recent[id_ % thread_participation::seats] = {id_, known};
            return known;
        }
        if (me.ended || !asymmetric_fence_available()) {
            return nullptr;
        }
        this_thread_participation_end.arm();
        const std::lock_guard lock(the_participant_registry);
        if (me.number == 0 && ~the_thread_numbers != 0) {
            me.number = static_cast<unsigned>(std::countr_one(the_thread_numbers));
            the_thread_numbers |= std::uint64_t{1} << me.number;
        }
        participant** link = &me.all;
        participant* place = nullptr;
        while (*link != nullptr) {
            participant* const r = *link;
            if (r->in_ == nullptr) {
                *link = r->next_of_thread_;
                delete r;
                continue;
            }
            place = r->in_ == this ? r : place;
            link = &r->next_of_thread_;
        }
        if (place == nullptr) {
            place = vacant();
            if (place == nullptr && (place = new (std::nothrow) participant) == nullptr) {
                return nullptr;
            }
            quiesce(*place);
            if (place->in_ == nullptr) {
                place->in_ = this;
                place->next_ = first_.load(std::memory_order_relaxed);
                first_.store(place, std::memory_order_release); // pairs with the acquire in for_each
            }
            place->seated_ = true;
            place->next_of_thread_ = me.all;
            me.all = place;
            threads_.fetch_add(1, std::memory_order_relaxed); // the locks that the caller passes publish it
            fresh = true;
        }
        me.recent[id_ % thread_participation::seats] = {id_, place};
        me.remember(id_, place);
        return place;
    }

    // Whether no other thread reads here. See the law above for what that is worth. Acquire: a thread that has left did
    // all its looks before (pairs with the release in leave()).
    [[nodiscard]] bool single_reader() const noexcept {
        const std::size_t threads = threads_.load(std::memory_order_acquire);
        return threads == 0 || (threads == 1 && known_here() != nullptr);
    }

    // Does not wait: a reader who is interrupted inside makes it false, and so does a kernel that refuses the fence. Only an even
    // turn is believed: it was stored with release, after the look. Another odd one tells that the reader was outside, but as a
    // relaxed store does not order it.
    [[nodiscard]] bool barrier_and_all_outside() const noexcept {
        if (!asymmetric_fence_heavy()) {
            return false;
        }
        for (const participant* r = first_.load(std::memory_order_acquire); r != nullptr; r = r->next_) {
            bool inside = r->turn_.load(std::memory_order_acquire) % 2 != 0;
            for (int i = 0; i < patience && inside; ++i) {
                inside = r->turn_.load(std::memory_order_acquire) % 2 != 0;
            }
            if (inside) {
                return false;
            }
        }
        return true;
    }

    // On the thread of `me`, between two looks. Acquire: what was made unreachable before the epoch began is not seen from here on
    // (pairs with begin_epoch()). Release: all looks until now are over (pairs with all_quiesced_since()).
    void quiesce(participant& me) const noexcept {
        const std::uint64_t now = epoch_.load(std::memory_order_acquire);
        if (me.quiesced_.load(std::memory_order_relaxed) != now) {
            me.quiesced_.store(now, std::memory_order_release);
        }
    }

    // After the lock under which things were made unreachable was passed; it need not be held. All changes of `epoch_` are
    // read-modify-writes, so that who sees a later epoch has acquired the earlier ones too.
    [[nodiscard]] std::uint64_t begin_epoch() noexcept {
        return epoch_.fetch_add(1, std::memory_order_acq_rel) + 1;
    }

    // Whether all readers have seen this epoch, by what they have said of themselves.
    [[nodiscard]] bool all_quiesced_since(std::uint64_t epoch) const noexcept {
        for (const participant* r = first_.load(std::memory_order_acquire); r != nullptr; r = r->next_) {
            if (r->quiesced_.load(std::memory_order_acquire) < epoch) {
                return false;
            }
        }
        return true;
    }

    // Calls f(participant&) for every place: to read what anybody may, or at the end of the table.
    template <class Function>
    void for_each_place(Function f) const noexcept {
        for (participant* r = first_.load(std::memory_order_acquire); r != nullptr; r = r->next_) {
            f(*r);
        }
    }
    // The looks that found something.
    [[nodiscard]] std::uint64_t hits() const noexcept {
        std::uint64_t sum = 0;
        for_each_place([&sum](const participant& r) {
            const std::uint64_t misses =
                r.misses_.load(std::memory_order_acquire); // first: never more than looks
            sum += r.lookups() - misses;
        });
        return sum;
    }
    // Calls f(limbo_list&) for that of places where nobody sits. `f` runs under the_participant_registry.
    template <class Function>
    void for_each_vacant_limbo(Function f) noexcept {
        const std::lock_guard lock(the_participant_registry);
        for (participant* r = first_.load(std::memory_order_relaxed); r != nullptr; r = r->next_) {
            if (!r->seated_) {
                f(r->limbo);
            }
        }
    }

    // In the child of a fork, where only this thread is left, and holds the_participant_registry (fork_locks.h). Its own place is
    // looked up in its list: here() may have forgotten it, and then two would read where single_reader() counts one.
    void forget_other_threads() noexcept {
        const participant* mine = this_thread_participation.all;
        while (mine != nullptr && mine->in_ != this) {
            mine = mine->next_of_thread_;
        }
        for (participant* r = first_.load(std::memory_order_relaxed); r != nullptr; r = r->next_) {
            if (r != mine) {
                const std::uint64_t turn = r->turn_.load(std::memory_order_relaxed);
                r->turn_.store(turn + turn % 2, std::memory_order_relaxed);
                r->quiesced_.store(participant::vacant_epoch, std::memory_order_relaxed);
                r->table_pin_.store(participant::pin_state::none, std::memory_order_relaxed);
                r->limbo = {}; // its thread may have been in the middle of it: lost
                r->seated_ = false;
            }
        }
        threads_.store(mine != nullptr ? 1 : 0, std::memory_order_relaxed);
        the_thread_numbers = std::uint64_t{1} | std::uint64_t{1} << this_thread_participation.number;
    }

private:
    friend struct thread_participation;
    static constexpr int patience = 200; // a look takes less than as many loads

    [[nodiscard]] IBID_PROCESS_WIDE static std::atomic<std::uint64_t>& next_id() noexcept {
        static constinit std::atomic<std::uint64_t> id{1};
        return id;
    }

    [[nodiscard]] participant* vacant() const noexcept {
        for (participant* r = first_.load(std::memory_order_relaxed); r != nullptr; r = r->next_) {
            if (!r->seated_) {
                return r;
            }
        }
        return nullptr;
    }

    void leave(participant& r) noexcept {
        const std::uint64_t turn = r.turn_.load(std::memory_order_relaxed);
        r.turn_.store(turn + turn % 2, std::memory_order_release);
        r.seated_ = false;
        r.quiesced_.store(participant::vacant_epoch,
                          std::memory_order_release); // its looks are over: as in quiesce()
        threads_.fetch_sub(1, std::memory_order_release);
    }

    const std::uint64_t id_;                          // never used again
    std::atomic<participant*> first_{nullptr};        // only ever added to
    std::atomic<std::size_t> threads_{0};             // that have a place and live
    alignas(64) std::atomic<std::uint64_t> epoch_{0}; // changes with every batch of the dead; read at misses
};

// Under the registry's lock, so from malloc (malloc_allocator.h). Without memory it remembers less: then the place is looked for in
// the list of all.
void thread_participation::remember(std::uint64_t table, participant* place) noexcept {
    if (known_taken * 2 >= known_size) {
        std::size_t living = 1;
        for (const participant* r = all; r != nullptr; r = r->next_of_thread_) {
            ++living;
        }
        const std::size_t wider = std::bit_ceil(std::max<std::size_t>(living * 4, seats));
        auto* const table_of_places = static_cast<seat*>(std::calloc(wider, sizeof(seat)));
        if (table_of_places == nullptr) {
            return;
        }
        std::free(std::exchange(known, table_of_places));
        known_size = wider;
        known_taken = 0;
        for (participant* r = all; r != nullptr; r = r->next_of_thread_) {
            if (r->in_ != nullptr && r != place) {
                put({r->in_->id_, r});
            }
        }
    }
    put({table, place});
}

void thread_participation::end() noexcept {
    ended = true;
    recent = {};
    std::free(std::exchange(known, nullptr));
    known_size = 0;
    const std::lock_guard lock(the_participant_registry);
    the_thread_numbers &= ~((std::uint64_t{1} << number) & ~std::uint64_t{1});
    number = 0;
    while (all != nullptr) {
        participant* const r = all;
        all = r->next_of_thread_;
        if (r->in_ != nullptr) {
            r->in_->leave(*r);
        } else {
            delete r;
        }
    }
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
