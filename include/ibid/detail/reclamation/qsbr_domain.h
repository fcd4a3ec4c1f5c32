// SPDX-License-Identifier: Apache-2.0
//
// Safe memory reclamation for lookups without a lock: quiescent-state-based reclamation (QSBR) with a
// membarrier fallback, as liburcu's flavours "qsbr" and "memb" combined.
//
//     participant& me = *domain.join(fresh);       // this thread's record in this table
//     { const read_guard guard(me);  … }           // a lookup: two plain stores to a cache line of its own
//     domain.quiesce(me);                          // now and then, between two lookups
//
//     unlink(x);                                   // a writer, under the table's lock
//     epoch = domain.begin_epoch();                // after that lock was released, or under it
//     if (domain.all_quiesced_since(epoch)) free(x);
//
// Three tests answer "can a reader still see what I unlinked?". Try the cheapest first; if it says "perhaps",
// try the next.
//
//  - single_reader(): no other thread participates. A table that one thread uses frees at once.
//  - all_quiesced_since(e): every participant has announced a quiescent state since epoch e. Costs no fence.
//    Stays false while a participant sleeps.
//  - barrier_and_all_outside(): a heavy fence (membarrier) on every running thread, then a look at every
//    participant. True if none is inside a lookup.
//
// Invariant: if one of them returns true to a thread that unlinked something under a lock of the table, or
// that has taken that lock since (and begun the epoch after that), then no reader sees the unlinked object,
// now or later.
//
// Why, for each:
//  - single_reader(): a thread joins by incrementing `threads_`, and then takes each lock of the table once.
//    If it took the lock before the unlinker, the unlinker sees the increment. If after, the thread sees the
//    unlinking.
//  - all_quiesced_since(): quiesce() loads the epoch with acquire, so later lookups see what was unlinked
//    before that epoch began; earlier lookups are over.
//  - barrier_and_all_outside(): the store-buffering argument of an asymmetric fence, see read_guard.
//
// Lifetime: a participant record belongs to its thread and its table. Whichever ends last frees it. A thread
// has one in each table, whichever modules it comes through.
//
// Thread safety: a participant's members are for its thread, unless they say otherwise. All of qsbr_domain
// may be called by any thread.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>

#include "ibid/detail/base/asymmetric_fence.h"
#include "ibid/detail/base/exceptions.h"
#include "ibid/detail/base/few_includes.h"
#include "ibid/detail/base/malloc_allocator.h"
#include "ibid/detail/base/mechanisms.h"
#include "ibid/detail/base/mutex.h"
#include "ibid/detail/base/per_thread.h"
#include "ibid/detail/base/process_wide.h"
#include "ibid/detail/port/compiled.h"
#include "ibid/detail/port/module.h"
#include "ibid/detail/reclamation/limbo_list.h"
#include "ibid/statistics.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

class qsbr_domain;

// What all domains of a process share. The mutex protects each thread's list of records, each table's list of
// records, `in_`, `occupied_` and the lists of vacant records. It is taken when a thread joins a table and
// when a thread or a table ends. No other lock is taken inside, except around fork() (fork_locks.h).
struct participant_registry {
    detail::mutex mutex;
    std::uint64_t numbers IBID_GUARDED_BY(mutex) =
        1; // in use by threads, one bit each; all threads without one share number 0
    // Modules that do not find each other have two registries, which number their domains differently: if a
    // cache passes between these modules, a thread's record has domains of both.
    std::atomic<std::uint64_t> next_domain{std::uint64_t{reinterpret_cast<std::uintptr_t>(this)} << 16 | 1};
    thread_key key; // of thread_participation

    // Around fork(), see fork_locks.h: the thread that has locked tables, and how many.
    std::atomic<std::uintptr_t> forking_thread{0};
    unsigned tables_locked_for_fork IBID_GUARDED_BY(mutex) = 0;

    [[nodiscard]] static const char* process_name() noexcept { return IBID_PROCESS_NAME("participants"); }
};

// One thread's record in one table. The thread writes the first cache lines at every lookup; what other
// threads read now and then is in the last one, so that they do not slow the owner down.
class alignas(128) participant : public made_by_malloc {
public:
    // Any thread. The number of lookups: hits and misses together.
    [[nodiscard]] std::uint64_t lookups() const noexcept { return turn_.load(std::memory_order_relaxed) / 2; }
    // Release: a thread that sees the miss sees the lookup (pairs with the acquire in hits()).
    void count_miss() noexcept {
        bump(misses_);
        misses_in_a_row_ = lookups() == last_miss_ + 1 ? misses_in_a_row_ + 1 : 1;
        last_miss_ = lookups();
    }

