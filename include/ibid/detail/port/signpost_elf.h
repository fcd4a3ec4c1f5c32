// SPDX-License-Identifier: Apache-2.0
//
// Signposts of ELF modules (signpost.h). Linux with glibc and musl, FreeBSD.
//
// Why in thread-local storage: it is the only data of a module that the dynamic linker reports by address and
// size and that plain C++ can write to. Where thread-local storage is emulated, each module is alone.
//
// Thread safety: dl_iterate_phdr() takes the dynamic linker's lock, as every C++ exception may.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <dlfcn.h>
#include <link.h>

#include "ibid/detail/port/compiled.h"
#include "ibid/detail/port/module.h"

namespace ibid {
inline namespace layout_1 {
namespace detail {

IBID_MODULE_LOCAL inline thread_local constinit process::signpost this_module_signpost{
    {process::magic_first, process::magic_second}, &this_module_root, IBID_LAYOUT};

// A module, valid during the callback of for_each_signpost().
class loaded_module {
public:
    explicit loaded_module(const struct dl_phdr_info& info) noexcept : info_(info) {}

    // As the dynamic linker knows it; empty for the program. Throws bad_alloc.
    [[nodiscard]] std::string path() const { return info_.dlpi_name; }

    [[nodiscard]] bool holds(std::uintptr_t address, std::size_t size) const noexcept {
        for (int i = 0; i < info_.dlpi_phnum; ++i) {
            const auto& part = info_.dlpi_phdr[i];
            const std::uintptr_t begin = info_.dlpi_addr + part.p_vaddr;
            if (part.p_type == PT_LOAD && (part.p_flags & PF_R) != 0 && address >= begin &&
                address - begin <= part.p_memsz && part.p_memsz - (address - begin) >= size) {
                return true;
            }
        }
        return false;
    }

private:
    const struct dl_phdr_info& info_;
};

struct signpost_visitor {
    bool (*visit)(void* data, const loaded_module&, const process::signpost&);
    void* data;
};
[[IBID_SELDOM]] IBID_MODULE_LOCAL IBID_COMPILED void visit_signposts(signpost_visitor to) noexcept
#if IBID_COMPILES
{
    // The compiler must not drop this variable, because other modules look for it.
    const volatile std::uint64_t* const used = this_module_signpost.magic;
    (void)*used;
    dl_iterate_phdr(
        [](struct dl_phdr_info* info, std::size_t, void* data) {
            const loaded_module module(*info);
            const signpost_visitor& to_visit = *static_cast<const signpost_visitor*>(data);
            for (int i = 0; i < info->dlpi_phnum; ++i) {
                const auto& part = info->dlpi_phdr[i];
                const std::uintptr_t image = info->dlpi_addr + part.p_vaddr;
                if (part.p_type != PT_TLS || !module.holds(image, part.p_filesz)) {
                    continue;
                }
                // A module that another thread is loading is not relocated yet: its pointer is invalid, and
                // the module has used nothing so far.
                const auto visit = [&](const process::signpost& found) {
                    return module.holds(reinterpret_cast<std::uintptr_t>(found.root), sizeof *found.root) &&
                           to_visit.visit(to_visit.data, module, found);
                };
                if (for_each_signpost_in(reinterpret_cast<const unsigned char*>(image), part.p_filesz,
                                         visit)) {
                    return 1;
                }
            }
            return 0;
        },
        static_cast<void*>(&to));
}
#else
    ;
#endif

// Calls f(const loaded_module&, const signpost&) for the signpost of each module, in the order in which they
// were loaded, until it returns true.
template <class Function>
IBID_MODULE_LOCAL void for_each_signpost(Function f) noexcept {
    visit_signposts({[](void* data, const loaded_module& module, const process::signpost& s) {
                         return bool{(*static_cast<Function*>(data))(module, s)};
                     },
                     &f});
}

// By weak references, so that programs need no libdl and static ones no dynamic linker.
[[gnu::weakref("dlopen")]] static void* dlopen_if_there(const char*, int);
[[gnu::weakref("dladdr")]] static int dladdr_if_there(const void*, Dl_info*);
[[IBID_SELDOM]] IBID_MODULE_LOCAL IBID_COMPILED void keep_this_module() noexcept
#if IBID_COMPILES
{
    Dl_info here{};
    if (dlopen_if_there != nullptr && dladdr_if_there != nullptr &&
        dladdr_if_there(&this_module_root, &here) != 0) {
        (void)dlopen_if_there(here.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    }
}
#else
    ;
#endif

} // namespace detail
} // namespace layout_1
} // namespace ibid
