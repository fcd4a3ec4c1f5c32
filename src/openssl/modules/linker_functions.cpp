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
};

[[nodiscard]] bool is_another(const elf_module& m) noexcept {
    return m.readable() && !m.place().contains(reinterpret_cast<const void*>(&is_another));
}

int look_in(dl_phdr_info* info, std::size_t, void* argument) noexcept {
    auto& looked_for = *static_cast<search*>(argument);
    const elf_module m(*info);
    if (is_another(m)) {
        looked_for.found =
            looked_for.of_function ? m.find_function(looked_for.name) : m.find(looked_for.name);
    }
    return looked_for.found != nullptr ? 1 : 0;
}

template <class Function>
void look_for(Function*& function, const elf_module& m, const char* name) noexcept {
    void* const found = m.find_function(name);
    if (found == nullptr) {
        return;
    }
    if (function == nullptr) {
        function = reinterpret_cast<Function*>(found);
    } else {
        linker.are_wrapped = true;
    }
}

int look_for_linkers(dl_phdr_info* info, std::size_t, void*) noexcept {
    const elf_module m(*info);
    if (is_another(m)) {
        look_for(linker.dlopen, m, "dlopen");
        look_for(linker.dlmopen, m, "dlmopen");
        look_for(linker.dlsym, m, "dlsym");
        look_for(linker.dlvsym, m, "dlvsym");
        look_for(linker.dlclose, m, "dlclose");
        look_for(linker.dlerror, m, "dlerror");
    }
    return 0;
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
    dl_iterate_phdr(&look_for_linkers, nullptr);
}

} // namespace ibid::openssl::modules
