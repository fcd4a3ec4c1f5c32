// SPDX-License-Identifier: Apache-2.0
//
// A pool of objects that are costly to make and cheap to use again: buffers, parsers, contexts. A loan
// returns its object automatically.
//
// Laws:
//  - an object has one borrower or is idle, never both: no function can return it twice;
//  - a loan may end on any thread; a loan that ends after its pool destroys its object;
//  - objects may hold loans of their own pool: a chain of any length ends in a loop, before the outermost end
//    returns;
//  - idle objects never number more than the budget, and trim() may take any of them at any time;
//  - a factory that throws leaves no trace; an object whose reset hook throws or returns false is destroyed,
//    not kept.
//
//     ibid::pool<std::string> lines([] { return std::string(); }, [](std::string& s) { s.clear(); });
//     {
//         ibid::loan<std::string> line = lines.take();
//         *line += "used again, with the capacity it has grown";
//     } // back in the pool, cleared
//
// Modelled on Go's sync.Pool: idle objects stay with the thread that returned them last, and are dropped in
// two generations. Unlike in Go, nothing drops them automatically: the program calls trim() when it suits.
// docs/pool.md says when a pool is worth it and when it is not.
//
// Threads: every member except the destructor may be called from any thread at any time; loans are not part
// of the object. A sandbox that the program enters after it has used a pool must still allow membarrier(2).
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>

#include "ibid/assertions.h"
#include "ibid/concepts.h"
#include "ibid/detail/base/exceptions.h"
#include "ibid/detail/base/shown.h"
#include "ibid/detail/pool/core.h"

