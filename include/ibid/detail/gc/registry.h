// SPDX-License-Identifier: Apache-2.0
//
// Which tokens there are, which of them the collector has found dead, and what those held: let go, soon and once.
//
// Laws:
//  - What a dead token held is let go by the first collection that finds the token unreachable, where that collection's
//    finalizers run, and outside every lock, the collector's and ours.
//  - Finding the dead takes no memory and no lock, and touches nothing that a stopped thread may be in the middle of.
//  - A collection that we were not told of costs time, never safety: see sweep().
//
// Why tokens have no finalizers of their own. A registered finalizer costs ten times what the token's memory costs, and
// makes the collector work ten times as often, for it keeps its books in its own heap. Here, one object, the sentinel, stands
// for all: when marking has ended and the world is still stopped, sweep() asks the collector of each token whether it was
// reached (the question that GC_finalize() asks of each object with a finalizer, at the same moment), puts the slots of the
// dead on a list, and, if there are any, takes the sentinel's mark away. The collector then finds the sentinel dead, and queues
// the sentinel's finalizer, which is registered with GC_register_finalizer_no_order: it refers to nothing, so nothing need be
// finalized before it, and it runs after this very collection. It empties the list and hangs the sentinel up again. So all that
// a program says to the collector about finalizers (on demand, notifiers, when to invoke them) holds for tokens.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <utility>

#include <gc/gc.h>
#include <gc/gc_mark.h>
#include <pthread.h>
#include <unistd.h>

#include "ibid/detail/base/process_wide.h"
#include "ibid/detail/gc/pages.h"
#include "ibid/detail/gc/slot.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

class gc_registry {
public:
    constexpr gc_registry() noexcept =
        default; // and no destructor: there is one, and it is there before and after main
    gc_registry(const gc_registry&) = delete;
    gc_registry& operator=(const gc_registry&) = delete;

    // A new token that holds what detach() gives, and that `end` lets go. detach() does not throw, and is
    // called once nothing can fail any more. Throws bad_alloc, and Unregistered on a thread that the collector does not know.
    // May collect, and so run finalizers, before detach().
    template <class Unregistered, class Detach>
    [[nodiscard]] gc_token* make(Detach detach, const gc_end& end) {
        gc_slot* s = gc_pages::pop_own();
        if (s == nullptr) {
            start<Unregistered>();
            if (GC_thread_is_registered() == 0) {
                throw Unregistered();
            }
            s = refill();
        }
        // Not GC_MALLOC_ATOMIC: where GC_DEBUG is defined, that gives an interior pointer.
        auto* const t = static_cast<gc_token*>(GC_malloc_atomic(sizeof(gc_token)));
        if (t == nullptr) {
            the_gc_pages.give_back(s, 1);
            throw std::bad_alloc();
        }
        ::new (static_cast<void*>(t)) gc_token{s};
        s->hold(detach(), end);
        s->attach(t);
        return t;
    }

    // Sets the collector up, if need be. Throws Unregistered when it is not the main thread that would do that first.
    template <class Unregistered>
    void start() {
        if (!started_.load(std::memory_order_acquire) && !start_once()) {
            throw Unregistered();
        }
    }

    // How many tokens may be made between two collections before make() asks for one.
    void set_burst(std::size_t tokens) noexcept { burst_.store(tokens, std::memory_order_relaxed); }

    struct token_counts {
        std::size_t slots;   // with a token, or with what a dead one held
        std::size_t waiting; // of these, what dead tokens held
    };
    [[nodiscard]] token_counts counts() noexcept {
        token_counts c{0, 0};
        const std::lock_guard lock(the_gc_pages);
        the_gc_pages.for_each([&](const gc_slot& s) { c.slots += s.token() != nullptr ? 1 : 0; });
        c.waiting = dead_.load(std::memory_order_relaxed) - let_go_.load(std::memory_order_relaxed);
        c.slots += c.waiting;
        return c;
    }

private:
    // --- the collector's side -----------------------------------------------------------------------------------------

    static void GC_CALLBACK on_event(GC_EventType e);
    static void GC_CALLBACK on_sentinel(void* sentinel, void*);