    // After four misses in a row: skip the lock-free lookup until something was found under a lock. So a
    // thread that fills a table does not probe twice for each key.
    [[nodiscard]] bool recently_missed() const noexcept { return misses_in_a_row_ >= 4; }
    void found_under_lock() noexcept { misses_in_a_row_ = 0; }

    // The table pin. A thread that ends an entry still needs the table for a moment. Keeping the entry
    // counted would cost a second lock, so the thread sets a flag in its own record instead: "I still use the
    // table". The thread that closes the table checks all records (pass_to_pin) before it frees the table.
    //
    // Sets the pin. `counted`: the closed table already counts this thread. Relaxed: a thread that finds the
    // table empty has taken the lock under which the pin was set. False if it is set already: an entry's
    // destructor ends another entry.
    [[nodiscard]] bool pin_table(bool counted) noexcept {
        if (table_pin_.load(std::memory_order_relaxed) != pin_state::none) {
            return false;
        }
        table_pin_.store(counted ? pin_state::counted : pin_state::pinned, std::memory_order_relaxed);
        return true;
    }
    // Removes the pin. True: the table counts this thread, which must release it now. Otherwise the table may
    // be gone. Release: this thread's last use of the table happens before; pairs with the acquire in
    // pass_to_pin().
    [[nodiscard]] bool unpin_table() noexcept {
        return table_pin_.exchange(pin_state::none, std::memory_order_acq_rel) == pin_state::counted;
    }
    // Any thread, for a table that is kept by pins only. True: the owner of this record has pinned the table,
    // and will release it.
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
    static constexpr std::uint64_t vacant_epoch = ~std::uint64_t{0};

    // In order of use: a hit touches the first cache line only.
    std::atomic<std::uint64_t> turn_{0}; // odd: inside a lookup; incremented when a lookup begins and ends
    std::atomic<std::uint64_t> misses_{0};
    std::uint64_t last_miss_ = 0; // the number of that lookup
    std::uint64_t misses_in_a_row_ = 0;
    std::atomic<pin_state> table_pin_{pin_state::none};

public:
    // What this thread did to the table, except for the hits of its lookups.
    counter_stripe counters;

    // What this thread has retired. In a vacant record: for the next owner, or for a trim, under the
    // registry.
    limbo_list limbo;

private:
    alignas(64) std::atomic<std::uint64_t> quiesced_{
        vacant_epoch};                   // the latest epoch that the thread has seen
    participant* next_ = nullptr;        // of the same table
    participant* next_vacant_ = nullptr; // protected by the registry, as all below
    participant* next_of_thread_ = nullptr;
    qsbr_domain* in_ = nullptr;            // null: the table is gone
    participant_registry* home_ = nullptr; // the registry; written before the record is shared
    bool occupied_ = true;                 // false: the thread has exited; another may take the record
};

// A lookup without a lock. Requires: nothing inside begins another lookup; no hash, comparison or allocation
// runs inside. If a signal handler jumps out of a lookup, that lookup ends with the next one. This is why the
// turn is made odd, not incremented.
class read_guard {
public:
    explicit read_guard(participant& p) noexcept
        : participant_(p), turn_(p.turn_.load(std::memory_order_relaxed) | 1) {
        participant_.turn_.store(turn_, std::memory_order_relaxed);
        if constexpr (!has(mechanism::asymmetric_fence)) {
            std::atomic_thread_fence(std::memory_order_seq_cst);
        }
        asymmetric_fence_light(); // orders the store before the lookup; pairs with the heavy fence in
                                  // barrier_and_all_outside()
    }
    read_guard(const read_guard&) = delete;
    read_guard& operator=(const read_guard&) = delete;
    // Release: the lookup happens before; pairs with the loads in barrier_and_all_outside().
    ~read_guard() { participant_.turn_.store(turn_ + 1, std::memory_order_release); }

    // Of this thread's lookups in this table. Known without a load of what was just stored, for which the
    // locked instruction that drops a reference would wait.
    [[nodiscard]] std::uint64_t number() const noexcept { return turn_ / 2; }

private:
    participant& participant_;
    std::uint64_t turn_;
};

// The records of this thread (per_thread.h).
struct thread_participation {
    static constexpr std::size_t seats = 16;
    struct seat {
        std::uint64_t domain;
        participant* record;
    };
    std::array<seat, seats> recent{}; // a direct-mapped cache, by domain number
    seat* known = nullptr;            // a hash table with linear probing, by domain number; at most half full
    std::size_t known_size = 0;       // a power of two
    std::size_t known_taken = 0;      // counts ended domains too, until the table is rebuilt
    bool knows_all = true;            // false: `all` may have records of live domains that are not in `known`
    participant* all = nullptr;
    unsigned number = 0; // a small number for this thread, among those that live and participate
    participant_registry* numbered_in = nullptr;

