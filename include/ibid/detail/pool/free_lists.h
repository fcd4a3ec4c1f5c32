// SPDX-License-Identifier: Apache-2.0
//
// Idle objects in two generations, as singly linked lists that need no memory of their own.
//
// Law: what is put here is fresh; rotate() gives out what was old and makes old what was fresh. So an object goes only
// when it lay idle from one rotation to the one after the next, and one trim never empties a pool that is in use.
#pragma once

#include <cstddef>
#include <utility>

namespace ibid {
inline namespace layout_1 {
namespace detail {

class pool_core;

// What stands before every object of a pool. It keeps its core alive: see pool_core.
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

    // What was pushed last, or null.
    [[nodiscard]] pool_node* pop() noexcept {
        pool_node* const n = front_;
        if (n != nullptr) {
            front_ = n->next;
            --size_;
        }
        return n;
    }

    // Walks `other`, so give the shorter one.
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
    // Old ones are handed out one by one (pop), so that demand, not bulk, decides what survives.
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
