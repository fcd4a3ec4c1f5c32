// SPDX-License-Identifier: Apache-2.0
//
// Starts a program that is linked with the start files of glibc 2.34 or newer on any glibc. With those files
// the C library calls the program's constructors. An older C library does not do that by itself: it calls a
// function that is passed to it.
//
// Source: glibc's csu/libc-start.c and csu/elf-init.c, before and after 2.34.
#include "old_symbol.h"

extern "C" {

using function = void();
using main_function = int(int, char**, char**);
using init_function = void(int, char**, char**);

// The linker's names.
extern init_function* __init_array_start[] __attribute__((visibility("hidden")));
extern init_function* __init_array_end[] __attribute__((visibility("hidden")));
void _init();

int ibid_old_start_main(main_function* main, int argc, char** argv, init_function* init, function* fini,
                        function* end_of_linker, void* end_of_stack);

static void construct(int argc, char** argv, char** environment) {
    _init();
    for (init_function** each = __init_array_start; each != __init_array_end; ++each) {
        (*each)(argc, argv, environment);
    }
}

// NOLINTNEXTLINE(bugprone-reserved-identifier): the linker's name (--wrap)
int __wrap___libc_start_main(main_function* main, int argc, char** argv, init_function* init, function* fini,
                             function* end_of_linker, void* end_of_stack) {
    return ibid_old_start_main(main, argc, argv, init != nullptr ? init : &construct, fini, end_of_linker,
                               end_of_stack);
}

} // extern "C"

IBID_OLD_SYMBOL(ibid_old_start_main, __libc_start_main);