    [[nodiscard]] static const thread_key* key_of_process() noexcept {
        participant_registry* const registry = process_wide<participant_registry>::get();
        return registry != nullptr && registry->key.valid() ? &registry->key : nullptr;
    }

    [[nodiscard]] participant* find(std::uint64_t domain) const noexcept {
        for (std::size_t i = domain; known_size != 0; ++i) {
            const seat& s = known[i & (known_size - 1)];
            if (s.domain == domain || s.record == nullptr) {
                return s.record;
            }
        }
        return nullptr;
    }
    // The next remember() rebuilds `known`.
    [[nodiscard]] bool is_full() const noexcept { return known_taken * 2 >= known_size; }
    inline void remember(std::uint64_t domain, participant* record) noexcept;
    static void begin() noexcept {}
    inline void end() noexcept; // of the thread

private:
    void put(seat s) noexcept {
        std::size_t i = s.domain;
        while (known[i & (known_size - 1)].record != nullptr) {
            ++i;
        }
        known[i & (known_size - 1)] = s;
        ++known_taken;
    }
};
using this_thread_participation = per_thread<thread_participation>;

// A number for distributing threads over stripes. Two live participants have different numbers while there
// are fewer than 64.
[[nodiscard]] IBID_MODULE_LOCAL inline unsigned number_of_this_thread() noexcept {
    return this_thread_participation::here().number;
}

class qsbr_domain {
public:
    // Requires: the registry is there (owned_values::prepare()).
    qsbr_domain() noexcept : id_(home_.next_domain.fetch_add(1, std::memory_order_relaxed)) {}
    qsbr_domain(const qsbr_domain&) = delete;
    qsbr_domain& operator=(const qsbr_domain&) = delete;
    [[IBID_SELDOM]] IBID_COMPILED ~qsbr_domain()
#if IBID_COMPILES
    {
        const lock_guard lock(home_.mutex);
        for (participant* p = first_.load(std::memory_order_relaxed); p != nullptr;) {
            participant* const gone = p;
            p = p->next_;
            if (gone->occupied_) {
                gone->in_ = nullptr; // its thread frees it
            } else {
                delete gone;
            }
        }
    }
#else
        ;
#endif

    // This thread's record if it was used lately, else null.
    [[nodiscard]] IBID_MODULE_LOCAL participant* here() const noexcept {
        if constexpr (!has(mechanism::recent_records)) {
            return nullptr;
        }
        const thread_participation::seat& s =
            this_thread_participation::here().recent[id_ % thread_participation::seats];
        if (s.domain != id_) {
            return nullptr;
        }
        // Never: a seat with a domain has a record. So the caller's test costs nothing.
        if (s.record == nullptr) {
            __builtin_unreachable();
        }
        return s.record;
    }

    // This thread's record; null: it has not joined.
    [[nodiscard]] IBID_MODULE_LOCAL participant* known_here() const noexcept {
        participant* const p = here();
        return p != nullptr ? p : known_elsewhere();
    }

    // Finds or makes this thread's record. Null: out of memory, the thread is exiting, or the kernel has no
    // membarrier; then the caller must look up under the lock. If `fresh` is set, the caller must take every
    // lock under which the table unlinks once, before its first lookup.
    [[nodiscard, IBID_SELDOM]] IBID_MODULE_LOCAL IBID_COMPILED participant* join(bool& fresh) noexcept
#if IBID_COMPILES
    {
        fresh = false;
        thread_participation* const attached = this_thread_participation::attach();
        if (attached == nullptr) {
            return nullptr;
        }
        thread_participation& me = *attached;
        if (participant* const known = me.find(id_)) {
            me.recent[id_ % thread_participation::seats] = {id_, known};
            return known;
        }
        if (!asymmetric_fence_available()) {
            return nullptr;
        }
        const lock_guard lock(home_.mutex);
        if (me.number == 0 && ~home_.numbers != 0) {
            me.number = static_cast<unsigned>(std::countr_one(home_.numbers));
            me.numbered_in = &home_;
            home_.numbers |= std::uint64_t{1} << me.number;
        }
        // Walks the thread's records only as often as `known` is rebuilt: joining n tables takes O(n).
        participant* record = me.is_full() || !me.knows_all ? free_gone_and_find(me) : nullptr;
        if (record == nullptr) {
            record = vacant_;
            if (record != nullptr) {
                vacant_ = record->next_vacant_;
            } else if ((record = new (std::nothrow) participant) == nullptr) {
                return nullptr;
            }
            quiesce(*record);
            if (record->in_ == nullptr) {
                record->in_ = this;
                record->home_ = &home_;
                record->next_ = first_.load(std::memory_order_relaxed);
                first_.store(record, std::memory_order_release); // pairs with the acquire in for_each()
            }
            record->occupied_ = true;
            record->next_of_thread_ = me.all;
            me.all = record;
            threads_.fetch_add(1, std::memory_order_relaxed); // published by the locks that the caller takes
            fresh = true;
        }
        me.recent[id_ % thread_participation::seats] = {id_, record};
        me.remember(id_, record);
        return record;
    }
#else
        ;
#endif

