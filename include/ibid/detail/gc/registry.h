// SPDX-License-Identifier: Apache-2.0
//
// The registry of tokens: which tokens exist, which of them the collector has found dead, and releasing what
// those held.
//
// Invariants:
//  - What a dead token held is released once, after the first collection that finds the token unreachable. It
//    is released where that collection's finalizers run, outside all locks of the collector and of ibid.
//  - Finding dead tokens needs no memory and no lock, and touches nothing that a stopped thread may be
//    changing.
//  - A collection of which we are not notified costs time, never safety: see sweep().
//
// Why tokens have no finalizers of their own: a registered finalizer costs ten times as much as the token's
// memory, and makes the collector run ten times as often, because its finalizer table is in its own heap.
// Here, one object, the sentinel, has a finalizer for all tokens. When marking has ended and the world is
// still stopped, sweep() asks the collector for each token whether it was reached (as GC_finalize() asks for
// each object with a finalizer, at the same moment), and lists the slots of dead tokens. If there are any, it
// clears the sentinel's mark. The collector then finds the sentinel dead and queues its finalizer. It is
// registered with GC_register_finalizer_no_order and refers to nothing, so it runs after this very
// collection. It empties the list and registers the sentinel again. So everything that a program configures
// about finalizers (on demand, notifiers, when to invoke them) holds for tokens.
//
// Thread safety: any thread that the collector knows; sweep() runs inside a collection.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include <gc/gc.h>
#include <gc/gc_mark.h>
#include <unistd.h>

#include "ibid/detail/base/exceptions.h"
#include "ibid/detail/base/mutex.h"
#include "ibid/detail/base/process_wide.h"
#include "ibid/detail/gc/pages.h"
#include "ibid/detail/gc/slot.h"
#include "ibid/detail/port/at_fork.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

class gc_registry {
public:
    gc_registry() noexcept = default;
    [[nodiscard]] static const char* process_name() noexcept { return IBID_PROCESS_NAME("gc tokens"); }
    gc_registry(const gc_registry&) = delete;
    gc_registry& operator=(const gc_registry&) = delete;

    // A new token that holds what detach() returns; `end` releases it. detach() must not throw, and is called
    // when nothing can fail any more. Throws bad_alloc, and Unregistered on a thread that the collector does
    // not know. May collect, and so run finalizers, before detach().
    template <class Unregistered, class Detach>
    [[nodiscard]] gc_token* make(Detach detach, const gc_end& end) {
        this_module_stays(); // `end` is in it
        gc_slot* s = gc_pages::pop_own();
        if (s == nullptr) {
            start<Unregistered>();
            if (GC_thread_is_registered() == 0) {
                IBID_THROW(Unregistered());
            }
            s = refill();
        }
        // Not GC_MALLOC_ATOMIC: with GC_DEBUG, it returns an interior pointer.
        auto* const t = static_cast<gc_token*>(GC_malloc_atomic(sizeof(gc_token)));
        if (t == nullptr) {
            the_gc_pages().give_back(s, 1);
            throw_bad_alloc();
        }
        ::new (static_cast<void*>(t)) gc_token{s};
        s->hold(detach(), end);
        s->attach(t);
        return t;
    }

    // Initializes the collector if needed. Throws Unregistered if that would happen on another thread than
    // the main one.
    template <class Unregistered>
    void start() {
        if (!started_.load(std::memory_order_acquire) && !start_once()) {
            IBID_THROW(Unregistered());
        }
    }

    // After how many new tokens make() asks for a collection.
    void set_burst(std::size_t tokens) noexcept { burst_.store(tokens, std::memory_order_relaxed); }

