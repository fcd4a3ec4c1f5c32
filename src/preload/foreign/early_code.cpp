// SPDX-License-Identifier: Apache-2.0
#include "early_code.h"

#include <elf.h>
#include <link.h>
#include <sys/auxv.h>

#include <cstddef>
#include <cstdint>

namespace ibid::preload {

bool executable_has_early_code() noexcept {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return false; // this library needs the runtime itself, which is ready before it
#else
    // The kernel says where it has put the executable's program headers.
    const auto at = static_cast<std::uintptr_t>(::getauxval(AT_PHDR));
    const auto* const headers = reinterpret_cast<const ElfW(Phdr)*>(at); // an address, as a number
    const std::size_t count = ::getauxval(AT_PHNUM);
    std::uintptr_t moved_by = 0;
    std::uintptr_t dynamic = 0;
    for (std::size_t i = 0; i < count; ++i) {
        if (headers[i].p_type == PT_PHDR) {
            moved_by = at - headers[i].p_vaddr;
        } else if (headers[i].p_type == PT_DYNAMIC) {
            dynamic = headers[i].p_vaddr;
        }
    }
    if (dynamic == 0) {
        return false;
    }
    for (const auto* d = reinterpret_cast<const ElfW(Dyn)*>(moved_by + dynamic); d->d_tag != DT_NULL; ++d) {
        if (d->d_tag == DT_PREINIT_ARRAYSZ && d->d_un.d_val != 0) {
            return true;
        }
    }
    return false;
#endif
}

} // namespace ibid::preload
