// SPDX-License-Identifier: Apache-2.0
//
// How the modules of a process find each other without looking up a symbol (process_wide.h): each has a
// signpost in a place that the system reports for every loaded module.
//
//     ELF        in the initial image of the thread-local storage, which dl_iterate_phdr() reports
//     Mach-O     in a section of its own, which getsectiondata() finds
//     PE         in a section of its own, which the module's headers name
//
// Each format has a file that defines IBID_SIGNPOST (the attributes of the variable), for_each_signpost() and
// keep_this_module().
//
// The layout of a signpost never changes: modules with other versions of ibid read it.
#pragma once

#include "ibid/detail/port/language.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "ibid/detail/port/module.h"
#include "ibid/detail/port/system.h"

namespace ibid {
namespace process { // not in layout_1: all versions share this

struct process_root;

struct alignas(16) signpost {
    std::uint64_t magic[2];
    std::atomic<process_root*>* root; // the module's pointer; null before the module has used the root
    const char* layout;               // of the module's ibid: IBID_LAYOUT
};
static_assert(sizeof(signpost) == 32 || sizeof(void*) != 8);

inline constexpr std::uint64_t magic_first = 0x9c5f'1e07'd3a8'426b;
inline constexpr std::uint64_t magic_second = 0x64b1'f29e'0d75'c83a;

} // namespace process

inline namespace layout_1 {
namespace detail {

IBID_MODULE_LOCAL inline constinit std::atomic<process::process_root*> this_module_root{nullptr};

// Calls f(signpost) for each signpost in this memory of a module until it returns true; then, true.
template <class Function>
[[nodiscard]] bool for_each_signpost_in(const unsigned char* memory, std::size_t size, Function f) noexcept {
    std::size_t at = (0 - reinterpret_cast<std::uintptr_t>(memory)) % alignof(process::signpost);
    for (; at + sizeof(process::signpost) <= size; at += alignof(process::signpost)) {
        process::signpost found;
        std::memcpy(static_cast<void*>(&found), memory + at, sizeof found);
        if (found.magic[0] == process::magic_first && found.magic[1] == process::magic_second && f(found)) {
            return true;
        }
    }
    return false;
}

} // namespace detail
} // namespace layout_1
} // namespace ibid

#if defined(IBID_ON_WINDOWS)
#include "ibid/detail/port/signpost_pe.h"
#elif defined(IBID_ON_MACOS)
#include "ibid/detail/port/signpost_macho.h"
#else
#include "ibid/detail/port/signpost_elf.h"
#endif

namespace ibid {
inline namespace layout_1 {
namespace detail {

// Keeps this module loaded for ever. For modules that give addresses of their code to a process-wide object.
IBID_MODULE_LOCAL inline constinit std::atomic<bool> this_module_is_kept{false};
IBID_MODULE_LOCAL inline void this_module_stays() noexcept {
    if (!this_module_is_kept.load(std::memory_order_relaxed)) {
        this_module_is_kept.store(true, std::memory_order_relaxed);
        keep_this_module();
    }
}

} // namespace detail
} // namespace layout_1
} // namespace ibid
