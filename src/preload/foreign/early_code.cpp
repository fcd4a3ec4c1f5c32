// SPDX-License-Identifier: Apache-2.0
//
// Law: this file calls no function that another module could define, not even strcmp(). The compiler must not
// replace a loop by such a call either: the build uses -fno-builtin, which is enough for Clang.
#include "early_code.h"

#include <elf.h>
#include <link.h>
#include <sys/auxv.h>

#include <cstddef>
#include <cstdint>

#ifndef __clang__
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

// The start of this library, defined by the linker like _DYNAMIC.
extern "C" const ElfW(Ehdr) __ehdr_start // NOLINT(bugprone-reserved-identifier)
    __attribute__((visibility("hidden")));

namespace ibid::preload {

namespace {

// The functions that are called at load. malloc() and related functions are not included: an allocator must
// work at its first call, because constructors of any C++ library call it.
constexpr const char* called[] = {
    "__cxa_atexit", "__register_atfork", "dl_iterate_phdr", "getauxval", "getrandom", "memchr", "memcmp",
    "memcpy",       "memmove",           "memset",          "mprotect",  "strcmp",    "strlen", "syscall",
    "sysconf",
};
constexpr const char* parts_of_the_c_library[] = {"libc.so.", "ld-linux", "libpthread.so.", "libdl.so."};

[[nodiscard]] bool same(const char* a, const char* b) noexcept {
    while (*a != '\0' && *a == *b) {
        ++a;
        ++b;
    }
    return *a == *b;
}

[[nodiscard]] bool begins(const char* text, const char* with) noexcept {
    while (*with != '\0' && *text == *with) {
        ++text;
        ++with;
    }
    return *with == '\0';
}

// The file's name without its folders.
[[nodiscard]] const char* file_of(const char* path) noexcept {
    const char* file = path;
    for (; *path != '\0'; ++path) {
        file = *path == '/' ? path + 1 : file;
    }
    return file;
}

[[nodiscard]] bool holds(std::uintptr_t base, const ElfW(Phdr) * headers, std::size_t count,
                         std::uintptr_t address) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        if (headers[i].p_type == PT_LOAD && address - (base + headers[i].p_vaddr) < headers[i].p_memsz) {
            return true;
        }
    }
    return false;
}

[[nodiscard]] bool is_of_the_c_library(std::uintptr_t address) noexcept {
    for (const link_map* m = _r_debug.r_map; m != nullptr; m = m->l_next) {
        bool is_part = false;
        for (const char* const part : parts_of_the_c_library) {
            is_part = is_part || begins(file_of(m->l_name), part);
        }
        if (is_part && m->l_addr != 0) { // 0: prelinked; its header is elsewhere
            const auto* const header =
                reinterpret_cast<const ElfW(Ehdr)*>(m->l_addr); // an address, as a number
            if (holds(m->l_addr, reinterpret_cast<const ElfW(Phdr)*>(m->l_addr + header->e_phoff),
                      header->e_phnum, address)) {
                return true;
            }
        }
    }
    return false;
}

// This library's own calls are bound when it is loaded (-z now).
[[nodiscard]] bool all_are_of_the_c_library() noexcept {
    const auto base = reinterpret_cast<std::uintptr_t>(&__ehdr_start);
    std::uintptr_t values[DT_JMPREL + 1] = {};
    for (const ElfW(Dyn)* d = _DYNAMIC; d->d_tag != DT_NULL; ++d) {
        if (d->d_tag == DT_JMPREL || d->d_tag == DT_SYMTAB || d->d_tag == DT_STRTAB) {
            // Whether these addresses are already relocated depends on the processor.
            values[d->d_tag] = d->d_un.d_ptr < base ? base + d->d_un.d_ptr : d->d_un.d_ptr;
        } else if (d->d_tag == DT_PLTRELSZ) {
            values[d->d_tag] = d->d_un.d_val;
        }
    }
    const auto* const references = reinterpret_cast<const ElfW(Rela)*>(values[DT_JMPREL]);
    const auto* const symbols = reinterpret_cast<const ElfW(Sym)*>(values[DT_SYMTAB]);
    const auto* const names = reinterpret_cast<const char*>(values[DT_STRTAB]);
    for (std::size_t i = 0; i < values[DT_PLTRELSZ] / sizeof *references; ++i) {
        const char* const name = names + symbols[ELF64_R_SYM(references[i].r_info)].st_name;
        bool is_called = false;
        for (const char* const one : called) {
            is_called = is_called || same(name, one);
        }
        if (is_called &&
            !is_of_the_c_library(*reinterpret_cast<const std::uintptr_t*>(base + references[i].r_offset))) {
            return false;
        }
    }
    return true;
}

[[nodiscard]] bool executable_has_early_code() noexcept {
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
}

} // namespace

bool runs_too_early() noexcept {
    return !all_are_of_the_c_library() || executable_has_early_code();
}

} // namespace ibid::preload

#else

// musl's loader calls constructors in the order of dependencies. With a sanitizer, this library depends on
// the runtime, which is initialized before it.
bool ibid::preload::runs_too_early() noexcept {
    return false;
}

#endif
