// SPDX-License-Identifier: Apache-2.0
//
// What a token holds, recorded outside the collector's heap: in a slot, in a page (pages.h) that the
// collector never scans.
//
// Invariants:
//  - A slot belongs to one token from attach() until the token is found dead.
//  - What it holds is taken out once: by release(), or at the token's end, whichever is first.
//
// Why not in the token: what a dead token held must still exist when the token's memory does not. Why not
// with a finalizer for each token: see registry.h.
//
// Thread safety: any thread, except where a member says otherwise.
#pragma once

#include "ibid/detail/port/language.h"

#include <atomic>
#include <cassert>
#include <cstdint>
#include <thread>

#if defined(GC_H) && !defined(GC_THREADS)
#error "gc.h was included without GC_THREADS: define it for the whole program, as the target ibid::gc does"
#elif !defined(GC_THREADS)
#define GC_THREADS
#endif
#include <gc/gc.h>

namespace ibid {
inline namespace layout_1 {
namespace detail {

struct gc_slot;

// How to release what a token holds after the collector has found it dead.
struct gc_end {
    void (*let_go)(void*) noexcept;
    bool in_child; // also in the child of a fork(), if the token is older than the fork
};

// What the collector allocates: one word, which it does not scan. Null: ended, see gc_registry::sweep().
struct gc_token {
    std::atomic<gc_slot*> slot;
};

struct gc_slot {
    // The token's address, hidden from the collector; or, without a token, the next slot of a list. A hidden
    // address is a complement, so the sign tells the two apart.
    std::atomic<std::uintptr_t> word{0};
    std::atomic<std::uintptr_t> held{0}; // null: released; lowest bit: it is being copied
    const gc_end* end = nullptr;

    [[nodiscard]] gc_token* token() const noexcept {
        const std::uintptr_t w = word.load(std::memory_order_relaxed);
        return static_cast<std::intptr_t>(w) < 0 ? static_cast<gc_token*>(GC_REVEAL_POINTER(w)) : nullptr;
    }
    [[nodiscard]] gc_slot* next() const noexcept {
        return reinterpret_cast<gc_slot*>(word.load(std::memory_order_relaxed));
    }
    void set_next(gc_slot* s) noexcept {
        word.store(reinterpret_cast<std::uintptr_t>(s), std::memory_order_relaxed);
    }

    // From here on the sweep sees the token. Release: all that it needs is written before; this thread may be
    // stopped at any instruction.
    void attach(gc_token* t) noexcept {
        word.store(static_cast<std::uintptr_t>(GC_HIDE_POINTER(t)), std::memory_order_release);
    }

    void hold(void* what, const gc_end& e) noexcept {
        assert((reinterpret_cast<std::uintptr_t>(what) & copying) == 0);
        end = &e;
        held.store(reinterpret_cast<std::uintptr_t>(what), std::memory_order_release);
    }

    // What it holds, or null. Acquire pairs with the release in hold().
    [[nodiscard]] void* get() const noexcept {
        return reinterpret_cast<void*>(held.load(std::memory_order_acquire) & ~copying);
    }

    // Takes it out. Only one caller gets it.
    [[nodiscard]] void* take() noexcept {
        std::uintptr_t w = held.load(std::memory_order_relaxed);
        for (;;) {
            if (w == 0) {
                return nullptr;
            }
            if ((w & copying) != 0) {
                std::this_thread::yield();
                w = held.load(std::memory_order_relaxed);
            } else if (held.compare_exchange_weak(w, 0, std::memory_order_acquire,
                                                  std::memory_order_relaxed)) {
                return reinterpret_cast<void*>(w);
            }
        }
    }

    // Requires a dead token. No take() or while_held() is under way then: its thread would have the token on
    // its stack, where the collector finds it.
    [[nodiscard]] void* take_from_dead() noexcept {
        void* const what = get();
        held.store(0, std::memory_order_relaxed);
        return what;
    }

    // Calls f(void*) while nobody can take it out. False if it is out already. `f` must not wait or allocate.
    template <class Function>
    bool while_held(Function f) noexcept {
        std::uintptr_t w = held.load(std::memory_order_relaxed);
        for (;;) {
            if (w == 0) {
                return false;
            }
            if ((w & copying) != 0) {
                std::this_thread::yield();
                w = held.load(std::memory_order_relaxed);
            } else if (held.compare_exchange_weak(w, w | copying, std::memory_order_acquire,
                                                  std::memory_order_relaxed)) {
                f(reinterpret_cast<void*>(w));
                held.store(w, std::memory_order_release);
                return true;
            }
        }
    }

    // In the child of a fork(), where no while_held() is under way.
    void inherit() noexcept {
        static constexpr gc_end nothing{[](void*) noexcept {}, true};
        held.fetch_and(~copying, std::memory_order_relaxed);
        if (end != nullptr && !end->in_child) {
            end = &nothing;
        }
    }

    static constexpr std::uintptr_t copying = 1; // what is held is aligned to two bytes at least
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