    // Marking has ended, the world is stopped, and the collector's lock is held: no allocation, no lock, no waiting.
    void sweep() noexcept {
        const GC_word now = GC_get_gc_no();
        const bool careful = now != seen_ + 1;
        seen_ = now;
        gc_slot* dead = dead_list_.load(std::memory_order_relaxed);
        std::size_t alive = 0;
        std::size_t found = 0;
        the_gc_pages.for_each([&](gc_slot& s) {
            gc_token* const t = s.token();
            if (t == nullptr) {
                return;
            }
            const bool ours = !careful || (GC_base(t) == t && t->slot.load(std::memory_order_relaxed) == &s);
            if (ours && GC_is_marked(t) != 0) {
                ++alive;
                return;
            }
            if (ours) {
                // A finalizer of the program's may still reach this token, and even bring it back. It must then find
                // it ended, and not the slot of a stranger.
                t->slot.store(nullptr, std::memory_order_relaxed);
            }
            s.set_next(dead);
            dead = &s;
            ++found;
        });
        dead_list_.store(dead, std::memory_order_relaxed);
        dead_.fetch_add(found, std::memory_order_relaxed);
        the_gc_pages.forget_handed();
        limit_.store(std::max(alive, burst_.load(std::memory_order_relaxed)), std::memory_order_relaxed);
        if (sentinel_ != nullptr) {
            if (dead != nullptr) {
                GC_clear_mark_bit(sentinel_);
            } else {
                GC_set_mark_bit(sentinel_);
            }
        }
    }

    // Empties the list of the dead. As a finalizer: outside all locks, on any thread that the program lets run finalizers.
    void let_go() noexcept {
        constexpr std::size_t at_once = 64;
        gc_slot* s = dead_list_.exchange(nullptr, std::memory_order_acquire);
        while (s != nullptr) {
            std::array<std::pair<const gc_end*, void*>, at_once> held;
            std::size_t holders = 0;
            std::uint32_t count = 0;
            gc_slot* const first = s;
            for (; s != nullptr && count < at_once; ++count, s = s->next()) {
                if (void* const what = s->take_from_dead()) {
                    held[holders++] = {s->end, what};
                }
            }
            the_gc_pages.give_back(first, count);
            for (std::size_t i = 0; i < holders; ++i) {
                held[i].first->let_go(held[i].second); // destructors of the program's
            }
            let_go_.fetch_add(count, std::memory_order_relaxed);
        }
    }

    // Under the collector's lock, as sweep() is.
    static void* missed_one(void* ledger) {
        return GC_get_gc_no() != static_cast<gc_registry*>(ledger)->seen_ ? ledger : nullptr;
    }

    // Are we still told of collections? The collector knows one listener. Who replaces us without calling us on loses
    // nothing but time: what was missed is made up for by a careful sweep.
    void listen() noexcept {
        if (sentinel_lost_.load(std::memory_order_relaxed) &&
            sentinel_lost_.exchange(false, std::memory_order_relaxed)) {
            register_sentinel(sentinel_);
        }
        if (listening_.test_and_set(std::memory_order_acquire)) {
            return; // another thread is at it
        }
        if (!heard_ || GC_call_with_alloc_lock(missed_one, this) != nullptr) {
            const GC_on_collection_event_proc other = GC_get_on_collection_event();
            if (listener_ == nullptr) {
                listener_ = on_event;
            }
            if (other != listener_) {
                previous_ = other;
                GC_set_on_collection_event(listener_);
            }
            heard_ = true;
        }
        listening_.clear(std::memory_order_release);
    }

    void register_sentinel(void* sentinel) noexcept {
        GC_register_finalizer_no_order(sentinel, on_sentinel, nullptr, nullptr, nullptr);
    }

    // --- the program's side -------------------------------------------------------------------------------------------

