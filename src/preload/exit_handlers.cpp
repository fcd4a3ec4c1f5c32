// SPDX-License-Identifier: Apache-2.0
//
// The C++ library inside the preload asks for destructors at the process's end, in a constructor that runs
// before all of the program's code. A program may have a __cxa_atexit() of its own (ThreadSanitizer's static
// runtime has), which is not ready then.
//
// Law: where ibid runs too early and does nothing, nothing of this library's is destroyed at the end. Nothing
// needs to be: the objects are error categories.
#include "preload/foreign/early_code.h"

extern "C" {

// This library's own calls come here (ld --wrap).
// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names

using handler = void (*)(void*);
int __real___cxa_atexit(handler at_exit, void* argument, void* library);
int __wrap___cxa_atexit(handler at_exit, void* argument, void* library);

int __wrap___cxa_atexit(handler at_exit, void* argument, void* library) {
    return ibid::preload::runs_too_early() ? 0 : __real___cxa_atexit(at_exit, argument, library);
}

// NOLINTEND(bugprone-reserved-identifier)

} // extern "C"
