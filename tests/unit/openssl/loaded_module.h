// SPDX-License-Identifier: Apache-2.0
//
// A shared library, loaded, and read as modules/elf_module.h reads it.
#pragma once

#include <dlfcn.h>
#include <link.h>

#include <stdexcept>
#include <string_view>

#include "openssl/modules/elf_module.h"

namespace ibid::openssl::test {

class loaded_module {
public:
    explicit loaded_module(const char* file, int mode = RTLD_LAZY | RTLD_LOCAL)
        : handle_(dlopen(file, mode)) {
        if (handle_ == nullptr) {
            throw std::runtime_error(dlerror());
        }
    }
    loaded_module(const loaded_module&) = delete;
    loaded_module& operator=(const loaded_module&) = delete;
    ~loaded_module() { dlclose(handle_); }

    [[nodiscard]] void* symbol(const char* name) const { return dlsym(handle_, name); }

    // read(elf_module), while it cannot be unloaded.
    template <class Read>
    [[nodiscard]] auto read(Read f) const {
        using result = decltype(f(std::declval<const elf_module&>()));
        struct search {
            Read& f;
            link_map* map;
            result found{};
            bool done = false;
        } s{f, nullptr};
        dlinfo(handle_, RTLD_DI_LINKMAP, &s.map);
        dl_iterate_phdr(
            [](dl_phdr_info* info, std::size_t, void* argument) {
                auto& in = *static_cast<search*>(argument);
                if (info->dlpi_addr == in.map->l_addr &&
                    std::string_view(info->dlpi_name) == in.map->l_name) {
                    in.found = in.f(elf_module(*info));
                    in.done = true;
                }
                return 0;
            },
            &s);
        if (!s.done) {
            throw std::runtime_error("the linker does not list it");
        }
        return s.found;
    }

private:
    void* handle_;
};

} // namespace ibid::openssl::test
