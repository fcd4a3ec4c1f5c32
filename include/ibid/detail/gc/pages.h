// SPDX-License-Identifier: Apache-2.0
//
// The pages that hold slots. Each page is owned by one thread or by none.
//
// Invariants:
//  - A thread takes slots from its own page without a lock. Other threads return slots of that page under the
//    mutex, to a list of their own.
//  - While the world is stopped, the list of pages is consistent, no matter where threads were stopped: each
//    change of it is one store of one pointer.
//  - Some entirely free pages without an owner are kept. The others are freed when a thread returns slots,
//    because the collector stops that thread. A thread that exits is not stopped any more, and could free a
//    page under the sweep.
//
// Thread safety: any thread; for_each() under the mutex or while the world is stopped.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "ibid/detail/base/mutex.h"
#include "ibid/detail/base/per_thread.h"
#include "ibid/detail/base/process_wide.h"
#include "ibid/detail/gc/slot.h"
#include "ibid/detail/port/module.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

// A page of slots. A thread that makes tokens owns one.
struct alignas(4096) gc_page {
    static constexpr std::size_t slots_in_page = 168;

    // The list of all pages, for the sweep.
    std::atomic<gc_page*> next{nullptr};
    gc_page* previous = nullptr; // under the mutex of gc_pages

    gc_slot* free = nullptr; // for the owner; without an owner: under the mutex
    std::uint32_t free_count = 0;
    bool owned = false;               // under the mutex
    gc_slot* returned = nullptr;      // by other threads while the page was owned; under the mutex
    std::uint32_t returned_count = 0; // under the mutex
    gc_page* next_partial = nullptr;  // pages without an owner that have free slots; under the mutex
    gc_page* previous_partial = nullptr;

    std::array<gc_slot, slots_in_page> slots;

    gc_page() noexcept : free_count(slots_in_page) {
        for (gc_slot& s : slots) {
            s.set_next(free);
            free = &s;
        }
    }

    [[nodiscard]] static gc_page& of(gc_slot& s) noexcept {
        return *reinterpret_cast<gc_page*>(reinterpret_cast<std::uintptr_t>(&s) & ~(alignof(gc_page) - 1));
    }

    [[nodiscard]] gc_slot* pop() noexcept {
        gc_slot* const s = free;
        if (s != nullptr) {
            free = s->next();
            --free_count;
        }
        return s;
    }
    void push(gc_slot& s) noexcept {
        s.set_next(free);
        free = &s;
        ++free_count;
    }
};
static_assert(sizeof(gc_page) == 4096);

// A thread's page (per_thread.h).
struct gc_thread {
    gc_page* page = nullptr;

    [[nodiscard]] static const thread_key* key_of_process() noexcept;
    static void begin() noexcept {}
    void end() noexcept;
};
using this_gc_thread = per_thread<gc_thread>;

class IBID_CAPABILITY gc_pages {
public:
    gc_pages() noexcept = default;
    gc_pages(const gc_pages&) = delete;
    gc_pages& operator=(const gc_pages&) = delete;

    // A slot of this thread's page, or null.
    [[nodiscard]] IBID_MODULE_LOCAL static gc_slot* pop_own() noexcept {
        gc_page* const p = this_gc_thread::here().page;
        return p != nullptr ? p->pop() : nullptr;
    }

    // Gives up this thread's page.
    IBID_MODULE_LOCAL static void end_own() noexcept {
        if (gc_thread* const me = this_gc_thread::known()) {
            me->end();
        }
    }

    // A slot, and usually a page for this thread. Throws bad_alloc.
    [[nodiscard]] IBID_MODULE_LOCAL gc_slot* pop_for_this_thread() {
        gc_thread* const me =
            this_gc_thread::attach(); // null in a late thread_local destructor: one slot, no page
        if (gc_slot* const s = pop_shared(me)) {
            return s;
        }
        auto* const fresh = new gc_page;
        gc_slot* const s = fresh->pop();
        const lock_guard lock(mutex_);
        gc_page* const head = pages_.load(std::memory_order_relaxed);
        fresh->next.store(head, std::memory_order_relaxed);
        if (head != nullptr) {
            head->previous = fresh;
        }
        pages_.store(fresh, std::memory_order_release);
        own(me, *fresh);
        return s;
    }

    // Returns `s` and the `count` - 1 slots that follow it. Requires: they have no token any more.
    void give_back(gc_slot* s, std::uint32_t count) noexcept {
        const lock_guard lock(mutex_);
        for (; count != 0; --count) {
            gc_slot* const next = count != 1 ? s->next() : nullptr;
            gc_page& p = gc_page::of(*s);
            if (p.owned) {
                s->set_next(p.returned);
                p.returned = s;
                ++p.returned_count;
            } else {
                p.push(*s);
                if (p.free_count == 1) {
                    add_partial(p);
                }
                if (p.free_count == gc_page::slots_in_page) {
                    ++empty_;
                }
            }
            s = next;
        }
        free_empty_but_a_few();
    }

    // Calls f(slot) for every slot. Under the mutex, or while the world is stopped.
    template <class Function>
    void for_each(Function f) noexcept {
        for (gc_page* p = pages_.load(std::memory_order_relaxed); p != nullptr;
             p = p->next.load(std::memory_order_relaxed)) {
            std::for_each(p->slots.begin(), p->slots.end(), f);
        }
    }

