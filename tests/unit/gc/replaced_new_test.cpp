// SPDX-License-Identifier: Apache-2.0
//
// A program whose operator new allocates from the collector, like libgccpp: every allocation of the standard
// library may collect and run finalizers, and everything that it allocates is scanned.
#include <cstddef>
#include <functional>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <gc/gc.h>
#include <gtest/gtest.h>

#include "collected.h"
#include "ibid/cache.h"
#include "ibid/gc.h"

namespace {

bool restless = false; // each allocation collects, and runs finalizers: the worst case

void* from_collector(std::size_t size) {
    if (restless) {
        restless = false;
        GC_gcollect();
        GC_invoke_finalizers();
        restless = true;
    }
    return GC_malloc_uncollectable(size);
}

} // namespace

void* operator new(std::size_t size) {
    void* const p = from_collector(size);
    return p != nullptr ? p : throw std::bad_alloc();
}
void* operator new[](std::size_t size) {
    return operator new(size);
}
// The standard library's versions would call the two above; a sanitizer's do not.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return from_collector(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
    return from_collector(size);
}
void operator delete(void* p) noexcept {
    GC_free(p);
}
void operator delete[](void* p) noexcept {
    GC_free(p);
}
void operator delete(void* p, std::size_t) noexcept {
    GC_free(p);
}
void operator delete[](void* p, std::size_t) noexcept {
    GC_free(p);
}

namespace {

using ibid_test::by_accident;
using ibid_test::collect;
using ibid_test::elsewhere;
using ibid_test::many;

using table = ibid::cache<int, std::string, ibid::key_beside, ibid::hash<int>, std::equal_to<>,
                          ibid::gc::unscanned_allocator<std::byte>>;

std::string long_text(int i) {
    return std::string(100, 'x') + std::to_string(i);
}

TEST(cache_with_unscanned_memory, interns_and_ends_while_every_allocation_may_run_finalizers) {
    table c;
    const GC_word before = GC_get_gc_no();
    elsewhere([&] {
        for (int round = 0; round < 20; ++round) {
            for (int i = 0; i < 10'000; ++i) { // grows and shrinks the table, with collections in between
                (void)ibid::gc::intern(c, i, [&] { return long_text(i); });
            }
        }
    });
    EXPECT_GT(GC_get_gc_no(), before);
    collect();
    EXPECT_LE(c.statistics().entries, by_accident);
}

// ibid's own records: which entries are retained, and which are hot.
TEST(cache_with_unscanned_memory, keeps_and_counts_while_each_allocation_runs_finalizers) {
    using numbers = ibid::cache<int, int, ibid::key_beside, ibid::hash<int>, std::equal_to<>,
                                ibid::gc::unscanned_allocator<std::byte>>;
    // Neither ends with this test, because objects that false pointers keep may end later.
    alignas(numbers) static unsigned char place_of_kept[sizeof(numbers)];
    static numbers& kept = *::new (static_cast<void*>(place_of_kept)) numbers;
    struct interns_at_its_end {
        int number;
        explicit interns_at_its_end(int n) : number(n) {}
        ~interns_at_its_end() {
            (void)kept.intern(-number, [] { return 0; });
        }
    };
    using ends = ibid::cache<int, interns_at_its_end, ibid::key_beside, ibid::hash<int>, std::equal_to<>,
                             ibid::gc::unscanned_allocator<std::byte>>;
    alignas(ends) static unsigned char place_of_ends[sizeof(ends)];
    ends& c = *::new (static_cast<void*>(place_of_ends)) ends;
    kept.retain({std::size_t{1} << 20, 10'000});
    const auto use_hotly = [&](int i) {
        auto one = c.intern(i, [&] { return interns_at_its_end(i); });
        const auto other = one;
        (void)ibid::detail::hot_values::of_process().promote(ibid::detail::header_of(one.get()));
        return one;
    };
    std::vector<ibid::handle<interns_at_its_end>> held; // so that the records grow
    held.reserve(200);
    for (int i = 0; i < 100; ++i) {
        elsewhere([&] { // for the collector to find
            (void)ibid::gc::make_active(use_hotly(2 * i + 1));
        });
        restless = true;
        if (i % 2 == 0) {
            held.push_back(use_hotly(2 * i + 2));
        } else {
            for (int k = 0; k < 1 << i / 10; ++k) {
                (void)kept.intern(i * 10'000 + k, [] { return 0; });
            }
        }
        restless = false;
    }
    held.clear();
    kept.retain({});
}

TEST(cache_with_unscanned_memory, is_not_scanned) {
    // Tokens that are referred to only from the cache's own memory are unreachable for the collector.
    using tokens = ibid::cache<int, ibid::gc::active<std::string>, ibid::key_beside, ibid::hash<int>,
                               std::equal_to<>, ibid::gc::unscanned_allocator<std::byte>>;
    table c;
    tokens holders;
    elsewhere([&] {
        for (int i = 0; i < many; ++i) {
            holders.pin(
                holders.intern(i, [&] { return ibid::gc::intern(c, i, [&] { return long_text(i); }); }));
        }
    });
    collect();
    EXPECT_LE(c.statistics().entries, by_accident);
}

} // namespace