    // Whether no other thread participates; see the invariant above. Acquire: lookups of threads that have
    // left are over (pairs with the release in vacate()).
    [[nodiscard]] bool single_reader() const noexcept {
        const std::size_t threads = threads_.load(std::memory_order_acquire);
        return has(mechanism::single_reader) && (threads == 0 || (threads == 1 && known_here() != nullptr));
    }

    // Never waits: false if a reader is interrupted inside a lookup, or if the kernel refuses the fence. Only
    // an even turn proves that a participant is outside: it was stored with release, after the lookup. A
    // change from one odd turn to another proves nothing, because the odd turn is a relaxed store, which does
    // not order the lookup before it.
    [[nodiscard, IBID_SELDOM]] IBID_COMPILED bool barrier_and_all_outside() const noexcept
#if IBID_COMPILES
    {
        if (!asymmetric_fence_heavy()) {
            return false;
        }
        return find([](const participant& p) {
                   bool inside = p.turn_.load(std::memory_order_acquire) % 2 != 0;
                   for (int i = 0; i < patience && inside; ++i) {
                       inside = p.turn_.load(std::memory_order_acquire) % 2 != 0;
                   }
                   return inside;
               }) == nullptr;
    }
#else
        ;
#endif

    // On the thread of `me`, outside a lookup. Acquire: later lookups do not see what was unlinked before the
    // epoch began (pairs with begin_epoch()). Release: earlier lookups are over (pairs with
    // all_quiesced_since()).
    void quiesce(participant& me) const noexcept {
        const std::uint64_t now = epoch_.load(std::memory_order_acquire);
        if (has(mechanism::epochs) && me.quiesced_.load(std::memory_order_relaxed) != now) {
            me.quiesced_.store(now, std::memory_order_release);
        }
    }

    // Requires: the caller unlinked something under a lock of the table, or has taken that lock since. All
    // changes of `epoch_` are read-modify-writes: a thread that sees a later epoch has also acquired the
    // earlier ones.
    [[nodiscard]] std::uint64_t begin_epoch() noexcept {
        return epoch_.fetch_add(1, std::memory_order_acq_rel) + 1;
    }

    [[nodiscard]] bool all_quiesced_since(std::uint64_t epoch) const noexcept {
        if constexpr (!has(mechanism::epochs)) {
            return false;
        }
        return find([epoch](const participant& p) {
                   return p.quiesced_.load(std::memory_order_acquire) < epoch;
               }) == nullptr;
    }

    // Calls f(participant&) for every record: to read counters, or when the table ends.
    template <class Function>
    void for_each(Function f) const noexcept {
        for (participant* p = first_.load(std::memory_order_acquire); p != nullptr; p = p->next_) {
            f(*p);
        }
    }
    // Lookups that found something.
    [[nodiscard]] std::uint64_t hits() const noexcept {
        std::uint64_t sum = 0;
        for_each([&sum](const participant& p) {
            // Misses are read first, so that they never outnumber the lookups.
            const std::uint64_t misses = p.misses_.load(std::memory_order_acquire);
            sum += p.lookups() - misses;
        });
        return sum;
    }
    // Calls f(limbo_list&) for each vacant record, under the registry.
    template <class Function>
    void for_each_vacant_limbo(Function f) noexcept {
        const lock_guard lock(home_.mutex);
        for_each([&f](participant& p) {
            if (!p.occupied_) {
                f(p.limbo);
            }
        });
    }

