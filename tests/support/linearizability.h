// SPDX-License-Identifier: Apache-2.0
//
// Decides whether a history of concurrent operations is linearizable: whether each operation can be assigned
// one moment between its call and its return, such that in the order of these moments every result is correct
// for a sequential object.
//
// The search is Wing and Gong's (Testing and Verifying Concurrent Objects, 1993) with Lowe's memoization
// (Testing for Linearizability, 2017): among the operations that may come next, choose one that the model
// accepts, continue, and backtrack if that fails. Never examine the same set of completed operations with the
// same state twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

namespace ibid::testing {

// One operation: the times of its call and its return, by one clock for all threads, and its request and
// result.
template <class What>
struct recorded {
    std::uint64_t called;
    std::uint64_t returned;
    What what;
};

inline constexpr std::size_t longest_history = 64;

// Model: `state` (ordered, copied) and `std::vector<state> after(const state&, const What&)`: the states in
// which the object may be after an operation with that result; none: the result is wrong in that state.
template <class Model, class What>
[[nodiscard]] bool linearizable(const Model& model, typename Model::state initial,
                                const std::vector<recorded<What>>& history) {
    using state = typename Model::state;
    std::set<std::pair<std::uint64_t, state>> seen;
    std::vector<std::pair<std::uint64_t, state>> to_try{{0, std::move(initial)}};
    const std::uint64_t all =
        history.size() == longest_history ? ~std::uint64_t{0} : (std::uint64_t{1} << history.size()) - 1;
    while (!to_try.empty()) {
        const auto [done, now] = to_try.back();
        to_try.pop_back();
        if (done == all) {
            return true;
        }
        if (!seen.insert({done, now}).second) {
            continue;
        }
        // The next operation must have been called before the first return among the remaining ones.
        std::uint64_t first_return = ~std::uint64_t{0};
        for (std::size_t i = 0; i < history.size(); ++i) {
            if ((done >> i & 1) == 0 && history[i].returned < first_return) {
                first_return = history[i].returned;
            }
        }
        for (std::size_t i = 0; i < history.size(); ++i) {
            if ((done >> i & 1) == 0 && history[i].called < first_return) {
                for (state& next : model.after(now, history[i].what)) {
                    to_try.emplace_back(done | std::uint64_t{1} << i, std::move(next));
                }
            }
        }
    }
    return false;
}

} // namespace ibid::testing