    // How many slots threads have got since the last forget_handed().
    [[nodiscard]] std::size_t handed() const noexcept { return handed_.load(std::memory_order_relaxed); }
    void forget_handed() noexcept { handed_.store(0, std::memory_order_relaxed); }

    void thread_ends(gc_thread& me) noexcept {
        if (gc_page* const p = std::exchange(me.page, nullptr)) {
            const lock_guard lock(mutex_);
            disown(*p);
        }
    }

    // For fork() and for_each(). In the child, pages of other threads stay owned by them: their tokens end as
    // always, and their unused slots are leaked.
    void lock() noexcept IBID_ACQUIRE() IBID_NO_THREAD_SAFETY_ANALYSIS { mutex_.lock(); }
    void unlock() noexcept IBID_RELEASE() IBID_NO_THREAD_SAFETY_ANALYSIS { mutex_.unlock(); }

    thread_key key; // of gc_thread

    [[nodiscard]] static const char* process_name() noexcept { return IBID_PROCESS_NAME("gc pages"); }

private:
    // A slot of an existing page, or null.
    [[nodiscard]] gc_slot* pop_shared(gc_thread* me) {
        const lock_guard lock(mutex_);
        if (gc_page* const p = me != nullptr ? me->page : nullptr) {
            p->free = std::exchange(p->returned, nullptr);
            p->free_count = std::exchange(p->returned_count, 0);
            if (gc_slot* const s = p->pop()) {
                return s;
            }
            me->page = nullptr;
            p->owned = false; // full
        }
        gc_page* const p = partial_;
        if (p == nullptr) {
            return nullptr;
        }
        remove_partial(*p);
        gc_slot* const s = p->pop();
        own(me, *p);
        return s;
    }

    void own(gc_thread* me, gc_page& p) noexcept IBID_REQUIRES(mutex_) {
        handed_.fetch_add(p.free_count + 1, std::memory_order_relaxed);
        if (me == nullptr) {
            disown(p);
            return;
        }
        p.owned = true;
        me->page = &p;
    }
    void disown(gc_page& p) noexcept IBID_REQUIRES(mutex_) {
        p.owned = false;
        while (gc_slot* const s = p.returned) {
            p.returned = s->next();
            p.push(*s);
        }
        p.returned_count = 0;
        if (p.free_count != 0) {
            add_partial(p);
            empty_ += p.free_count == gc_page::slots_in_page ? 1 : 0;
        }
    }

    void add_partial(gc_page& p) noexcept IBID_REQUIRES(mutex_) {
        p.previous_partial = nullptr;
        p.next_partial = partial_;
        if (partial_ != nullptr) {
            partial_->previous_partial = &p;
        }
        partial_ = &p;
    }
    void remove_partial(gc_page& p) noexcept IBID_REQUIRES(mutex_) {
        empty_ -= p.free_count == gc_page::slots_in_page ? 1 : 0;
        (p.previous_partial != nullptr ? p.previous_partial->next_partial : partial_) = p.next_partial;
        if (p.next_partial != nullptr) {
            p.next_partial->previous_partial = p.previous_partial;
        }
    }

    void free_empty_but_a_few() noexcept IBID_REQUIRES(mutex_) {
        constexpr std::size_t a_few = 32; // the next tokens reuse the pages that a collection has emptied
        for (gc_page* p = partial_; p != nullptr && empty_ > a_few;) {
            gc_page* const next_partial = p->next_partial;
            if (p->free_count == gc_page::slots_in_page) {
                remove_partial(*p);
                gc_page* const next = p->next.load(std::memory_order_relaxed);
                (p->previous != nullptr ? p->previous->next : pages_).store(next, std::memory_order_release);
                if (next != nullptr) {
                    next->previous = p->previous;
                }
                delete p;
            }
            p = next_partial;
        }
    }

    // Protects the lists of pages and their slots, except from the sweep. A thread that stops the world does
    // not take it; no code of the collector or the program runs under it.
    detail::mutex mutex_;
    std::atomic<gc_page*> pages_{nullptr};
    gc_page* partial_ IBID_GUARDED_BY(mutex_) = nullptr; // without an owner, with free slots
    std::size_t empty_ IBID_GUARDED_BY(mutex_) = 0;      // of these, entirely free
    std::atomic<std::size_t> handed_{0};
};

// The process-wide object; without memory for it, this module's own.
[[nodiscard]] IBID_MODULE_LOCAL inline gc_pages& the_gc_pages() noexcept {
    if (gc_pages* const shared = process_wide<gc_pages>::get()) [[likely]] {
        return *shared;
    }
    alignas(gc_pages) static unsigned char memory[sizeof(gc_pages)];
    static gc_pages* const own = ::new (static_cast<void*>(memory)) gc_pages;
    return *own;
}

inline const thread_key* gc_thread::key_of_process() noexcept {
    const thread_key& key = the_gc_pages().key;
    return key.valid() ? &key : nullptr;
}
inline void gc_thread::end() noexcept {
    the_gc_pages().thread_ends(*this);
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
