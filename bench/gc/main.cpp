// SPDX-License-Identifier: Apache-2.0
//
// bench_gc compares: tokens that are made, dropped, found unreachable and finalized, with the collector's
// bare allocation; and buffers that the collector returns to a pool, with buffers that it allocates.
// docs/collectors.md and docs/pool.md have figures.
//
// Law: a figure includes the cost of collection. Every run ends with a full collection and its finalizers,
// which are part of the measured time.
#include <array>
#include <atomic>
#include <cstddef>
#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ibid/cache.h"
#include "ibid/gc.h"
#include "ibid/pool.h"

#include <gc/gc_disclaim.h>

#include "pool/buffers.h"
#include "pool/turns.h"

namespace {

using bench_turns::cell;
using bench_turns::plan;

using table = ibid::cache<int, std::string>;

// Keeps the last thousand objects reachable, in the collector's memory; older ones are dropped.
class reachable {
public:
    reachable() : ring_(static_cast<void**>(GC_malloc_uncollectable(size * sizeof(void*)))) {}
    reachable(const reachable&) = delete;
    reachable& operator=(const reachable&) = delete;
    ~reachable() { GC_free(ring_); }
    void keep(void* p) noexcept { ring_[next_++ % size] = p; }

private:
    static constexpr std::size_t size = 1000;
    void** ring_;
    std::size_t next_ = 0;
};

// make() returns the address of a new object in the collector's heap.
template <class Make>
double collected(
    int threads, const plan& p, Make make, const std::function<void(long)>& prepare = [](long) {}) {
    const auto work = [&](long rounds) {
        reachable some;
        for (long i = 0; i < rounds; ++i) {
            some.keep(make());
        }
    };
    const auto on_all = [&](long rounds) {
        std::vector<std::thread> others;
        for (int t = 1; t < threads; ++t) {
            others.emplace_back([&] {
                const ibid::gc::thread known;
                work(rounds);
            });
        }
        work(rounds);
        for (std::thread& t : others) {
            t.join();
        }
        GC_gcollect();
    };
    return p.time(CLOCK_PROCESS_CPUTIME_ID, on_all, prepare) / (p.busy ? threads : 1);
}

void* address_of(const auto& token) {
    void* p = nullptr;
    static_assert(sizeof token == sizeof p);
    std::memcpy(&p, static_cast<const void*>(&token), sizeof p);
    return p;
}

// Without ibid's token: an object that holds a handle, with a finalizer.
void* by_hand(ibid::handle<std::string>&& h) {
    auto* const p =
        static_cast<ibid::handle<std::string>*>(GC_malloc_atomic(sizeof(ibid::handle<std::string>)));
    ::new (static_cast<void*>(p)) ibid::handle<std::string>(std::move(h));
    GC_register_finalizer_no_order(
        p, [](void* object, void*) { std::destroy_at(static_cast<ibid::handle<std::string>*>(object)); },
        nullptr, nullptr, nullptr);
    return p;
}

// The collector's cheaper finalization. It is called in the sweep, under the collector's lock, where an
// arbitrary destructor must not run; and it is not called while most of a block is alive. It is here to show
// the lowest possible cost of finalization.
void* disclaimed(ibid::handle<std::string>&& h) {
    static const GC_finalizer_closure closure{
        [](void* object, void*) { std::destroy_at(static_cast<ibid::handle<std::string>*>(object)); },
        nullptr};
    auto* const p = static_cast<ibid::handle<std::string>*>(
        GC_finalized_malloc(sizeof(ibid::handle<std::string>), &closure));
    ::new (static_cast<void*>(p)) ibid::handle<std::string>(std::move(h));
    return p;
}

// Handles that already exist, as after a lookup. Each thread has 64 names of its own, because otherwise the
// run would measure two threads that change the same count.
class prepared {
public:
    void fill(int threads, long rounds) {
        constexpr std::size_t many = 64;
        for (int t = 0; t < threads; ++t) {
            std::vector<ibid::handle<std::string>> names;
            for (std::size_t i = 0; i < many; ++i) {
                names.push_back(
                    table_.intern(t * static_cast<int>(many) + static_cast<int>(i), [] { return "value"; }));
            }
            auto& of_thread = handles_[static_cast<std::size_t>(t)];
            of_thread.clear();
            for (std::size_t i = 0; i < static_cast<std::size_t>(rounds); ++i) {
                of_thread.push_back(names[i % many]);
            }
        }
        threads_ = 0;
        ++filled_;
    }
    // Returns each handle of the calling thread once. The first thread that calls gets the first set, and so
    // on.
    [[nodiscard]] ibid::handle<std::string>&& next() {
        thread_local int filling = 0;
        thread_local std::vector<ibid::handle<std::string>>::iterator at;
        if (filling != filled_) {
            filling = filled_;
            at = handles_[static_cast<std::size_t>(threads_.fetch_add(1))].begin();
        }
        return std::move(*at++);
    }

private:
    table table_;
    std::array<std::vector<ibid::handle<std::string>>, 2> handles_;
    std::atomic<int> threads_{0};
    int filled_ = 0; // written while no other thread runs
};

cell tokens(int threads) {
    static prepared handles;
    const auto bare = [threads](auto make) {
        return [=](const plan& p) { return collected(threads, p, make); };
    };
    const auto of_a_handle = [threads](auto make) {
        return [=](const plan& p) {
            return collected(threads, p, make, [threads](long rounds) { handles.fill(threads, rounds); });
        };
    };
    return {
        "A token: made of a handle, dropped, found dead, let go; " + std::to_string(threads) +
            (threads == 1 ? " thread" : " threads"),
        {
            {.name = "ibid::gc::make_active(std::move(handle))",
             .run = of_a_handle([] { return address_of(ibid::gc::make_active(handles.next())); })},
            {.name = "the same, of a copy of the handle", .run = of_a_handle([] {
                                                              const ibid::handle<std::string> h =
                                                                  handles.next();
                                                              return address_of(ibid::gc::make_active(h));
                                                          })},
            {.name = "bare GC_malloc of a word",
             .run = bare([] { return GC_malloc(sizeof(void*)); }),
             .limit = 2},
            {.name = "bare GC_malloc_atomic of a word",
             .run = bare([] { return GC_malloc_atomic(sizeof(void*)); }),
             .limit = 2},
            {.name = "by hand: GC_register_finalizer_no_order",
             .run = of_a_handle([] { return by_hand(handles.next()); })},
            {.name = "GC_finalized_malloc", .run = of_a_handle([] { return disclaimed(handles.next()); })},
        }};
}

template <class Buffer>
cell loans(const std::string& buffer) {
    using bench_pool::use;
    struct sources {
        ibid::pool<Buffer> pool{[] { return Buffer(); }, ibid::pool_budget::unlimited()};
    };
    static sources from;
    const auto in_collector = [](auto make) { return [=](const plan& p) { return collected(1, p, make); }; };
    return {buffer + ": had, used, and left to somebody else to free",
            {
                {.name = "ibid::gc::take(pool), dropped", .run = in_collector([] {
                                                              const auto l = ibid::gc::take(from.pool);
                                                              use(*l);
                                                              return address_of(l);
                                                          })},
                {.name = "ibid::gc::take(pool), released early", .run = in_collector([] {
                                                                     const auto l = ibid::gc::take(from.pool);
                                                                     use(*l);
                                                                     l.release();
                                                                     return address_of(l);
                                                                 })},
                {.name = "ibid::pool, a loan in a scope",
                 .run =
                     [](const plan& p) {
                         return p.time(CLOCK_PROCESS_CPUTIME_ID, [](long rounds) {
                             for (long i = 0; i < rounds; ++i) {
                                 const auto l = from.pool.take();
                                 use(*l);
                             }
                         });
                     }},
                {.name = "new/delete",
                 .run =
                     [](const plan& p) {
                         return p.time(CLOCK_PROCESS_CPUTIME_ID, [](long rounds) {
                             for (long i = 0; i < rounds; ++i) {
                                 const auto l = std::make_unique<Buffer>();
                                 use(*l);
                             }
                         });
                     }},
                {.name = "GC_malloc_atomic", .run = in_collector([] {
                                                 auto* const b =
                                                     ::new (GC_malloc_atomic(sizeof(Buffer))) Buffer();
                                                 use(*b);
                                                 return static_cast<void*>(b);
                                             })},
            }};
}

} // namespace

int main(int argc, char** argv) {
    ibid::gc::start();
    GC_init_finalized_malloc();
    return bench_turns::run(argc, argv, "Tokens and collected loans, against the bare collector.", [] {
        return std::vector<cell>{
            tokens(1),
            tokens(2),
            loans<bench_pool::raw<64>>("64 B"),
            loans<bench_pool::raw<65536>>("64 KB"),
            loans<bench_pool::zeroed<65536>>("64 KB, zeroed"),
        };
    });
}
