// SPDX-License-Identifier: Apache-2.0
//
// Who has a shared certificate, in a program that may attach data to it (X509_set_ex_data): no owner; one
// owner, with a count of its users; or one owner permanently.
//
// Law: a certificate never has two owners. An owner is a session, with all of its copies, or a trust store. A
// lease that is not returned stays. The last owner stays known until another takes the certificate, because
// the program may still have the pointer.
//
// Thread safety: all functions, from any thread and from signal handlers: one word, no lock, no memory.
// Relaxed: every caller has the certificate, whose contents were published with it.
#pragma once

#include <atomic>
#include <cstdint>

namespace ibid::openssl {

// 0: nobody that is known. An id has 44 bits.
using owner_id = std::uint64_t;

class lease {
public:
    // One user more; false: another owner has it.
    [[nodiscard]] bool take(owner_id who) noexcept {
        return change([&](std::uint64_t& word) {
            if (who == 0 || ((word & users) != 0 && owner_in(word) != fit(who))) {
                return false;
            }
            word = fit(who) | (more(word) & users);
            return true;
        });
    }
    // From now on `who` has it permanently; false: another owner has it, or had it last.
    [[nodiscard]] bool keep(owner_id who) noexcept {
        return change([&](std::uint64_t& word) {
            if (who == 0 || (word != 0 && owner_in(word) != fit(who))) {
                return false;
            }
            word = fit(who) | users;
            return true;
        });
    }
    // The same for the current or last owner. If there was none, nobody gets it any more.
    void keep() noexcept {
        (void)change([](std::uint64_t& word) {
            word |= users;
            return true;
        });
    }
    // The same, but if there was none, this does nothing.
    void keep_if_known() noexcept {
        (void)change([](std::uint64_t& word) {
            word |= word != 0 ? users : 0;
            return true;
        });
    }
    [[nodiscard]] bool is_of(owner_id who) const noexcept {
        const std::uint64_t word = word_.load(std::memory_order_relaxed);
        return who != 0 && (word & users) != 0 && owner_in(word) == fit(who);
    }

    // The user takes a reference more, or gives one back.
    void add() noexcept {
        (void)change([](std::uint64_t& word) {
            word = word != 0 ? more(word) : 0;
            return true;
        });
    }
    void drop() noexcept {
        (void)change([](std::uint64_t& word) {
            const std::uint64_t count = word & users;
            word = count == 0 || count == users ? word : word - 1;
            return true;
        });
    }

private:
    static constexpr unsigned owner_shift = 20;
    static constexpr std::uint64_t users = (std::uint64_t{1} << owner_shift) - 1; // all ones: for good

    [[nodiscard]] static std::uint64_t fit(owner_id who) noexcept { return who << owner_shift; }
    [[nodiscard]] static std::uint64_t owner_in(std::uint64_t word) noexcept { return word & ~users; }
    [[nodiscard]] static std::uint64_t more(std::uint64_t word) noexcept {
        return (word & users) == users ? word : word + 1;
    }
    template <class Change>
    bool change(Change change) noexcept {
        std::uint64_t before = word_.load(std::memory_order_relaxed);
        for (;;) {
            std::uint64_t after = before;
            if (!change(after)) {
                return false;
            }
            if (after == before || word_.compare_exchange_weak(before, after, std::memory_order_relaxed)) {
                return true;
            }
        }
    }

    std::atomic<std::uint64_t> word_{0};
};

} // namespace ibid::openssl
