// SPDX-License-Identifier: Apache-2.0
//
// Objects that were replaced in a store live as long as the store.
#include "openssl/trust/replaced_objects.h"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/x509_vfy.h>

#include "linked_functions.h"

namespace ibid::openssl {
namespace {

const functions real = ibid::test::linked_functions();

std::atomic<int> freed{0};

void on_free(void*, void* mark, CRYPTO_EX_DATA*, int, long, void*) {
    freed += mark != nullptr ? 1 : 0;
}
[[nodiscard]] int index_of_marks() {
    static const int index =
        CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_X509, 0, nullptr, nullptr, nullptr, &on_free);
    return index;
}

// With the only reference to a certificate, whose end is counted.
[[nodiscard]] X509_OBJECT* new_object() {
    static char mark = 0;
    X509* const x = X509_new();
    X509_OBJECT* const object = X509_OBJECT_new();
    EXPECT_EQ(X509_set_ex_data(x, index_of_marks(), &mark), 1);
    EXPECT_EQ(X509_OBJECT_set1_X509(object, x), 1);
    X509_free(x);
    return object;
}

struct free_store {
    void operator()(X509_STORE* store) const noexcept { X509_STORE_free(store); }
};
using store_ptr = std::unique_ptr<X509_STORE, free_store>;

void keep_one_for(const X509_STORE* store) {
    replaced_objects::keep(std::make_unique<replaced_object>(), store, new_object());
}

TEST(ReplacedObjects, StayUntilTheirStoreEnds) {
    const store_ptr store(X509_STORE_new());
    const store_ptr other(X509_STORE_new());
    keep_one_for(store.get());
    keep_one_for(other.get());
    keep_one_for(store.get());
    EXPECT_TRUE(replaced_objects::any());
    const int before = freed;
    replaced_objects::forget(real, store.get());
    EXPECT_EQ(freed, before + 2);
    replaced_objects::forget(real, store.get());
    EXPECT_EQ(freed, before + 2);
    replaced_objects::forget(real, other.get());
    EXPECT_EQ(freed, before + 3);
}

// Each thread's stores end while other threads put objects into the same list.
TEST(ReplacedObjects, OfAllStoresAreFreedOnce) {
    constexpr int threads = 4;
    constexpr int stores = 40;
    constexpr int objects = 5;
    (void)index_of_marks();
    const int before = freed;
    std::vector<std::thread> all;
    for (int t = 0; t < threads; ++t) {
        all.emplace_back([] {
            for (int s = 0; s < stores; ++s) {
                const store_ptr store(X509_STORE_new());
                for (int o = 0; o < objects; ++o) {
                    keep_one_for(store.get());
                }
                replaced_objects::forget(real, store.get());
            }
        });
    }
    for (std::thread& t : all) {
        t.join();
    }
    EXPECT_EQ(freed, before + threads * stores * objects);
}

} // namespace
} // namespace ibid::openssl
