// SPDX-License-Identifier: Apache-2.0
//
// The central free lists of a pool: idle objects in two generations, as intrusive singly linked lists.
//
// Invariant: what is pushed is fresh. rotate() removes the old generation, and makes the fresh one old. So an
// object is removed only if it was idle from one rotation to the second after it; a single trim never empties
// a pool that is in use.
//
// Thread safety: none.
#pragma once

#include <cstddef>
#include <utility>

namespace ibid {
inline namespace layout_1 {
namespace detail {

class pool_core;

// The header of every object of a pool. Keeps its core alive: see pool_core.
struct pool_node {
    pool_core* const core;
    pool_node* next = nullptr;

    explicit pool_node(pool_core& c) noexcept : core(&c) {}
};

class free_list {
public:
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    void push(pool_node* n) noexcept {
        n->next = front_;
        front_ = n;
        ++size_;
    }

    // The object that was pushed last, or null.
    [[nodiscard]] pool_node* pop() noexcept {
        pool_node* const n = front_;
        if (n != nullptr) {
            front_ = n->next;
            --size_;
        }
        return n;
    }

    // Linear in `other`: pass the shorter list.
    void splice(free_list other) noexcept {
        while (pool_node* const n = other.pop()) {
            push(n);
        }
    }

private:
    pool_node* front_ = nullptr;
    std::size_t size_ = 0;
};

class central_free_lists {
public:
    [[nodiscard]] std::size_t size() const noexcept { return fresh_.size() + old_.size(); }
    [[nodiscard]] std::size_t old() const noexcept { return old_.size(); }

    void push(pool_node* n) noexcept { fresh_.push(n); }
    void push(free_list some) noexcept { fresh_.splice(some); }

    [[nodiscard]] pool_node* pop() noexcept {
        pool_node* const n = fresh_.pop();
        return n != nullptr ? n : old_.pop();
    }
    // Batches come from the fresh generation. Old objects are handed out one by one (pop), so that demand
    // decides what survives.
    [[nodiscard]] pool_node* pop_fresh() noexcept { return fresh_.pop(); }

    [[nodiscard]] free_list rotate() noexcept { return std::exchange(old_, std::exchange(fresh_, {})); }

    // Everything, as one list.
    [[nodiscard]] free_list clear() noexcept {
        free_list all = rotate();
        all.splice(rotate());
        return all;
    }

private:
    free_list fresh_;
    free_list old_;
};

} // namespace detail
} // namespace layout_1
} // namespace ibid
