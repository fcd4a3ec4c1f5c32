// SPDX-License-Identifier: Apache-2.0
//
// A program whose operator new is the collector's, as libgccpp makes it: every allocation of the standard library may collect
// and run finalizers, and everything that it allocates is scanned.
#include <cstddef>
#include <functional>
#include <new>
#include <string>

#include <gc/gc.h>
#include <gtest/gtest.h>

#include "collected.h"
#include "ibid/cache.h"
#include "ibid/gc.h"

void* operator new(std::size_t size) {
    void* const p = GC_malloc_uncollectable(size);
    return p != nullptr ? p : throw std::bad_alloc();
}
void* operator new[](std::size_t size) {
    return operator new(size);
}
// The standard library's own would come to the two above; a sanitizer's does not.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return GC_malloc_uncollectable(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
    return GC_malloc_uncollectable(size);
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
            for (int i = 0; i < 10'000;
                 ++i) { // grows and shrinks the table, in the middle of which collections fall
                (void)ibid::gc::intern(c, i, [&] { return long_text(i); });
            }
        }
    });
    EXPECT_GT(GC_get_gc_no(), before);
    collect();
    EXPECT_LE(c.statistics().entries, by_accident);
}

TEST(cache_with_unscanned_memory, is_not_scanned) {
    // Tokens that only the cache's own memory refers to are not there for the collector.
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
