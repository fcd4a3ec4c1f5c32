// SPDX-License-Identifier: Apache-2.0
//
// The dynamic linker's functions, found as it would bind a call of the program's: in the first module that
// defines them. ibid does not link to them, because their library and version differ: libdl before glibc
// 2.34, libc since then; musl has no dlvsym().
//
// Law: null if no loaded module defines them. A program without libdl cannot load modules, so there is
// nothing to intercept.
#pragma once

#include <dlfcn.h>

namespace ibid::openssl::modules {

struct linker_functions {
    decltype(&::dlopen) dlopen = nullptr;
    void* (*dlmopen)(long name_space, const char* file, int mode) = nullptr;
    decltype(&::dlsym) dlsym = nullptr;
    void* (*dlvsym)(void* handle, const char* name, const char* version) = nullptr;
    decltype(&::dlclose) dlclose = nullptr;
    decltype(&::dlerror) dlerror = nullptr;
    // A second module also defines one of them, so a lookup of the next definition (RTLD_NEXT) may give
    // either.
    bool are_wrapped = false;
};

// Written once, at load.
inline constinit linker_functions linker;

// At load, before any other code of the program.
void find_linker_functions() noexcept;

// The first definition of a name, in the order in which the dynamic linker looks; null: none. Not this
// module's own.
[[nodiscard]] void* first_definition(const char* name) noexcept;
// The same, but only functions: a program's data may have any name.
[[nodiscard]] void* first_function(const char* name) noexcept;

} // namespace ibid::openssl::modules
