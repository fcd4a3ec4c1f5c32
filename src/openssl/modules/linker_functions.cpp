// SPDX-License-Identifier: Apache-2.0
#include "linker_functions.h"

#include <link.h>

#include "elf_module.h"

namespace ibid::openssl::modules {

namespace {

struct search {
    const char* name;
    bool of_function;
    void* found = nullptr;
    unsigned to_pass_over = 0; // definitions
};

int look_in(dl_phdr_info* info, std::size_t, void* argument) noexcept {
    auto& looked_for = *static_cast<search*>(argument);
    const elf_module m(*info);
    if (m.readable() && !m.place().contains(reinterpret_cast<const void*>(&look_in))) {
        looked_for.found =
            looked_for.of_function ? m.find_function(looked_for.name) : m.find(looked_for.name);
    }
    if (looked_for.found != nullptr && looked_for.to_pass_over != 0) {
        --looked_for.to_pass_over;
        looked_for.found = nullptr;
    }
    return looked_for.found != nullptr ? 1 : 0;
}

template <class Function>
void find(Function*& function, const char* name) noexcept {
    function = reinterpret_cast<Function*>(first_function(name));
    search second{name, true, nullptr, 1};
    dl_iterate_phdr(&look_in, &second);
    linker.are_wrapped = linker.are_wrapped || second.found != nullptr;
}

} // namespace

void* first_function(const char* name) noexcept {
    search looked_for{name, true};
    dl_iterate_phdr(&look_in, &looked_for);
    return looked_for.found;
}

void* first_definition(const char* name) noexcept {
    search looked_for{name, false};
    dl_iterate_phdr(&look_in, &looked_for);
    return looked_for.found;
}

void find_linker_functions() noexcept {
    find(linker.dlopen, "dlopen");
    find(linker.dlmopen, "dlmopen");
    find(linker.dlsym, "dlsym");
    find(linker.dlvsym, "dlvsym");
    find(linker.dlerror, "dlerror");
}

} // namespace ibid::openssl::modules
