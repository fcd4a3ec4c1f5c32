// SPDX-License-Identifier: Apache-2.0
//
// A handle that threads read and replace without a lock: to publish the newest snapshot of something.
//
// Law: load() gives the handle that was stored last. The value ends when its last handle goes (this object
// counts as one), at once and on the thread that drops it.
//
//     ibid::atomic_handle<configuration> current(config);
//     ibid::handle<configuration> seen = current.load();    // any thread; *seen stays as long as it is held
//     current.store(nullptr);                                // any thread
//     assert(seen == config);
//
// The members are those of std::atomic<std::shared_ptr<T>>, and all of them are sequentially consistent.
//
// How it works. One word holds the value's address and a number: how many references to the value this object
// has in stock. A store adds 255 references. A load takes one of them by one compare-exchange of the word and
// does not touch the value: while more than the last reference is in stock, the value lives. A load that
// leaves less than half of the stock adds 128 references; it may do so because it holds a handle by then. A
// thread that replaces the word owns the rest of the old stock and drops it. ABA is harmless: if the same
// value was stored again in between, references to it are interchangeable, and no other value has this
// address while a reference to this one is held. models/atomic_handle.pml checks all interleavings.
//
// No thread waits for another, with one exception: a load() that finds the last reference. This takes 127
// threads that are all stopped between taking their reference and adding new ones. (Seven and three instead
// of 255 and 127 with IBID_SLOT_TAG_BITS 0, where an address leaves three bits.)
//
// Limits: a value may be in four million atomic_handles at once.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <utility>

#include "ibid/detail/base/sleepers.h"
#include "ibid/detail/base/slot_bits.h"
#include "ibid/detail/counting/references.h"
#include "ibid/handle.h"

