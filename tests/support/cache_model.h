// SPDX-License-Identifier: Apache-2.0
//
// The sequential model of one key of a cache, with which recorded histories are compared. Keys do not
// influence each other, and linearizability is local (Herlihy and Wing, 1990), so each key's history is
// checked by itself. A trim is two operations on each key: it takes the retained entry, and then drops it. In
// between, another trim finds nothing, and a hit may retain the entry again.
#pragma once

#include <compare>
#include <cstdint>
#include <ostream>
#include <vector>

namespace ibid::testing {

struct cache_operation {
    enum kind { intern, failed_intern, find, clone, drop, lock, trim_takes, trim_lets_go };

    kind what;
    std::uint64_t value; // the serial number of the value that was obtained, cloned, dropped or read; 0: none
    bool made = false;   // intern: by the caller's own make
    bool answer = true;  // lock: it returned a handle
    bool ended = false;  // the key's value was destroyed during this call, on this thread
};

inline std::ostream& operator<<(std::ostream& out, const cache_operation& o) {
    static constexpr const char* names[] = {"intern", "failed intern", "find",       "clone",
                                            "drop",   "lock",          "trim takes", "trim lets go"};
    out << names[o.what] << " #" << o.value << (o.made ? " made" : "");
    if (o.what == cache_operation::lock) {
        out << (o.answer ? " got it" : " got nothing");
    }
    return out << (o.ended ? " ended" : "");
}

struct cache_model {
    bool retains; // with an unlimited budget: an entry is kept until it is trimmed

    struct state {
        std::uint64_t value = 0; // the current value; 0: none
        std::uint32_t handles = 0;
        bool kept = false;
        std::uint8_t taken = 0;      // trims that have taken the entry and not yet dropped it
        std::uint8_t found_none = 0; // trims that have found nothing to take, and have not ended
        friend auto operator<=>(const state&, const state&) = default;
    };

    [[nodiscard]] std::vector<state> after(const state& s, const cache_operation& o) const {
        if (o.ended && o.what != cache_operation::drop && o.what != cache_operation::trim_lets_go) {
            return {}; // a value ends in the call that drops it, and in no other
        }
        switch (o.what) {
        case cache_operation::intern:
            if (!o.made) {
                return hit(s, o.value);
            }
            [[fallthrough]];
        case cache_operation::failed_intern: // make was called, so there was no value
            if (s.value != 0) {
                return {};
            }
            return {o.made ? state{o.value, 1, retains, s.taken, s.found_none} : s};
        case cache_operation::find:
            if (o.value == 0) {
                return s.value == 0 ? std::vector<state>{s} : std::vector<state>{};
            }
            return hit(s, o.value);
        case cache_operation::clone:
            return s.value == o.value && s.handles > 0 ? one_more(s) : std::vector<state>{};
        case cache_operation::lock:
            if (!o.answer) {
                return s.value != o.value ? std::vector<state>{s} : std::vector<state>{};
            }
            return s.value == o.value ? one_more(s) : std::vector<state>{};
        case cache_operation::drop:
            if (s.value != o.value || s.handles == 0) {
                return {};
            }
            return end_if_unheld({s.value, s.handles - 1, s.kept, s.taken, s.found_none}, o.ended);
        case cache_operation::trim_takes:
            return take(s);
        case cache_operation::trim_lets_go:
            return let_go(s, o.ended);
        }
        return {};
    }

private:
    // After a trim, a hit on an entry that handles held may retain the entry again: retention is best effort.
    [[nodiscard]] std::vector<state> hit(const state& s, std::uint64_t value) const {
        if (s.value != value) {
            return {};
        }
        std::vector<state> next = one_more(s);
        if (retains && !s.kept) {
            next.push_back(next.front());
            next.back().kept = true;
        }
        return next;
    }
    [[nodiscard]] static std::vector<state> one_more(state s) {
        ++s.handles;
        return {s};
    }

    [[nodiscard]] static std::vector<state> take(const state& s) {
        state found_none = s;
        ++found_none.found_none;
        if (!s.kept) {
            return {found_none};
        }
        state taken = s;
        taken.kept = false;
        ++taken.taken;
        std::vector<state> next{taken};
        if (s.handles > 0) {
            next.push_back(
                found_none); // a hit that began earlier retains it in its second half, after the trim
        }
        return next;
    }

    [[nodiscard]] static std::vector<state> let_go(const state& s, bool ended) {
        std::vector<state> next;
        if (s.taken > 0) {
            state left = s;
            --left.taken;
            next = end_if_unheld(left, ended);
        }
        if (s.found_none > 0 && !ended) {
            next.push_back(s);
            --next.back().found_none;
        }
        return next;
    }

    // The value ends exactly when nothing holds it: not later, and not on another thread.
    [[nodiscard]] static std::vector<state> end_if_unheld(const state& s, bool ended) {
        const bool ends = s.value != 0 && s.handles == 0 && !s.kept && s.taken == 0;
        if (ends != ended) {
            return {};
        }
        return {ends ? state{0, 0, false, 0, s.found_none} : s};
    }
};

} // namespace ibid::testing
