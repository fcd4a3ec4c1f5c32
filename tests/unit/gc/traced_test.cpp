// SPDX-License-Identifier: Apache-2.0
//
// gc::traced: values that refer to collected objects.
#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "collected.h"
#include "ibid/cache.h"
#include "ibid/gc.h"

namespace {

using ibid_test::by_accident;
using ibid_test::collect;
using ibid_test::elsewhere;
using ibid_test::many;

struct record {
    char* text = nullptr; // collected
};

int finalized = 0;

// Collected text that reports its end.
char* text(char c) {
    auto* const t = static_cast<char*>(GC_MALLOC_ATOMIC(1000));
    for (int i = 0; i < 1000; ++i) {
        t[i] = c;
    }
    GC_register_finalizer_no_order(
        t, [](void*, void*) { ++finalized; }, nullptr, nullptr, nullptr);
    return t;
}

TEST(traced_value, keeps_the_collected_objects_that_it_refers_to) {
    ibid::cache<int, ibid::gc::traced<record>> c;
    std::vector<ibid::handle<ibid::gc::traced<record>>> handles;
    finalized = 0;
    elsewhere([&] {
        for (int i = 0; i < many; ++i) {
            handles.push_back(
                c.intern(i, [] { return ibid::gc::traced<record>(std::in_place, record{text('x')}); }));
        }
    });
    collect();
    EXPECT_EQ(finalized, 0);
    elsewhere([&] { EXPECT_EQ((*handles[0])->text[999], 'x'); });
    handles.clear();
    collect();
    EXPECT_GE(finalized, many - static_cast<int>(by_accident)) << "and releases them with the entry";
}

TEST(traced_value, lives_by_tokens_as_any_other) {
    ibid::cache<int, ibid::gc::traced<record>> c;
    finalized = 0;
    elsewhere([&] {
        for (int i = 0; i < many; ++i) {
            const auto a = ibid::gc::intern(
                c, i, [] { return ibid::gc::traced<record>(std::in_place, record{text('x')}); });
            collect();
            EXPECT_EQ((*a)->text[0], 'x');
        }
    });
    collect(); // the token, and with it the entry
    collect(); // the text
    EXPECT_LE(c.statistics().entries, by_accident);
    EXPECT_GE(finalized, many - 2 * static_cast<int>(by_accident));
}

TEST(traced_value, whose_constructor_throws_leaves_nothing) {
    struct fails {
        fails() { throw std::runtime_error("no"); }
    };
    EXPECT_THROW((void)ibid::gc::traced<fails>(std::in_place), std::runtime_error);
}

TEST(traced_value, moves) {
    ibid::gc::traced<std::string> a(std::in_place, "moved");
    ibid::gc::traced<std::string> b(std::move(a));
    EXPECT_EQ(*b, "moved");
    ibid::gc::traced<std::string> c(std::in_place, "other");
    c = std::move(b);
    EXPECT_EQ(*c, "moved");
    EXPECT_EQ(c->size(), 5u);
}

} // namespace
