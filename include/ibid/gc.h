// SPDX-License-Identifier: Apache-2.0
//
// Handles that a tracing collector tracks: for programs on Boehm's collector (libgc), and for runtimes built
// on it.
//
// Laws:
//  - a token keeps its value until the collector finds the token unreachable, or until release(), whichever
//    is first;
//  - release() takes effect once, on any thread; a later use of the token throws `released` and never gives a
//    dead value;
//  - the value lives outside of the collector's heap: no token, table or pool is a root that keeps collected
//    objects, and nothing that the collector must follow is hidden in one;
//  - a token that is never collected (GC_disable, a program that ends first) costs memory and nothing else;
//  - in the child of a fork(), tokens work as before; but a handle that is older than the fork() is kept
//    there until release(). If the parent has several threads, that release(), like every use of the cache,
//    requires cache::lock_for_fork() around the fork.
//
//     ibid::cache<std::string, std::string> names;
//     struct connection { ibid::gc::active<std::string> peer; }; // no destructor
//     auto* c = new (GC_MALLOC(sizeof(connection))) connection{
//         ibid::gc::intern(names, std::string("example.org"), [] { return std::string("a long record"); })};
//     assert(*c->peer == "a long record");
//     c = nullptr; // the entry goes with a collection
//
// A token is a word that the collector allocates. `active` and `loan` are pointers to one, with the size of a
// pointer: store them in collected objects, in static variables, on stacks, copy them freely; all copies are
// one token. Do not store them where the collector does not look (memory of malloc or new).
//
// docs/collectors.md says when to use which handle, and lists the pitfalls of finalizers with a test for
// each.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "ibid/detail/base/exceptions.h"
#include "ibid/detail/gc/registry.h"
#include "ibid/detail/gc/slot.h"
#include "ibid/handle.h"
#include "ibid/pool.h"