namespace ibid {
inline namespace layout_1 {

template <class T>
class pool;

namespace detail {

template <class Make, class T>
concept maker_of = std::same_as<T, result_of_call<Make&>> ||
    (std::constructible_from<T, result_of_call<Make&>>&& kept_result_of<result_of_call<Make&>, T>);

template <class T>
struct pooled : pool_node {
    T value;

    template <class Make>
    pooled(pool_core& c, Make& make) : pool_node(c), value(make()) {}

    // Of the value and what follows it: AddressSanitizer forbids whole words only.
    [[nodiscard]] std::size_t size() const noexcept {
        return sizeof *this - static_cast<std::size_t>(reinterpret_cast<const char*>(std::addressof(value)) -
                                                       reinterpret_cast<const char*>(this));
    }
};

} // namespace detail

// An object on loan. Returns it when it ends. One pointer wide; movable, not copyable.
template <class T>
class loan {
public:
    constexpr loan() noexcept = default;
    loan(loan&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
    loan& operator=(loan&& other) noexcept {
        loan(std::move(other)).swap(*this);
        return *this;
    }
    ~loan() { end(); }

    // The object. The loan must not have ended (IBID_ASSERTIONS checks it).
    [[nodiscard]] T& operator*() const noexcept IBID_LIFETIMEBOUND { return *operator->(); }
    // A member of the object. The loan must not have ended.
    [[nodiscard]] T* operator->() const noexcept IBID_LIFETIMEBOUND {
        IBID_ASSERT(node_ != nullptr, "this loan has ended: take another one from the pool");
        return std::addressof(node_->value);
    }
    // The object's address; null if the loan has ended.
    [[nodiscard]] T* get() const noexcept IBID_LIFETIMEBOUND {
        return node_ != nullptr ? std::addressof(node_->value) : nullptr;
    }
    // Whether there is an object.
    [[nodiscard]] explicit operator bool() const noexcept { return node_ != nullptr; }

    // Returns the object now; the loan is empty after. Runs the reset hook.
    void end() noexcept {
        if (node_ != nullptr) {
            detail::pool_core::give_back(std::exchange(node_, nullptr));
        }
    }

    // Destroys the object instead of returning it: for one that is broken, or has grown too large. The loan
    // is empty after.
    void discard() noexcept {
        if (detail::pooled<T>* const n = std::exchange(node_, nullptr)) {
            n->core->destroy(n);
        }
    }

    // Exchanges what two loans hold.
    void swap(loan& other) noexcept { std::swap(node_, other.node_); }
    friend void swap(loan& a, loan& b) noexcept { a.swap(b); }

    // For storing a loan in a word: leak() gives up ownership, object() accesses the object, end() returns
    // it.
    [[nodiscard]] void* leak() noexcept { return std::exchange(node_, nullptr); }
    // The object in such a word.
    [[nodiscard]] static T* object(void* leaked) noexcept {
        return std::addressof(static_cast<detail::pooled<T>*>(leaked)->value);
    }
    static void end(void* leaked) noexcept { loan(static_cast<detail::pooled<T>*>(leaked)).end(); }

private:
    friend class pool<T>;
    explicit loan(detail::pooled<T>* node) noexcept : node_(node) {}

    detail::pooled<T>* node_ = nullptr;
};

namespace detail {

template <class T>
inline constexpr bool shows_its_value<loan<T>> = true;

} // namespace detail

// How many idle objects a pool keeps at most. At most half of them are in thread caches, up to 32 in each.
struct pool_budget {
    // Idle objects, at most.
    std::size_t objects = 1024;

    // No limit: the pool keeps all that come back.
    [[nodiscard]] static constexpr pool_budget unlimited() noexcept {
        return {std::numeric_limits<std::size_t>::max()};
    }
};

// A snapshot. On loan at that instant: made - ended - idle.
struct pool_statistics {
    std::uint64_t made = 0;  // objects that the factory made since the pool began
    std::uint64_t ended = 0; // of these, destroyed: trimmed, over budget, refused by the hook, or discarded
    std::size_t idle = 0;    // objects that wait now
    std::size_t old = 0;     // of these, what the next trim() drops
};

// Lends objects of T. Taking an idle one and returning it to the same thread takes no lock.
template <class T>
class pool {
    static_assert(std::is_object_v<T> && !std::is_const_v<T>);

public:
    // What take() returns.
    using loan_type = loan<T>;

    // Makes objects as T().
    template <std::default_initializable Made = T>
    explicit pool(pool_budget budget = {}) : pool([] { return Made(); }, budget) {}

    // `make()` gives a T, or what a T is constructed from. It runs on the thread that takes, outside every
    // lock.
    template <detail::callable Make>
    explicit pool(Make make, pool_budget budget = {})
        : core_(new hooks<Make, no_reset>(std::move(make), no_reset{}, budget)) {}

    // `reset(T&)` prepares a returned object for its next user. It runs on the thread that returns, outside
    // every lock; when it throws, or returns false, the object is destroyed. Hooks live until the last loan
    // has ended; what they refer to must live as long.
    template <detail::callable Make, detail::callable<T&> Reset>
    pool(Make make, Reset reset, pool_budget budget = {})
        : core_(new hooks<Make, Reset>(std::move(make), std::move(reset), budget)) {}

    pool(const pool&) = delete;
    pool& operator=(const pool&) = delete;
    ~pool() {
        IBID_ASSERT(core_ != nullptr, "this pool was destroyed before");
        core_->close();
#if defined(IBID_ASSERTIONS)
        *const_cast<core* volatile*>(&core_) = nullptr;
#endif
    }

    // An idle object, or a new one. Throws what `make` and T's constructor throw, and bad_alloc.
    [[nodiscard]] loan<T> take() {
        if (detail::pool_node* const n = alive().take()) {
            auto* const idle = static_cast<detail::pooled<T>*>(n);
            IBID_ALLOW(std::addressof(idle->value), idle->size());
            return loan<T>(idle);
        }
        return loan<T>(alive().make());
    }

    // Drops the objects that have been idle since the previous trim. So regular calls drop what nobody used
    // between two calls, and two calls in a row drop everything. Returns how many objects it destroyed.
    std::size_t trim() noexcept {
        return alive().trim();
    }

    // Drops everything idle. What the destructors return to the pool is idle afterwards.
    std::size_t clear() noexcept {
        return alive().clear();
    }

    // How many objects there are. Any thread; exact while no other thread uses the pool.
    [[nodiscard]] pool_statistics statistics() const noexcept {
        const detail::pool_core::count c = alive().counts();
        return {c.made, c.ended, c.idle, c.old};
    }

private:
    struct no_reset {
        void operator()(T&) const noexcept {}
    };

    class core : public detail::pool_core {
    public:
        using detail::pool_core::pool_core;
        [[nodiscard]] virtual detail::pooled<T>* make() = 0;
    };

    template <class Make, class Reset>
    class hooks final : public core {
        static constexpr bool makes = detail::maker_of<Make, T>; // not a concept: a shorter error
        static_assert(
            makes, "ibid: the pool's make() must return a T, or what a T is constructed from without a loss");
        using answer = std::remove_cvref_t<detail::result_of_call<Reset&, T&>>;
        static_assert(
            std::is_void_v<answer> || std::is_same_v<answer, bool>,
            "ibid: the pool's reset() must return nothing, or a bool: whether the pool keeps the object");

    public:
        hooks(Make make, Reset reset, pool_budget budget)
            : core(budget.objects, watches || !std::is_same_v<Reset, no_reset>,
                   !std::is_trivially_destructible_v<T>),
              make_(std::move(make)), reset_(std::move(reset)) {}

        [[nodiscard]] detail::pooled<T>* make() override {
            struct guard {
                hooks* to_undo;
                ~guard() {
                    if (to_undo != nullptr) {
                        to_undo->not_made();
                    }
                }
            } failed{this};
            this->making();
            auto* const n = new detail::pooled<T>(*this, make_);
            this->made();
            failed.to_undo = nullptr;
            return n;
        }

    private:
        bool reset(detail::pool_node& n) noexcept override {
            IBID_TRY {
                auto& returned = static_cast<detail::pooled<T>&>(n);
                T& value = returned.value;
                bool keeps = true;
                if constexpr (std::is_same_v<answer, bool>) {
                    keeps = reset_(value);
                } else {
                    reset_(value);
                }
                IBID_FORBID(std::addressof(value), returned.size());
                return keeps;
            }
            IBID_CATCH(...) {
                return false;
            }
        }
        void dispose(detail::pool_node* n) noexcept override {
            auto* const ends = static_cast<detail::pooled<T>*>(n);
            IBID_ALLOW(std::addressof(ends->value), ends->size());
            delete ends;
        }

#if defined(IBID_WATCHES_MEMORY)
        static constexpr bool watches = true; // reset() makes idle objects unusable
#else
        static constexpr bool watches = false;
#endif

        [[no_unique_address]] Make make_;
        [[no_unique_address]] Reset reset_;
    };

    [[nodiscard]] core& alive() const noexcept {
        IBID_ASSERT(core_ != nullptr, "this pool was destroyed: its loans outlive it, but nothing else does");
        return *core_;
    }

    core* core_; // closed, not deleted, by the destructor: loans that have not ended keep it
};

} // namespace layout_1
} // namespace ibid
