// SPDX-License-Identifier: Apache-2.0
//
// Idle objects in two generations, as singly linked lists that need no memory of their own.
//
// Law: what is put here is fresh; rotate() gives out what was old and makes old what was fresh. So an object goes only
// when it lay idle from one rotation to the one after the next, and one trim never empties a pool that is in use.
#pragma once

#include <cstddef>
#include <utility>

namespace ibid::detail {

class pool_core;

// What stands before every object of a pool. It keeps its core alive: see pool_core.
struct pool_node {
    pool_core* const core;
    pool_node* next = nullptr;

    explicit pool_node(pool_core& c) noexcept : core(&c) {}
};

class pool_list {
public:
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] pool_node* front() const noexcept { return front_; }

    void push(pool_node* n) noexcept {
        n->next = front_;
        front_ = n;
        ++size_;
    }

    [[nodiscard]] pool_node* pop() noexcept {
        pool_node* const n = front_;
        if (n != nullptr) {
            front_ = n->next;
            --size_;
        }
        return n;
    }

    // The `n` that were put here first, or all when there are fewer: the ones whose memory is coldest.
    [[nodiscard]] pool_list cut_oldest(std::size_t n) noexcept {
        if (n >= size_) {
            return std::exchange(*this, {});
        }
        pool_list cut;
        if (n != 0) {
            pool_node* last = front_;
            for (std::size_t kept = size_ - n; kept > 1; --kept) {
                last = last->next;
            }
            cut.front_ = std::exchange(last->next, nullptr);
            cut.size_ = n;
            size_ -= n;
        }
        return cut;
    }

    // The `n` that were put here last, or all when there are fewer.
    [[nodiscard]] pool_list cut_newest(std::size_t n) noexcept {
        pool_list rest = cut_oldest(size_ - (n < size_ ? n : size_));
        std::swap(rest, *this);
        return rest;
    }

    // Walks `other`, so give the shorter one.
    void splice(pool_list other) noexcept {
        if (front_ == nullptr || other.front_ == nullptr) {
            *this = front_ == nullptr ? other : *this;
            return;
        }
        pool_node* last = other.front_;
        while (last->next != nullptr) {
            last = last->next;
        }
        last->next = front_;
        front_ = other.front_;
        size_ += other.size_;
    }

private:
    pool_node* front_ = nullptr;
    std::size_t size_ = 0;
};

class pool_shelf {
public:
    [[nodiscard]] std::size_t size() const noexcept { return fresh_.size() + old_.size(); }
    [[nodiscard]] std::size_t old() const noexcept { return old_.size(); }

    void push(pool_node* n) noexcept { fresh_.push(n); }
    [[nodiscard]] pool_node* pop() noexcept {
        pool_node* const n = fresh_.pop();
        return n != nullptr ? n : old_.pop();
    }

    [[nodiscard]] pool_list rotate() noexcept { return std::exchange(old_, std::exchange(fresh_, {})); }

    // The `n` that will be missed least; each stays in its generation.
    [[nodiscard]] pool_shelf cut_oldest(std::size_t n) noexcept {
        pool_shelf cut;
        cut.old_ = old_.cut_oldest(n);
        cut.fresh_ = fresh_.cut_oldest(n - cut.old_.size());
        return cut;
    }

    // Up to `n` fresh ones. Old ones are handed out one by one (pop), so that demand, not bulk, decides what survives.
    [[nodiscard]] pool_list cut_fresh(std::size_t n) noexcept { return fresh_.cut_newest(n); }

    void put(pool_list fresh) noexcept { fresh_.splice(fresh); }
    void put(pool_shelf other) noexcept {
        fresh_.splice(other.fresh_);
        old_.splice(other.old_);
    }

    // Everything, as one list.
    [[nodiscard]] pool_list clear() noexcept {
        pool_list all = std::exchange(fresh_, {});
        all.splice(std::exchange(old_, {}));
        return all;
    }

private:
    pool_list fresh_;
    pool_list old_;
};

} // namespace ibid::detail
