// SPDX-License-Identifier: Apache-2.0
//
// The entry points: which functions have one, for which kinds of modules.
#include "openssl/interpose/entries.h"

#include <dlfcn.h>

#include <array>
#include <set>

#include <gtest/gtest.h>

#include "openssl/instance/libcrypto.h"
#include "openssl/scan/intercepted_names.h"
#include "this_openssl.h"

namespace ibid::openssl {
namespace {

using interpose::entry_point;
using interpose::function_id;
using interpose::module_kind;

constexpr std::array kinds{module_kind::libssl, module_kind::libcrypto, module_kind::reader,
                           module_kind::attacher, module_kind::writer};

// Two libcryptos of the kind for which ibid intercepts most: -Bsymbolic, without OPENSSL_atexit.
class entries : public testing::Test {
protected:
    static void SetUpTestSuite() {
        functions f;
        void* const handle = dlopen(test::libcrypto_file, RTLD_LAZY);
        f.take_libcrypto([handle](const char* name) { return dlsym(handle, name); });
        f.OPENSSL_atexit = nullptr;
        ASSERT_NE(libcrypto::add(f, extent{}, true, nullptr), nullptr);
        ASSERT_NE(libcrypto::add(f, extent{}, true, nullptr), nullptr);
    }

    template <class Check>
    static void for_each_function(Check check) {
        for (std::size_t i = 0; i < interpose::function_count; ++i) {
            const auto id = static_cast<function_id>(i);
            if (!interpose::is_of_linker(id)) { // the scan has these
                SCOPED_TRACE(modules::function_names[i]);
                check(id);
            }
        }
    }
};

TEST_F(entries, each_function_that_is_looked_for_has_one) {
    for_each_function([](function_id id) {
        bool found = false;
        for (const module_kind kind : kinds) {
            found = found || entry_point(id, kind, 0) != nullptr;
        }
        EXPECT_TRUE(found);
    });
}

TEST_F(entries, a_module_that_only_reads_gets_objects_from_openssl_itself) {
    for_each_function([](function_id id) {
        if (interpose::is_for_writers(id)) {
            for (const module_kind kind : {module_kind::reader, module_kind::libcrypto}) {
                EXPECT_EQ(entry_point(id, kind, 0), nullptr);
            }
        }
    });
}

TEST_F(entries, each_libcrypto_has_its_own) {
    for (const module_kind kind : kinds) {
        std::set<void*> seen;
        for_each_function([&](function_id id) {
            void* const first = entry_point(id, kind, 0);
            void* const second = entry_point(id, kind, 1);
            EXPECT_EQ(first == nullptr, second == nullptr);
            EXPECT_TRUE(first == nullptr || (seen.insert(first).second && seen.insert(second).second));
        });
    }
}

TEST_F(entries, there_is_none_for_one_too_many) {
    for_each_function(
        [](function_id id) { EXPECT_EQ(entry_point(id, module_kind::reader, libcrypto::most), nullptr); });
}

} // namespace
} // namespace ibid::openssl
