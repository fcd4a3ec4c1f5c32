// SPDX-License-Identifier: Apache-2.0
#include "file_functions.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <link.h>

#include "linker_functions.h"

namespace ibid::openssl::modules {

namespace {

// __fxstat: fstat() in older C libraries.
constexpr std::array names = {"fopen64", "fopen", "fread", "fgets", "fclose", "ferror",
                              "feof",    "open",  "read",  "close", "fstat",  "__fxstat"};
constinit std::array<const void*, names.size()> first_in_order{};

// The sanitizers' runtimes forward each call. Before version 2.34, libpthread was part of the C library.
[[nodiscard]] bool is_c_library(const elf_module& m) noexcept {
    constexpr auto sign =
#ifdef __GLIBC__
        "gnu_get_libc_version";
#else
        "__libc_start_main";
#endif
    return m.find(sign) != nullptr || m.find("__asan_init") != nullptr || m.find("__tsan_init") != nullptr ||
           std::strstr(m.name(), "/libpthread.so.") != nullptr;
}

struct owner_search {
    const void* function;
    bool is_c_librarys = false;
};

int find_owner(dl_phdr_info* info, std::size_t, void* argument) noexcept {
    auto& search = *static_cast<owner_search*>(argument);
    const elf_module m(*info);
    if (!m.place().contains(search.function)) {
        return 0;
    }
    search.is_c_librarys = m.readable() && is_c_library(m);
    return 1;
}

[[nodiscard]] bool is_c_librarys(const void* function) noexcept {
    owner_search search{function};
    dl_iterate_phdr(&find_owner, &search);
    return search.is_c_librarys;
}

} // namespace

void find_file_functions() noexcept {
    for (std::size_t i = 0; i < names.size(); ++i) {
        first_in_order[i] = first_definition(names[i]); // null: inline, in older C libraries
    }
}

bool files_are_the_c_librarys(const elf_module& libcrypto) noexcept {
    bool all =
        std::ranges::all_of(first_in_order, [](const void* f) { return f == nullptr || is_c_librarys(f); });
    libcrypto.for_each_reference([&](const elf_module::reference& r) {
        const void* const bound_to = __atomic_load_n(r.slot, __ATOMIC_RELAXED);
        if (all && r.own == nullptr && !libcrypto.place().contains(bound_to) &&
            std::ranges::any_of(names, [&](const char* n) { return std::strcmp(n, r.name) == 0; })) {
            all = is_c_librarys(bound_to);
        }
    });
    return all;
}

} // namespace ibid::openssl::modules
