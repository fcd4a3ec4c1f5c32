// SPDX-License-Identifier: Apache-2.0
//
// Modules in memory, linked in each possible way: elf_module must read the same from each as the dynamic
// linker reports.
#include "loaded_module.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace ibid::openssl {
namespace {

using test::loaded_module;

struct linked {
    const char* name;
    const char* file;
};

// Of tests/support/linked: defines ibid_test_question and ibid_test_answer, which the first calls, and calls
// getpid.
constexpr linked ways[] = {
    {"plain", PLAIN_LIBRARY},
    {"no_plt", NO_PLT_LIBRARY},
    {"symbolic", SYMBOLIC_LIBRARY},
    {"symbolic_functions", SYMBOLIC_FUNCTIONS_LIBRARY},
    {"now", NOW_LIBRARY},
    {"lazy", LAZY_LIBRARY},
    {"no_relro", NO_RELRO_LIBRARY},
    {"sysv", SYSV_LIBRARY},
    {"both_hashes", BOTH_HASHES_LIBRARY},
    {"versioned", VERSIONED_LIBRARY},
};

class modules : public testing::TestWithParam<linked> {
protected:
    const loaded_module library{GetParam().file};
};

TEST_P(modules, define_what_the_linker_finds_in_them) {
    for (const char* const name : {"ibid_test_question", "ibid_test_answer", "ibid_test_value"}) {
        void* const found = library.read([&](const elf_module& m) { return m.find(name); });
        EXPECT_EQ(found, library.symbol(name)) << name;
        EXPECT_NE(found, nullptr) << name;
    }
    EXPECT_GT(library.read([](const elf_module& m) { return m.size_of("ibid_test_question"); }), 0U);
    EXPECT_EQ(library.read([](const elf_module& m) { return m.size_of("ibid_test_value"); }), sizeof(int));
    for (const char* const name :
         {"", "getpid", "ibid_test_questio", "ibid_test_questions", "ibid_test_hidden", "printf"}) {
        EXPECT_EQ(library.read([&](const elf_module& m) { return m.find(name); }), nullptr) << name;
    }
    EXPECT_EQ(library.read([](const elf_module& m) { return m.size_of("getpid"); }), 0U);
}

TEST_P(modules, lie_where_their_functions_do) {
    const extent place = library.read([](const elf_module& m) { return m.place(); });
    EXPECT_TRUE(place.contains(library.symbol("ibid_test_question")));
    EXPECT_TRUE(place.contains(library.symbol("ibid_test_value")));
    EXPECT_FALSE(place.contains(reinterpret_cast<const void*>(&getpid)));
    EXPECT_FALSE(place.contains(this));
    link_map* map = nullptr;
    void* const handle = dlopen(GetParam().file, RTLD_LAZY | RTLD_NOLOAD);
    dlinfo(handle, RTLD_DI_LINKMAP, &map);
    EXPECT_EQ(library.read([](const elf_module& m) { return m.dynamic(); }), map->l_ld);
    EXPECT_STREQ(library.read([](const elf_module& m) { return m.name(); }), map->l_name);
    dlclose(handle);
}

struct seen_reference {
    void* value = nullptr;
    bool may_be_lazy = false;
    bool protected_page = false;
};

[[nodiscard]] std::map<std::string, seen_reference> references_of(const loaded_module& library) {
    return library.read([](const elf_module& m) {
        std::map<std::string, seen_reference> all;
        m.for_each_reference([&](const elf_module::reference& r) {
            all[r.name] = {*r.slot, r.may_be_lazy, m.read_only_after_relocation().contains(r.slot)};
        });
        return all;
    });
}

TEST_P(modules, hold_the_addresses_of_what_they_call) {
    using question = int (*)();
    const auto ask = reinterpret_cast<question>(library.symbol("ibid_test_question"));
    EXPECT_GT(ask(), 0); // now every call is bound
    const auto all = references_of(library);
    const extent place = library.read([](const elf_module& m) { return m.place(); });
    ASSERT_TRUE(all.contains("getpid"));
    const seen_reference& call = all.at("getpid");
    EXPECT_EQ(call.value, dlsym(RTLD_DEFAULT, "getpid"));
    const std::string way = GetParam().name;
    EXPECT_EQ(call.may_be_lazy, way != "no_plt");
    // A table of pointers, filled when the module was loaded.
    ASSERT_TRUE(all.contains("getppid"));
    EXPECT_EQ(all.at("getppid").value, dlsym(RTLD_DEFAULT, "getppid"));
    EXPECT_FALSE(all.at("getppid").may_be_lazy);
    // Its own function is referenced only if another module can replace it.
    const bool names_itself = all.contains("ibid_test_answer");
    EXPECT_EQ(names_itself, way != "symbolic" && way != "symbolic_functions");
    if (names_itself) {
        EXPECT_TRUE(place.contains(all.at("ibid_test_answer").value));
    }
    EXPECT_FALSE(all.contains("ibid_test_hidden"));
    EXPECT_FALSE(all.contains(""));
}

TEST_P(modules, that_are_bound_late_lead_back_into_themselves_before) {
    // In a process in which it has not been called yet. LD_BIND_NOW binds all functions at once.
    if (std::getenv("LD_BIND_NOW") != nullptr) {
        GTEST_SKIP() << "LD_BIND_NOW";
    }
    const seen_reference call = references_of(library).at("kill");
    const std::string way = GetParam().name;
    const bool late = library.read([](const elf_module& m) { return m.place(); }).contains(call.value);
    if (way == "lazy") {
        EXPECT_TRUE(late);
        EXPECT_TRUE(call.may_be_lazy);
    } else if (way == "now" || way == "no_plt") {
        EXPECT_FALSE(late);
    }
}

TEST_P(modules, protect_what_is_bound_at_once) {
    const std::string way = GetParam().name;
    const seen_reference call = references_of(library).at("getpid");
    if (way == "now") { // full RELRO
        EXPECT_TRUE(call.protected_page);
    }
    const extent relro = library.read([](const elf_module& m) { return m.read_only_after_relocation(); });
    if (way == "no_relro") {
        EXPECT_EQ(relro.start, relro.end);
        EXPECT_FALSE(call.protected_page);
    } else {
        const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
        EXPECT_NE(relro.start, nullptr);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(relro.start) % page, 0U);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(relro.end) % page, 0U);
    }
}