    struct token_counts {
        std::size_t slots;   // with a token, or with what a dead token held
        std::size_t waiting; // of these, what dead tokens held
    };
    [[nodiscard]] token_counts counts() noexcept {
        token_counts c{0, 0};
        const lock_guard lock(the_gc_pages());
        the_gc_pages().for_each([&](const gc_slot& s) { c.slots += s.token() != nullptr ? 1 : 0; });
        c.waiting = dead_.load(std::memory_order_relaxed) - let_go_.load(std::memory_order_relaxed);
        c.slots += c.waiting;
        return c;
    }

private:
    // --- the collector's side ------------------------------------------------------------------------------

    static void GC_CALLBACK on_event(GC_EventType e);
    static void GC_CALLBACK on_sentinel(void* sentinel, void*);

    // Called when marking has ended, with the world stopped and the collector's lock held: must not allocate,
    // lock or wait.
    void sweep() noexcept {
        const GC_word now = GC_get_gc_no();
        const bool careful = now != seen_ + 1;
        seen_ = now;
        gc_slot* dead = dead_list_.load(std::memory_order_relaxed);
        std::size_t alive = 0;
        std::size_t found = 0;
        the_gc_pages().for_each([&](gc_slot& s) {
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
                // A finalizer of the program may still reach this token, or even resurrect it. It must then
                // find an ended token, not a slot that belongs to another.
                t->slot.store(nullptr, std::memory_order_relaxed);
            }
            s.set_next(dead);
            dead = &s;
            ++found;
        });
        dead_list_.store(dead, std::memory_order_relaxed);
        dead_.fetch_add(found, std::memory_order_relaxed);
        the_gc_pages().forget_handed();
        survivors_.store(alive, std::memory_order_relaxed);
        if (sentinel_ != nullptr) {
            if (dead != nullptr) {
                GC_clear_mark_bit(sentinel_);
            } else {
                GC_set_mark_bit(sentinel_);
            }
        }
    }

    // Releases what dead tokens held. Runs as a finalizer: outside all locks, on any thread that runs
    // finalizers.
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
            the_gc_pages().give_back(first, count);
            for (std::size_t i = 0; i < holders; ++i) {
                held[i].first->let_go(held[i].second); // runs destructors of the program
            }
            let_go_.fetch_add(count, std::memory_order_relaxed);
        }
    }

    // Under the collector's lock, as sweep() is.
    static void* missed_one(void* registry) {
        return GC_get_gc_no() != static_cast<gc_registry*>(registry)->seen_ ? registry : nullptr;
    }

    // Makes sure that we are notified of collections. The collector has one listener. If another replaces
    // ours without forwarding, we lose time only: a careful sweep catches up.
    void listen() noexcept {
        if (sentinel_lost_.load(std::memory_order_relaxed) &&
            sentinel_lost_.exchange(false, std::memory_order_relaxed)) {
            register_sentinel(sentinel_);
        }
        if (listening_.test_and_set(std::memory_order_acquire)) {
            return; // another thread does this
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

    // --- the program's side --------------------------------------------------------------------------------

    // False: this thread must not initialize the collector.
    [[nodiscard]] bool start_once() {
        const lock_guard lock(start_mutex_);
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
        // A root, because the collector does not scan this object by itself. sweep() decides whether the
        // sentinel is marked.
        GC_add_roots(&sentinel_, &sentinel_ + 1);
        sentinel_ = GC_malloc_atomic(1);
        if (sentinel_ == nullptr) {
            throw_bad_alloc();
        }
        register_sentinel(sentinel_);
        (void)at_fork(before_fork, after_fork_in_parent, after_fork_in_child);
        started_.store(true, std::memory_order_release);
        return true;
    }

    // Once for each page of slots.
    [[nodiscard]] gc_slot* refill() {
        listen();
        const std::size_t limit =
            std::max(survivors_.load(std::memory_order_relaxed), burst_.load(std::memory_order_relaxed));
        if (the_gc_pages().handed() > limit && GC_is_disabled() == 0) {
            // The collector paces itself by the size of its heap and does not see what tokens hold, so a
            // burst of tokens would not make it collect. Finalizers run as the program has configured.
            the_gc_pages().forget_handed(); // so that other threads need not collect too
            GC_gcollect();
        }
        return the_gc_pages().pop_for_this_thread();
    }

    // --- fork() --------------------------------------------------------------------------------------------

    // The child leaks what another thread was releasing at the instant of fork().
    //
    // In the child, a dead token does not release a handle that is older than the fork(): that would take the
    // lock of a shard, which a thread that does not exist there may hold.
    static void before_fork() noexcept;
    static void after_fork_in_parent() noexcept;
    static void after_fork_in_child() noexcept;

    mutex start_mutex_; // protects the initialization
    std::atomic<bool> started_{false};

    // Written by sweep() while the world is stopped; emptied by let_go().
    std::atomic<gc_slot*> dead_list_{nullptr};
    std::atomic<std::size_t> dead_{0};   // ever found
    std::atomic<std::size_t> let_go_{0}; // of these

    // After GC_finalize_all() the sentinel has no finalizer. In the child of a fork() it may have none:
    // another thread of the parent was running it and had not registered it again. That is even likely, as it
    // waits for the lock that the collector holds during fork().
    bool collector_survives_fork_ = false; // because we have asked it to; written once
    std::atomic<bool> sentinel_lost_{false};

    GC_word seen_ = 0; // the last collection that sweep() saw; under the collector's lock
    void* sentinel_ = nullptr;

    std::atomic_flag listening_;
    bool heard_ = false; // under listening_
    // Each library has its own on_event; this one is registered. Under listening_.
    GC_on_collection_event_proc listener_ = nullptr;
    GC_on_collection_event_proc previous_ = nullptr; // the former listener; written under listening_

    std::atomic<std::size_t> burst_{65'536};
    std::atomic<std::size_t> survivors_{0}; // of the last collection
};

// The process-wide object; without memory for it, this module's own.
[[nodiscard]] IBID_MODULE_LOCAL inline gc_registry& the_gc_registry() noexcept {
    if (gc_registry* const shared = process_wide<gc_registry>::get()) [[likely]] {
        return *shared;
    }
    alignas(gc_registry) static unsigned char memory[sizeof(gc_registry)];
    static gc_registry* const own = ::new (static_cast<void*>(memory)) gc_registry;
    return *own;
}

inline void GC_CALLBACK gc_registry::on_event(GC_EventType e) {
    if (e == GC_EVENT_MARK_END) {
        the_gc_registry().sweep();
    }
    if (the_gc_registry().previous_ != nullptr) {
        the_gc_registry().previous_(e);
    }
}

inline void GC_CALLBACK gc_registry::on_sentinel(void* sentinel, void* /*data*/) {
    gc_registry& all = the_gc_registry();
    if (all.dead_list_.load(std::memory_order_relaxed) == nullptr) {
        // Not after a collection: GC_finalize_all() runs finalizers until none is registered.
        all.sentinel_lost_.store(true, std::memory_order_relaxed);
        return;
    }
    all.register_sentinel(sentinel);
    all.listen();
    all.let_go();
}

inline void gc_registry::before_fork() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
    the_gc_registry().start_mutex_.lock();
    the_gc_pages().lock();
}
inline void gc_registry::after_fork_in_parent() noexcept IBID_NO_THREAD_SAFETY_ANALYSIS {
    the_gc_pages().unlock();
    the_gc_registry().start_mutex_.unlock();
}
inline void gc_registry::after_fork_in_child() noexcept {
    the_gc_pages().for_each([](gc_slot& s) { s.inherit(); });
    the_gc_registry().listening_.clear(std::memory_order_relaxed);
    after_fork_in_parent();
    if (the_gc_registry().collector_survives_fork_ && GC_thread_is_registered() != 0) {
        the_gc_registry().register_sentinel(
            the_gc_registry().sentinel_); // the collector's own handler has run: it was registered first
    } else {
        the_gc_registry().sentinel_lost_.store(
            true,
            std::memory_order_relaxed); // registered when the next token is made
    }
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
