// SPDX-License-Identifier: Apache-2.0
//
// Ways to get a buffer for a while. Each has take(), whose result owns the buffer, returns it by operator*,
// and gives it back in its destructor.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#ifdef BENCH_POOL_BOOST
#include <boost/pool/object_pool.hpp>
#endif
#ifdef BENCH_POOL_TBB
#include <oneapi/tbb/scalable_allocator.h>
#endif

#include "ibid/pool.h"

namespace bench_pool {

template <class Buffer>
class ibid_pool {
public:
    static constexpr std::string_view name = "ibid::pool";
    [[nodiscard]] auto take() { return pool_.take(); }

private:
    ibid::pool<Buffer> pool_{[] { return Buffer(); }};
};

// No pool at all: the cost of only the use of a buffer.
template <class Buffer>
class only_buffer {
    struct nothing {
        void operator()(Buffer*) const noexcept {}
    };

public:
    static constexpr std::string_view name = "the use alone, of one buffer";
    [[nodiscard]] std::unique_ptr<Buffer, nothing> take() {
        return std::unique_ptr<Buffer, nothing>(&buffer_);
    }

private:
    Buffer buffer_;
};

template <class Buffer>
class heap {
public:
    static constexpr std::string_view name = "new/delete";
    [[nodiscard]] auto take() { return std::make_unique<Buffer>(); }
};

// A simple pool of ten lines: objects stay constructed, a mutex protects a vector of them.
template <class Buffer>
class free_list {
    struct give_back {
        free_list* home;
        void operator()(Buffer* b) const noexcept {
            const std::lock_guard lock(home->mutex_);
            home->idle_.emplace_back(b); // within the capacity, because at most 64 are held here
        }
    };

public:
    static constexpr std::string_view name = "free list under a mutex";

    free_list() { idle_.reserve(256); }
    [[nodiscard]] std::unique_ptr<Buffer, give_back> take() {
        {
            const std::lock_guard lock(mutex_);
            if (!idle_.empty()) {
                std::unique_ptr<Buffer, give_back> b(idle_.back().release(), give_back{this});
                idle_.pop_back();
                return b;
            }
        }
        return {new Buffer(), give_back{this}};
    }

private:
    std::mutex mutex_; // protects idle_
    std::vector<std::unique_ptr<Buffer>> idle_;
};

#ifdef BENCH_POOL_BOOST
// Constructs at each take and destroys at each return. With a mutex it supports several threads; without one,
// it shows the cost of a pool for a single thread.
struct no_mutex {
    void lock() noexcept {}
    void unlock() noexcept {}
};

template <class Buffer, class Mutex>
class boost_object_pool {
    struct destroy {
        boost_object_pool* home;
        void operator()(Buffer* b) const noexcept {
            const std::lock_guard lock(home->mutex_);
            home->pool_.destroy(b);
        }
    };

public:
    static constexpr bool guarded = std::is_same_v<Mutex, std::mutex>;
    static constexpr std::string_view name = guarded ? "boost::object_pool" : "boost::object_pool, no lock";

    [[nodiscard]] std::unique_ptr<Buffer, destroy> take() {
        const std::lock_guard lock(mutex_);
        return {pool_.construct(), destroy{this}};
    }

private:
    Mutex mutex_; // protects pool_
    boost::object_pool<Buffer> pool_;
};
#endif

#ifdef BENCH_POOL_TBB
template <class Buffer>
class tbb_scalable {
    struct destroy {
        void operator()(Buffer* b) const noexcept {
            std::destroy_at(b);
            scalable_free(b);
        }
    };

public:
    static constexpr std::string_view name = "oneTBB scalable_malloc";

    [[nodiscard]] std::unique_ptr<Buffer, destroy> take() {
        void* const memory = scalable_malloc(sizeof(Buffer));
        return std::unique_ptr<Buffer, destroy>(memory != nullptr ? new (memory) Buffer()
                                                                  : throw std::bad_alloc());
    }
};
#endif

} // namespace bench_pool
