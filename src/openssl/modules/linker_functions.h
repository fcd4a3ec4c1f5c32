// SPDX-License-Identifier: Apache-2.0
//
// The dynamic linker's functions, found as it would bind a call of the program's: in the first module that
// defines them. They are not linked with, since their home and their version differ: libdl before glibc 2.34,
// libc since; musl has no dlvsym().
//
// Law: null where no loaded module defines them. A program without libdl loads no module, so there is nothing
// to follow.
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
    // A second module defines one of them, too: whoever asks for the next one (RTLD_NEXT) may get either.
    bool are_wrapped = false;
};

// Written once, at load.
inline constinit linker_functions linker;

// At load, before any other code of the program.
void find_linker_functions() noexcept;

// The first definition of a name, in the order in which the dynamic linker looks; null: none. Not this
// module's own.
[[nodiscard]] void* first_definition(const char* name) noexcept;
// The same of functions: a program may call its data as it likes.
[[nodiscard]] void* first_function(const char* name) noexcept;

} // namespace ibid::openssl::modules