namespace ibid {
inline namespace layout_1 {

// A handle to a T, or none, that any thread may read and replace at any time. One word; not copyable. No
// member throws.
template <class T>
class atomic_handle {
public:
    // What load() returns.
    using value_type = handle<T>;

    constexpr atomic_handle() noexcept = default;
    // Without a value: load() gives an empty handle. A constant expression, so that it may be a global.
    constexpr atomic_handle(std::nullptr_t) noexcept {
    } // NOLINT(google-explicit-constructor): as std::atomic<std::shared_ptr<T>>
    atomic_handle(const handle<T>& h) noexcept // NOLINT(google-explicit-constructor): likewise
        : word_(stock_of(h)) {}
    atomic_handle(const atomic_handle&) = delete;
    atomic_handle& operator=(const atomic_handle&) = delete;
    // As for any destructor: no other thread may use the object.
    ~atomic_handle() { drop(word_.load(std::memory_order_relaxed)); }

    // The handle that was stored last. One locked instruction; allocates nothing.
    [[nodiscard]] handle<T> load() const noexcept {
        for (std::uint64_t now = word_.load(); now != 0;) {
            const std::uint64_t left = left_in(now);
            if (left == 1) { // the last reference is never given out: the value would end under the word
                std::this_thread::yield();
                now = word_.load();
            } else if (word_.compare_exchange_weak(now, now - one)) {
                handle<T> taken = handle<T>::adopt(value_in(now));
                if (left - 1 <= most / 2) {
                    replenish(taken);
                }
                return taken;
            }
        }
        return nullptr;
    }
    // As load().
    [[nodiscard]] operator handle<T>() const noexcept {
        return load();
    } // NOLINT(google-explicit-constructor)

    // Replaces what is stored. What was there is dropped before the call returns, and its value ends here if
    // this was the last reference.
    void store(const handle<T>& desired) noexcept { drop(word_.exchange(stock_of(desired))); }
    // As store().
    void operator=(const handle<T>& desired) noexcept { store(desired); }
    void operator=(std::nullptr_t) noexcept { store(nullptr); }

    // Stores `desired` and returns the handle that was there.
    [[nodiscard]] handle<T> exchange(const handle<T>& desired) noexcept {
        const std::uint64_t before = word_.exchange(stock_of(desired));
        if (before == 0) {
            return nullptr;
        }
        drop(before, 1);
        return handle<T>::adopt(value_in(before));
    }

    // If `expected` is stored, replaces it by `desired`. Otherwise puts the stored handle into `expected`.
    // Does not fail spuriously.
    bool compare_exchange_strong(handle<T>& expected, const handle<T>& desired) noexcept {
        const std::uint64_t to = stock_of(desired);
        std::uint64_t now = word_.load();
        for (;;) {
            if (value_in(now) == expected.get()) {
                if (word_.compare_exchange_weak(now, to)) {
                    drop(now);
                    return true;
                }
            } else if (handle<T> other = load(); other == expected) {
                now = word_.load(); // it was stored meanwhile
            } else {
                drop(to);
                expected = std::move(other);
                return false;
            }
        }
    }
    // The same: this one does not fail spuriously either.
    bool compare_exchange_weak(handle<T>& expected, const handle<T>& desired) noexcept {
        return compare_exchange_strong(expected, desired);
    }

    // Waits until something other than `old` is stored. The storing thread must call notify_one() or
    // notify_all().
    void wait(const handle<T>& old) const noexcept {
        detail::sleepers& here = detail::sleepers::at(&word_);
        std::uint32_t turn = here.turn();
        for (; value_in(word_.load()) == old.get(); turn = here.turn()) {
            here.sleep(turn);
        }
    }
    // Wakes at least one waiting thread.
    void notify_one() noexcept { detail::sleepers::at(&word_).wake(); }
    // Wakes all waiting threads.
    void notify_all() noexcept { detail::sleepers::at(&word_).wake(); }

private:
    // The stock is above the address, in the bits that slots of the table use for tags; without tags, in the
    // lowest bits.
    static constexpr bool above = detail::slot_bits::tag_bits != 0;
    static constexpr unsigned shift = above ? detail::slot_bits::shift : 0;
    static constexpr std::uint32_t most = above ? 255 : detail::counted_in_bits;
    static constexpr std::uint64_t one = std::uint64_t{1} << shift;
    static constexpr std::uint64_t number = std::uint64_t{most} << shift;

    [[nodiscard]] static const T* value_in(std::uint64_t word) noexcept {
        return reinterpret_cast<const T*>(word & ~number);
    }
    [[nodiscard]] static std::uint32_t left_in(std::uint64_t word) noexcept {
        return static_cast<std::uint32_t>((word & number) >> shift);
    }

    // Takes a whole stock of references, all counted centrally; handles made from them record that.
    [[nodiscard]] static std::uint64_t stock_of(const handle<T>& h) noexcept {
        if (!h) {
            return 0;
        }
        detail::header_of(h.get()).acquire(most);
        return reinterpret_cast<std::uintptr_t>(h.get()) | number;
    }
    // Drops what is left of the stock in a word that has been replaced, except `kept` references.
    static void drop(std::uint64_t word, std::uint32_t kept = 0) noexcept {
        if (word != 0 && left_in(word) != kept) {
            detail::header_of(value_in(word)).release(left_in(word) - kept);
        }
    }

    void replenish(const handle<T>& held) const noexcept {
        constexpr std::uint32_t more = most / 2 + 1;
        detail::value_header& header = detail::header_of(held.get());
        header.acquire(more);
        for (std::uint64_t now = word_.load(); value_in(now) == held.get() && left_in(now) + more <= most;) {
            if (word_.compare_exchange_weak(now, now + more * one)) {
                return;
            }
        }
        header.release(more); // another thread was faster, or another value is stored
    }

    // Zero, or an address with its stock: from 1 to `most`. Changed by loads, too.
    mutable std::atomic<std::uint64_t> word_{0};
};

} // namespace layout_1
} // namespace ibid