namespace ibid {
inline namespace layout_1 {
namespace gc {

// A token was used that holds nothing: it was released, or found unreachable (a finalizer sees such), or
// never made.
class released : public std::logic_error {
public:
    // With a text for people; what() gives it.
    released()
        : std::logic_error("ibid: this token was released, or the collector has found it unreachable") {}
};

// A token, or a traced value, was asked for on a thread that the collector does not know (see `thread`), or
// the collector's very first call came from another thread than the main one (see `start`).
class unregistered_thread : public std::logic_error {
public:
    // With a text for people; what() gives it.
    unregistered_thread()
        : std::logic_error(
              "ibid: the collector does not know this thread; see ibid::gc::thread and ibid::gc::start") {}
};

// How a token keeps an owner that is one pointer wide: what to store, and how to release it. Specialize it
// for your own owner types. `in_child`, if it is there and true, says that releasing is safe in the child of
// a fork(), whatever other threads of the parent were doing.
template <class Owner>
struct owner_traits;

// Of a handle, the token keeps the address of its value and one reference. It does not keep the handle's own
// word, whose format is private to the handle.
template <class T>
struct owner_traits<handle<T>> {
    // What get() of such a token gives.
    using pointer = const T*;
    // Takes the owner's reference out of it, as a word.
    [[nodiscard]] static void* detach(handle<T>&& h) noexcept {
        const T* const value = h.get();
        const kept never_destroyed(std::move(h));
        return const_cast<T*>(value);
    }
    // The pointer in such a word.
    [[nodiscard]] static pointer view(void* held) noexcept { return static_cast<const T*>(held); }
    // Drops the reference that such a word has.
    static void let_go(void* held) noexcept { (void)handle<T>::adopt(view(held)); }
    // A further owner.
    [[nodiscard]] static handle<T> copy(void* held) noexcept {
        const kept here(handle<T>::adopt(view(held)));
        return here.held;
    }

private:
    union kept { // never destroyed, so that the reference stays
        handle<T> held;
        explicit kept(handle<T>&& from) noexcept : held(std::move(from)) {}
        ~kept() {}
    };
};

// Of a loan, what is kept is the object, by loan::leak().
template <class T>
struct owner_traits<ibid::loan<T>> {
    // What get() of such a token gives.
    using pointer = T*;
    static constexpr bool in_child = true; // the pool sees to that
    // Takes the object out of the loan, as a word.
    [[nodiscard]] static void* detach(ibid::loan<T>&& l) noexcept { return l.leak(); }
    // The pointer in such a word.
    [[nodiscard]] static pointer view(void* held) noexcept { return ibid::loan<T>::object(held); }
    // Returns the object to its pool.
    static void let_go(void* held) noexcept { ibid::loan<T>::end(held); }
};

// For values that another library counts: std::unique_ptr<X509, …>. The lowest bit of the address must be
// free.
template <class T, class Delete>
    requires std::is_empty_v<Delete>
struct owner_traits<std::unique_ptr<T, Delete>> {
    // What get() of such a token gives.
    using pointer = T*;
    // Takes the pointer out of its owner.
    [[nodiscard]] static void* detach(std::unique_ptr<T, Delete>&& p) noexcept { return p.release(); }
    // The pointer in such a word.
    [[nodiscard]] static pointer view(void* held) noexcept { return static_cast<T*>(held); }
    // Deletes what such a word points at.
    static void let_go(void* held) noexcept { Delete()(static_cast<T*>(held)); }
};

// A pointer to a token. Empty, or one of the many that share one token.
//
// Its destructor does nothing, but the compiler does not know that: a local token is seen by the collector to
// the end of its scope, not only to its last use. Collected objects need no finalizer for the sake of their
// tokens.
template <class Owner>
class token {
    using traits = owner_traits<Owner>;

    static constexpr bool ends_in_child = [] {
        if constexpr (requires { traits::in_child; }) {
            return traits::in_child;
        }
        return false;
    }();
    static constexpr detail::gc_end end_of_dead{traits::let_go, ends_in_child};

public:
    // What get() gives.
    using pointer = typename traits::pointer;
    // What get() points at.
    using element_type = std::remove_pointer_t<pointer>;

    constexpr token() noexcept = default;
    constexpr token(std::nullptr_t) noexcept {} // NOLINT(google-explicit-constructor): as every smart pointer
    token(const token&) noexcept = default;
    token& operator=(const token&) noexcept = default;
    ~token() { GC_reachable_here(token_); }

    // Throws bad_alloc and unregistered_thread; `owner` is then as it was. An empty owner gives an empty
    // token. May collect, and so run finalizers, as every allocation of the collector may.
    explicit token(Owner&& owner) {
        if (owner) {
            token_ = detail::the_gc_registry().make<unregistered_thread>(
                [&] { return traits::detach(std::move(owner)); }, end_of_dead);
        }
    }

    // True while there is something to use. Another thread's release() may make the answer old.
    [[nodiscard]] explicit operator bool() const noexcept { return held() != nullptr; }

    // The value lives until release(), and as long as this token is reachable for the collector: so keep a
    // copy of it in a local variable while you use the reference. Throws `released`.
    [[nodiscard]] element_type& operator*() const { return *get(); }
    // The same as a pointer; likewise throws `released`.
    [[nodiscard]] pointer get() const {
        void* const what = held();
        if (what == nullptr) {
            IBID_THROW(released());
        }
        return traits::view(what);
    }

    // The token is reachable to the end of the expression that has the arrow.
    class borrowed {
    public:
        borrowed(const borrowed&) = delete;
        borrowed& operator=(const borrowed&) = delete;
        ~borrowed() { GC_reachable_here(token_); }
        // The pointer that -> gives.
        [[nodiscard]] pointer operator->() const noexcept { return pointer_; }

    private:
        friend class token;
        borrowed(pointer p, const detail::gc_token* t) noexcept : pointer_(p), token_(t) {}

        pointer pointer_;
        const detail::gc_token* token_;
    };
    // The same for one expression. Throws `released`.
    [[nodiscard]] borrowed operator->() const { return borrowed(get(), token_); }

    // A second owner beside the token. Safe against a concurrent release(). Throws `released`.
    [[nodiscard]] Owner hold() const requires requires(void* p) { traits::copy(p); }
    {
        detail::gc_slot* const s = slot();
        Owner copy;
        const bool is_held = s != nullptr && s->while_held([&](void* held) { copy = traits::copy(held); });
        GC_reachable_here(token_);
        if (!is_held) {
            IBID_THROW(released());
        }
        return copy;
    }

    // Releases now, on this thread, for all copies of this token; true for the one call that did it.
    // References that came from * or -> must not be used any more; what hold() gave stays valid. On a thread
    // that the collector does not know, another reference must keep the token reachable during the call.
    bool release() const noexcept {
        detail::gc_slot* const s = slot();
        void* const what = s != nullptr ? s->take() : nullptr;
        GC_reachable_here(token_);
        if (what == nullptr) {
            return false;
        }
        traits::let_go(what);
        return true;
    }

    // The same token, not the same value.
    [[nodiscard]] friend bool operator==(const token& a, const token& b) noexcept {
        return a.token_ == b.token_;
    }

private:
    [[nodiscard]] detail::gc_slot* slot() const noexcept {
        // The acquire needs no counterpart in the sweep: the sweep clears this word only in tokens that no
        // thread has, except finalizers, which run after the sweep.
        return token_ != nullptr ? token_->slot.load(std::memory_order_acquire) : nullptr;
    }
    [[nodiscard]] void* held() const noexcept {
        detail::gc_slot* const s = slot();
        void* const what = s != nullptr ? s->get() : nullptr;
        GC_reachable_here(token_);
        return what;
    }

    detail::gc_token* token_ = nullptr;
};

// A value of a cache, kept by the collector's reachability.
template <class T>
using active = token<handle<T>>;

// An object of a pool that goes back when the collector finds it unreachable. All copies are one loan.
template <class T>
using loan = token<ibid::loan<T>>;

// Each of these throws what its parts throw, bad_alloc and unregistered_thread.
template <class T>
[[nodiscard]] active<T> make_active(handle<T> h) {
    return active<T>(std::move(h));
}
// cache.intern(key, make), kept by a token.
template <class Cache, class Key, class Make>
[[nodiscard]] active<typename Cache::value_type> intern(Cache& cache, const Key& key, Make&& make) {
    return make_active(cache.intern(key, std::forward<Make>(make)));
}
// from.take(), kept by a token.
template <class T>
[[nodiscard]] loan<T> take(pool<T>& from) {
    return loan<T>(from.take());
}

// Initializes the collector if the program has not done so: for fork(), for threads that register themselves,
// and to be notified of collections. The first token does the same. But the collector's first call must come
// from the main thread: a collector that was initialized on another thread waits for that thread for ever
// once it has exited. So on another thread start() throws unregistered_thread.
inline void start() {
    detail::the_gc_registry().start<unregistered_thread>();
}

// Makes the collector know the thread that constructs it, until it is destroyed there. For threads that the
// collector has not started itself, such as a std::thread. Does nothing for a thread that the collector
// already knows. (After GC_unregister_my_thread(), called by yourself, the thread must make no more tokens:
// that is not noticed.)
class thread {
public:
    // Throws unregistered_thread if the collector cannot find the thread's stack.
    thread() {
        start();
        GC_stack_base base;
        if (GC_get_stack_base(&base) != GC_SUCCESS) {
            IBID_THROW(unregistered_thread());
        }
        registered_ = GC_register_my_thread(&base) == GC_SUCCESS;
    }
    thread(const thread&) = delete;
    thread& operator=(const thread&) = delete;
    ~thread() {
        if (registered_) {
            detail::gc_pages::end_own(); // so that the next token asks again whether the thread is known
            GC_unregister_my_thread();
        }
    }

private:
    bool registered_ = false;
};

// The collector decides when to run by the size of its own heap, and does not see how much memory tokens
// keep. So a new token first asks for a collection if at least this many tokens were made since the last one,
// and at least as many as survived that one. Default: 65,536.
inline void set_burst(std::size_t tokens) noexcept {
    detail::the_gc_registry().set_burst(tokens);
}

// A snapshot.
struct token_statistics {
    std::size_t tokens = 0;  // that hold, or held until release()
    std::size_t waiting = 0; // found dead; what they held has not been let go yet
};
// How many tokens there are now. Any thread; looks at each token, under a lock.
[[nodiscard]] inline token_statistics statistics() noexcept {
    const detail::gc_registry::token_counts c = detail::the_gc_registry().counts();
    return {c.slots - c.waiting, c.waiting};
}

// Memory of malloc, which the collector does not scan, for the entries and the table of a cache:
//
//     ibid::cache<std::string, value, ibid::key_beside, ibid::hash<std::string>, std::equal_to<>,
//                 ibid::gc::unscanned_allocator<std::byte>> c;
//
// Needed in programs whose operator new is the collector's (libgccpp does that). An allocation of the
// collector may run finalizers, and a cache allocates under locks that the end of an entry takes too.
template <class T>
struct unscanned_allocator {
    // What is allocated.
    using value_type = T;

    constexpr unscanned_allocator() noexcept = default;
    // From one for another type: they are alike.
    template <class U>
    constexpr unscanned_allocator(const unscanned_allocator<U>&) noexcept {
    } // NOLINT(google-explicit-constructor)

    // Memory for `n` objects of T. Throws bad_alloc.
    [[nodiscard]] T* allocate(std::size_t n) {
        if (n > static_cast<std::size_t>(-1) / sizeof(T) - 1) {
            IBID_THROW(std::bad_array_new_length());
        }
        void* const memory =
            alignof(T) <= alignof(std::max_align_t)
                ? std::malloc(n * sizeof(T))
                : std::aligned_alloc(alignof(T), n * sizeof(T)); // sizes are multiples of alignments
        if (memory == nullptr) {
            detail::throw_bad_alloc();
        }
        return static_cast<T*>(memory);
    }
    // Gives it back.
    void deallocate(T* memory, std::size_t) noexcept { std::free(memory); }

    // Always true: each frees what another has allocated.
    template <class U>
    [[nodiscard]] friend bool operator==(const unscanned_allocator&, const unscanned_allocator<U>&) noexcept {
        return true;
    }
};

// A value that refers to collected objects: owns a T in memory that the collector scans and does not free.
// Make it the value of a cache; then what the T points to lives as long as the entry. (The T must not reach a
// token of its own entry: that cycle runs through a root and is never collected.)
template <class T>
class traced {
    static_assert(alignof(T) <= 2 * sizeof(void*), "the collector aligns to two words");

public:
    // Constructs the T in place, from `arguments`. Throws bad_alloc, unregistered_thread, and what that
    // constructor throws.
    template <class... Arguments>
    explicit traced(std::in_place_t, Arguments&&... arguments) : memory_(allocate()) {
        struct guard {
            void* memory;
            ~guard() {
                if (memory != nullptr) {
                    GC_free(memory);
                }
            }
        } failed{memory_};
        ::new (memory_) T(std::forward<Arguments>(arguments)...);
        failed.memory = nullptr;
    }
    traced(traced&& other) noexcept : memory_(std::exchange(other.memory_, nullptr)) {}
    traced& operator=(traced&& other) noexcept {
        std::swap(memory_, other.memory_);
        return *this;
    }
    ~traced() {
        if (memory_ != nullptr) {
            std::destroy_at(get());
            GC_free(memory_);
        }
    }

    // The T. Null, and not to be used, after a move.
    [[nodiscard]] T* get() noexcept { return static_cast<T*>(memory_); }
    [[nodiscard]] const T* get() const noexcept { return static_cast<const T*>(memory_); }
    // The T, which must not have been moved away.
    [[nodiscard]] T& operator*() noexcept { return *get(); }
    [[nodiscard]] const T& operator*() const noexcept { return *get(); }
    // The T, which must not have been moved away.
    [[nodiscard]] T* operator->() noexcept { return get(); }
    [[nodiscard]] const T* operator->() const noexcept { return get(); }

private:
    [[nodiscard]] static void* allocate() {
        start();
        if (GC_thread_is_registered() == 0) { // the collector would end the process if it collected here
            IBID_THROW(unregistered_thread());
        }
        void* const memory = GC_malloc_uncollectable(sizeof(T));
        if (memory == nullptr) {
            detail::throw_bad_alloc();
        }
        return memory;
    }

    void* memory_;
};

} // namespace gc
} // namespace layout_1
} // namespace ibid