    // In the child of fork(), which has only this thread, and with the registry locked (fork_locks.h). Its
    // own record is taken from the thread's list, as here() and find() may have forgotten it.
    [[IBID_SELDOM]] IBID_MODULE_LOCAL IBID_COMPILED void
    forget_other_threads() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS
#if IBID_COMPILES
    {
        const thread_participation* const me = this_thread_participation::known();
        const participant* mine = me != nullptr ? me->all : nullptr;
        while (mine != nullptr && mine->in_ != this) {
            mine = mine->next_of_thread_;
        }
        vacant_ = nullptr; // every other record is entered again
        for_each([this, mine](participant& p) {
            if (&p != mine) {
                p.table_pin_.store(participant::pin_state::none, std::memory_order_relaxed);
                p.limbo = {}; // leaked: its thread may have been changing it
                vacate(p);
            }
        });
        threads_.store(mine != nullptr ? 1 : 0, std::memory_order_relaxed);
        home_.numbers = std::uint64_t{1} | std::uint64_t{1} << number_of_this_thread();
    }
#else
        ;
#endif

private:
    // For a record that was not used lately, or that this thread made in another module.
    [[nodiscard, gnu::noinline]] IBID_MODULE_LOCAL IBID_COMPILED participant* known_elsewhere() const noexcept
#if IBID_COMPILES
    {
        const thread_participation* const me = this_thread_participation::known();
        return me != nullptr ? me->find(id_) : nullptr;
    }
#else
        ;
#endif

    // Frees the thread's records of tables that are gone. The one in this table, if there is one. Under the
    // registry.
    [[nodiscard, IBID_SELDOM]] IBID_COMPILED participant*
    free_gone_and_find(thread_participation& me) noexcept
#if IBID_COMPILES
    {
        participant* here = nullptr;
        for (participant** link = &me.all; *link != nullptr;) {
            participant* const p = *link;
            if (p->home_ == &home_ && p->in_ == nullptr) {
                *link = p->next_of_thread_;
                delete p;
                continue;
            }
            here = p->in_ == this ? p : here;
            link = &p->next_of_thread_;
        }
        return here;
    }
#else
        ;
#endif

    friend struct thread_participation;
    static constexpr int patience = 200; // loads; a lookup takes less time

    // The first record that `is` takes. Acquire pairs with the release in join().
    template <class Predicate>
    participant* find(Predicate is) const noexcept {
        participant* p = first_.load(std::memory_order_acquire);
        while (p != nullptr && !is(*p)) {
            p = p->next_;
        }
        return p;
    }

    void vacate(participant& p) noexcept {
        const std::uint64_t turn = p.turn_.load(std::memory_order_relaxed);
        p.turn_.store(turn + turn % 2, std::memory_order_release);
        p.occupied_ = false;
        p.next_vacant_ = std::exchange(vacant_, &p);
        p.quiesced_.store(participant::vacant_epoch, std::memory_order_release); // as in quiesce()
        threads_.fetch_sub(1, std::memory_order_release);
    }

    participant_registry& home_ = *process_wide<participant_registry>::get();
    const std::uint64_t id_;                          // never used again
    std::atomic<participant*> first_{nullptr};        // records are only added
    participant* vacant_ = nullptr;                   // records without a thread; protected by the registry
    std::atomic<std::size_t> threads_{0};             // live threads with a record
    alignas(64) std::atomic<std::uint64_t> epoch_{0}; // changes with every sealed limbo list; read at misses
};

// Allocates under the registry's lock, so from malloc (malloc_allocator.h). Without memory, the record is not
// entered here and is found in the list of all records.
void thread_participation::remember(std::uint64_t domain, participant* record) noexcept {
    if (is_full()) {
        std::size_t living = 1;
        for (const participant* p = all; p != nullptr; p = p->next_of_thread_) {
            ++living;
        }
        const std::size_t wider = std::bit_ceil(greatest(living * 4, seats));
        auto* const rebuilt = static_cast<seat*>(std::calloc(wider, sizeof(seat)));
        if (rebuilt == nullptr) {
            knows_all = false;
            return;
        }
        std::free(std::exchange(known, rebuilt));
        known_size = wider;
        known_taken = 0;
        knows_all = true;
        for (participant* p = all; p != nullptr; p = p->next_of_thread_) {
            if (p->home_ != record->home_) { // its `in_` is protected by another registry
                knows_all = false;
            } else if (p->in_ != nullptr && p != record) {
                put({p->in_->id_, p});
            }
        }
    }
    put({domain, record});
}

void thread_participation::end() noexcept {
    recent = {};
    std::free(std::exchange(known, nullptr));
    known_size = 0;
    known_taken = 0;
    if (numbered_in != nullptr) {
        const lock_guard lock(numbered_in->mutex);
        numbered_in->numbers &= ~(std::uint64_t{1} << number);
        number = 0;
    }
    while (all != nullptr) {
        participant* const p = all;
        const lock_guard lock(p->home_->mutex);
        all = p->next_of_thread_;
        if (p->in_ != nullptr) {
            p->in_->vacate(*p);
        } else {
            delete p;
        }
    }
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
