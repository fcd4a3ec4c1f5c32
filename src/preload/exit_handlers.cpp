// SPDX-License-Identifier: Apache-2.0
//
// The C++ library inside the preload registers destructors for the process's end, in a constructor that runs
// before all of the program's code. A program may define its own __cxa_atexit() (ThreadSanitizer's static
// runtime does), which is not ready then.
//
// Law: if ibid is loaded too early and does nothing, no object of this library is destroyed at the end. None
// needs to be: the objects are error categories.
#include "preload/foreign/early_code.h"

extern "C" {

// Called instead of __cxa_atexit() by this library's own code (ld --wrap).
// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names

using handler = void (*)(void*);
int __real___cxa_atexit(handler at_exit, void* argument, void* library);
int __wrap___cxa_atexit(handler at_exit, void* argument, void* library);

int __wrap___cxa_atexit(handler at_exit, void* argument, void* library) {
    return ibid::preload::runs_too_early() ? 0 : __real___cxa_atexit(at_exit, argument, library);
}

// NOLINTEND(bugprone-reserved-identifier)

} // extern "C"
