// SPDX-License-Identifier: Apache-2.0
//
// What a token holds, written down outside of the collector's heap: a slot, in a page (gc/pages.h) that the collector never
// scans.
//
// Law: a slot belongs to a token from attach() until the token is found dead, and to nobody else meanwhile. What it holds
// is taken out once, by whoever comes first: release(), or the end of the token.
//
// Why not in the token itself: what a dead token held must still be there when the token's memory is not. And why not a
// finalizer for each token: see gc/registry.h.
#pragma once

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

// How what a token holds is let go when the collector has found the token dead.
struct gc_end {
    void (*let_go)(void*) noexcept;
    bool in_child; // also in the child of a fork(), when the token is older than that
};

// What the collector allocates: one word, no pointers that it would follow. Null: ended, see gc_registry::sweep().
struct gc_token {
    std::atomic<gc_slot*> slot;
};

struct gc_slot {
    // The address of the token, disguised; or, in a list of slots without a token, the next one. Disguised addresses are
    // complements, so their sign tells the two apart.
    std::atomic<std::uintptr_t> word{0};
    std::atomic<std::uintptr_t> held{0}; // null when released; lowest bit: somebody copies it just now
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

    // From here on the sweep looks at the token. All that it needs is written before (release): the sweep runs while this
    // thread is stopped, at whatever instruction.
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

    // Takes it out: for one caller alone.
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

    // Takes it out of a dead token's slot, where nobody is at it any more: whoever is in the middle of take() or while_held()
    // has the token on its stack, and the collector has seen it there.
    [[nodiscard]] void* take_from_dead() noexcept {
        void* const what = get();
        held.store(0, std::memory_order_relaxed);
        return what;
    }

    // Calls f(void*) while nobody can take it out; false when it is out already. `f` must not wait or allocate.
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

    // In the child of a fork(): nobody is in the middle of while_held() any more.
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
