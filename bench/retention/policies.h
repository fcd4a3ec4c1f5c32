// SPDX-License-Identifier: Apache-2.0
//
// Replacement policies of one queue: FIFO, LRU, CLOCK, SIEVE.
//
// Law, also for the policies in the other files: access(r) returns whether the key of `r` was kept, and from
// then on keeps it if the policy so decides; never more than `capacity` keys are kept. Keys are numbers below
// `keys`. A policy decides before the next request. (Only the optimum gets all requests in advance.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <vector>

namespace bench_retention {

struct request {
    std::uint32_t key;
    bool verifies; // for a certificate: its chain verifies; known only after the access
};

// The order of one queue, with the newest key in front, and the position of each key.
class queue {
public:
    using place = std::list<std::uint32_t>::iterator;

    explicit queue(std::size_t keys) : where_(keys, order_.end()) {}
    queue(const queue&) = delete;
    queue& operator=(const queue&) = delete;

    [[nodiscard]] std::size_t size() const { return order_.size(); }
    [[nodiscard]] bool has(std::uint32_t key) const { return where_[key] != place_of_none(); }
    [[nodiscard]] std::uint32_t oldest() const { return order_.back(); }
    [[nodiscard]] place oldest_place() { return std::prev(order_.end()); }
    [[nodiscard]] place newest_place() { return order_.begin(); }

    void add(std::uint32_t key) { where_[key] = order_.insert(order_.begin(), key); }
    void remove(std::uint32_t key) {
        order_.erase(where_[key]);
        where_[key] = order_.end();
    }
    void renew(std::uint32_t key) { order_.splice(order_.begin(), order_, where_[key]); }

private:
    [[nodiscard]] std::list<std::uint32_t>::const_iterator place_of_none() const { return order_.end(); }

    std::list<std::uint32_t> order_;
    std::vector<place> where_;
};

// Evicts the oldest key, whatever hits it had.
class fifo {
public:
    fifo(std::size_t capacity, std::size_t keys) : capacity_(capacity), queue_(keys) {}

    bool access(request r) {
        if (queue_.has(r.key)) {
            return true;
        }
        if (queue_.size() == capacity_) {
            queue_.remove(queue_.oldest());
        }
        queue_.add(r.key);
        return false;
    }

private:
    std::size_t capacity_;
    queue queue_;
};

// Evicts the least recently used key. Each hit writes to the order, which all threads share.
class lru {
public:
    lru(std::size_t capacity, std::size_t keys) : capacity_(capacity), queue_(keys) {}

    bool access(request r) {
        if (queue_.has(r.key)) {
            queue_.renew(r.key);
            return true;
        }
        if (queue_.size() == capacity_) {
            queue_.remove(queue_.oldest());
        }
        queue_.add(r.key);
        return false;
    }

private:
    std::size_t capacity_;
    queue queue_;
};

// As in Corbató's paper of 1968, also known as second chance: a hit marks a key. The oldest key is evicted,
// unless it is marked: then it loses the mark and becomes the newest.
class textbook_clock {
public:
    textbook_clock(std::size_t capacity, std::size_t keys)
        : capacity_(capacity), queue_(keys), marked_(keys) {}

    bool access(request r) {
        if (queue_.has(r.key)) {
            marked_[r.key] = true;
            return true;
        }
        if (queue_.size() == capacity_) {
            while (marked_[queue_.oldest()]) {
                marked_[queue_.oldest()] = false;
                queue_.renew(queue_.oldest());
            }
            queue_.remove(queue_.oldest());
        }
        queue_.add(r.key);
        return false;
    }

private:
    std::size_t capacity_;
    queue queue_;
    std::vector<bool> marked_;
};

// Zhang, Yang, Yue, Vigfusson, Rashmi: SIEVE is simpler than LRU (NSDI 2024), algorithm 1. Marks like CLOCK,
// but the hand moves and the keys keep their positions, so the hand soon examines new keys, which enter at
// the front.
class sieve {
public:
    sieve(std::size_t capacity, std::size_t keys) : capacity_(capacity), queue_(keys), marked_(keys) {}

    bool access(request r) {
        if (queue_.has(r.key)) {
            marked_[r.key] = true;
            return true;
        }
        if (queue_.size() == capacity_) {
            evict();
        }
        queue_.add(r.key);
        return false;
    }

private:
    void evict() {
        queue::place at = hand_is_set_ ? hand_ : queue_.oldest_place();
        const auto newer = [&](queue::place p) {
            return p == queue_.newest_place() ? queue_.oldest_place() : std::prev(p);
        };
        while (marked_[*at]) {
            marked_[*at] = false;
            at = newer(at);
        }
        hand_is_set_ = at != queue_.newest_place();
        hand_ = hand_is_set_ ? std::prev(at) : at;
        queue_.remove(*at);
    }

    std::size_t capacity_;
    queue queue_;
    std::vector<bool> marked_;
    queue::place hand_{};
    bool hand_is_set_ = false; // otherwise it starts at the oldest key
};

} // namespace bench_retention
