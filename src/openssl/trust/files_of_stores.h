// SPDX-License-Identifier: Apache-2.0
//
// Which parsed files each trust store was loaded from. A store holds handles to its files, so they live as
// long as the store.
//
// Laws:
//  - A store is known by its address. Nothing is written into a store or read from it: its ex_data has no
//    lock, and the program may be using it.
//  - If OpenSSL does not report a store's end, its files stay in memory; nothing else follows.
//  - Memory is allocated, and handles are released, outside of the lock.
#pragma once

#include <openssl/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "ibid/handle.h"
#include "openssl/binding/unwaited_mutex.h"

namespace ibid::openssl {

// File: the parsed file.
template <class File>
class files_of_stores {
public:
    // A program may load new files into a store for ever (a CRL each hour). The store keeps their objects, as
    // in stock, but only this many files.
    static constexpr int most_files = 32;

    files_of_stores() : table_(fewest_buckets) {}
    files_of_stores(const files_of_stores&) = delete;
    files_of_stores& operator=(const files_of_stores&) = delete;

    // `store` is loaded from `file` now. Throws bad_alloc.
    // noinline: OpenSSL runs on the caller's stack.
    [[gnu::noinline]] void hold(const X509_STORE* store, const handle<File>& file) {
        list gone;
        auto fresh = std::make_unique<node>(store, file);
        make_room();
        const unwaited_lock lock(mutex_);
        if (!lock) {
            throw std::bad_alloc();
        }
        node*& first = table_.of(store);
        int count = 0;
        for (node** at = &first; *at != nullptr;) {
            node* const n = *at;
            if (n->store == store && n->file == file) { // loaded again: one handle is enough
                gone.add(fresh.release());
                return;
            }
            if (n->store == store && ++count == most_files) { // the oldest: the latest stands first
                *at = n->next;
                gone.add(n);
                set_size(size() - 1);
                break;
            }
            at = &n->next;
        }
        fresh->next = first;
        first = fresh.release();
        set_size(size() + 1);
    }

    // Whether `store` was loaded from any file here.
    [[nodiscard]] bool has(const X509_STORE* store) noexcept {
        if (size() == 0) { // relaxed, as in let_go()
            return false;
        }
        const unwaited_lock lock(mutex_);
        const node* n = lock ? table_.of(store) : nullptr;
        while (n != nullptr && n->store != store) {
            n = n->next;
        }
        return n != nullptr;
    }

    // `store` ends, or has private objects now. Releases files that only this store has held.
    void let_go(const X509_STORE* store) noexcept {
        if (size() == 0) { // relaxed: a store is loaded before it is freed
            return;
        }
        list gone;
        const unwaited_lock lock(mutex_);
        if (!lock) {
            return; // its files stay
        }
        for (node** at = &table_.of(store); *at != nullptr;) {
            node* const n = *at;
            if (n->store == store) {
                *at = n->next;
                gone.add(n);
                set_size(size() - 1);
            } else {
                at = &n->next;
            }
        }
    }

    // How many pairs of a store and a file there are.
    [[nodiscard]] std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }

private:
    static constexpr std::size_t fewest_buckets = 16;

    struct node {
        const X509_STORE* store;
        handle<File> file;
        node* next = nullptr;
        node(const X509_STORE* s, const handle<File>& f) noexcept : store(s), file(f) {}
    };
    // Nodes that are freed with this object. It is declared before the lock, so it is destroyed after the
    // lock is released.
    struct list {
        node* first = nullptr;
        list() = default;
        list(const list&) = delete;
        list& operator=(const list&) = delete;
        ~list() {
            while (first != nullptr) {
                delete std::exchange(first, first->next);
            }
        }
        void add(node* n) noexcept { n->next = std::exchange(first, n); }
    };
    struct buckets {
        std::size_t count; // a power of two
        std::unique_ptr<node*[]> first;
        explicit buckets(std::size_t n) : count(n), first(std::make_unique<node*[]>(n)) {}

        [[nodiscard]] node*& of(const X509_STORE* store) const noexcept {
            constexpr std::uint64_t golden_ratio = 0x9e3779b97f4a7c15;
            return first[(reinterpret_cast<std::uintptr_t>(store) * golden_ratio >> 32) & (count - 1)];
        }
    };

    void set_size(std::size_t n) noexcept IBID_REQUIRES(mutex_) { size_.store(n, std::memory_order_relaxed); }

    // Keeps about one node in each bucket.
    void make_room() {
        const std::size_t count = bucket_count_.load(std::memory_order_relaxed);
        if (size() < count) {
            return;
        }
        buckets larger(count * 4);
        const unwaited_lock lock(mutex_);
        if (!lock || table_.count >= larger.count) {
            return; // another thread was faster
        }
        for (std::size_t i = 0; i < table_.count; ++i) {
            // From the last to the first, so that the nodes of a store keep their order.
            node* reversed = nullptr;
            for (node* n = table_.first[i]; n != nullptr;) {
                reversed = std::exchange(n, std::exchange(n->next, reversed));
            }
            while (reversed != nullptr) {
                node* const n = std::exchange(reversed, reversed->next);
                node*& first = larger.of(n->store);
                n->next = std::exchange(first, n);
            }
        }
        std::swap(table_, larger);
        bucket_count_.store(table_.count, std::memory_order_relaxed);
    }

    buckets table_ IBID_GUARDED_BY(mutex_);
    unwaited_mutex mutex_; // protects the nodes, too; no other lock is taken inside
    std::atomic<std::size_t> size_{0};
    std::atomic<std::size_t> bucket_count_{fewest_buckets};
};

} // namespace ibid::openssl