TEST_P(modules, say_what_they_ask_of_the_linker) {
    const std::string way = GetParam().name;
    EXPECT_EQ(library.read([](const elf_module& m) { return m.is_never_unloaded(); }), way == "now");
    EXPECT_EQ(library.read([](const elf_module& m) { return m.has_search_path(); }), way == "lazy");
    EXPECT_EQ(library.read([](const elf_module& m) { return m.asks_for_audit(); }), false);
}

TEST_P(modules, need_the_libraries_they_were_linked_with) {
    bool has_c_library = false;
    for (const char* const name : {"libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"}) {
        has_c_library =
            has_c_library || library.read([&](const elf_module& m) { return m.needs(hash_of_file(name)); });
    }
    EXPECT_TRUE(has_c_library);
    EXPECT_FALSE(library.read([](const elf_module& m) { return m.needs(hash_of_file("libz.so.1")); }));
    EXPECT_FALSE(library.read([](const elf_module& m) { return m.needs(hash_of_file("")); }));
    EXPECT_EQ(hash_of_file("/usr/lib/libc.so.6"), hash_of_file("libc.so.6"));
}

TEST_P(modules, have_versions_if_they_were_linked_so) {
    const std::string way = GetParam().name;
    const char* const own = library.read([](const elf_module& m) {
        return m.version_of("ibid_test_answer", symbol_hash("ibid_test_answer"));
    });
    if (way == "versioned") {
        EXPECT_STREQ(own, "IBID_TEST_1");
    } else {
        EXPECT_EQ(own, nullptr);
    }
    EXPECT_EQ(library.read([](const elf_module& m) { return m.version_of("getpid", symbol_hash("getpid")); }),
              nullptr); // defined elsewhere
}

TEST_P(modules, require_the_versions_of_the_libraries_they_were_linked_with) {
    const elf_module::requirement required = library.read([](const elf_module& m) {
        elf_module::requirement found;
        m.for_each_reference([&](const elf_module::reference& r) {
            found = std::string_view(r.name) == "getpid" ? m.required_by(r) : found;
        });
        return found;
    });
    void* const c_library = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    if (c_library == nullptr) {
        GTEST_SKIP() << "this C library has no versions";
    }
    ASSERT_NE(required.version, nullptr);
    EXPECT_STREQ(required.file, "libc.so.6");
    EXPECT_EQ(dlvsym(c_library, "getpid", required.version), dlsym(c_library, "getpid"));
    dlclose(c_library);
}

INSTANTIATE_TEST_SUITE_P(linked, modules, testing::ValuesIn(ways),
                         [](const auto& p) { return p.param.name; });

// What each of this program's modules defines, from both sources. The C library has both kinds of hash table,
// and versions.
TEST(module, of_this_program_are_all_read) {
    struct seen {
        unsigned modules = 0;
        unsigned readable = 0;
        void* in_libc = nullptr;
        void* own = nullptr;
    } s;
    dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* argument) {
            auto& all = *static_cast<seen*>(argument);
            const elf_module m(*info);
            ++all.modules;
            all.readable += m.readable() ? 1 : 0;
            if (std::string_view(m.name()).find("libc.so") != std::string_view::npos) {
                all.in_libc = m.find("getppid");
            }
            if (m.name()[0] == '\0' && m.place().contains(reinterpret_cast<const void*>(&references_of))) {
                all.own = const_cast<void*>(m.place().start);
            }
            return 0;
        },
        &s);
    EXPECT_GT(s.modules, 3U);
    EXPECT_GE(s.readable + 1, s.modules); // except for the kernel's vDSO, on some machines
    EXPECT_EQ(s.in_libc, dlsym(RTLD_DEFAULT, "getppid"));
    EXPECT_NE(s.own, nullptr);
}

TEST(symbol_hash, is_that_of_the_gnu_table) {
    EXPECT_EQ(symbol_hash(""), 0x1505U);
    EXPECT_EQ(symbol_hash("printf"), 0x156b2bb8U);
    EXPECT_EQ(symbol_hash("exit"), 0x7c967e3fU);
    EXPECT_EQ(symbol_hash("syscall"), 0xbac212a0U);
}

} // namespace
} // namespace ibid::openssl