    // False: not on this thread.
    [[nodiscard]] bool start_once() {
        const std::lock_guard lock(start_mutex_);
        if (started_.load(std::memory_order_relaxed)) {
            return true;
        }
        if (GC_is_init_called() == 0) {
            if (::getpid() != ::gettid()) {
                return false;
            }
            GC_set_handle_fork(1);
            GC_INIT();
            collector_survives_fork_ = true;
        }
        GC_allow_register_threads();
        listen();
        // In a static variable, so the collector sees it; and marked or not as sweep() pleases.
        sentinel_ = GC_malloc_atomic(1);
        if (sentinel_ == nullptr) {
            throw std::bad_alloc();
        }
        register_sentinel(sentinel_);
        ::pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
        started_.store(true, std::memory_order_release);
        return true;
    }

    // Once for each page of slots.
    [[nodiscard]] gc_slot* refill() {
        listen();
        if (the_gc_pages.handed() > limit_.load(std::memory_order_relaxed) && GC_is_disabled() == 0) {
            // The collector paces itself by its own heap. It does not see what tokens hold, so a burst of tokens would
            // leave it asleep. Collect, and let finalizers run as the program wants them.
            the_gc_pages.forget_handed(); // others need not do the same
            GC_gcollect();
        }
        return the_gc_pages.pop();
    }

    // --- fork() ---------------------------------------------------------------------------------------------------------

    // What another thread was letting go at that instant is lost in the child: there, nobody goes on with that.
    //
    // A handle that is older than the fork() is not let go for a dead token there: that would take the lock of its entry's
    // shard, and a thread that is gone may hold it for ever.
    static void before_fork() noexcept;
    static void after_fork_in_parent() noexcept;
    static void after_fork_in_child() noexcept;

    std::mutex start_mutex_; // protects the setting up
    std::atomic<bool> started_{false};

    // Written by the sweep, while the world is stopped; emptied by let_go().
    std::atomic<gc_slot*> dead_list_{nullptr};
    std::atomic<std::size_t> dead_{0};   // ever found
    std::atomic<std::size_t> let_go_{0}; // of these

    // The child of a fork() may have no sentinel: another thread had taken it off in the parent and not yet hung it up again, and
    // most likely so, for it waits for the lock that the collector holds over fork().
    bool collector_survives_fork_ = false; // we have told it to; written once
    std::atomic<bool> sentinel_lost_{false};

    GC_word seen_ = 0; // the last collection that sweep() saw; under the collector's lock
    void* sentinel_ = nullptr;

    std::atomic_flag listening_;
    bool heard_ = false; // under listening_
    // Each library has an on_event of its own; this is the one that listens. Under listening_.
    GC_on_collection_event_proc listener_ = nullptr;
    GC_on_collection_event_proc previous_ = nullptr; // who listened before; written under listening_

    std::atomic<std::size_t> burst_{65'536};
    std::atomic<std::size_t> limit_{65'536};
};

IBID_PROCESS_WIDE inline constinit gc_registry the_gc_registry;

inline void GC_CALLBACK gc_registry::on_event(GC_EventType e) {
    if (e == GC_EVENT_MARK_END) {
        the_gc_registry.sweep();
    }
    if (the_gc_registry.previous_ != nullptr) {
        the_gc_registry.previous_(e);
    }
}

inline void GC_CALLBACK gc_registry::on_sentinel(void* sentinel, void* /*data*/) {
    the_gc_registry.register_sentinel(sentinel);
    the_gc_registry.listen();
    the_gc_registry.let_go();
}

inline void gc_registry::before_fork() noexcept {
    the_gc_registry.start_mutex_.lock();
    the_gc_pages.lock();
}
inline void gc_registry::after_fork_in_parent() noexcept {
    the_gc_pages.unlock();
    the_gc_registry.start_mutex_.unlock();
}
inline void gc_registry::after_fork_in_child() noexcept {
    the_gc_pages.for_each([](gc_slot& s) { s.inherit(); });
    the_gc_registry.listening_.clear(std::memory_order_relaxed);
    after_fork_in_parent();
    if (the_gc_registry.collector_survives_fork_ && GC_thread_is_registered() != 0) {
        the_gc_registry.register_sentinel(
            the_gc_registry.sentinel_); // the collector's own handler has run: it was registered first
    } else {
        the_gc_registry.sentinel_lost_.store(
            true,
            std::memory_order_relaxed); // whoever makes a token next, hangs it up
    }
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
