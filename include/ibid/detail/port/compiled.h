// SPDX-License-Identifier: Apache-2.0
//
// Macros that decide where seldom used code that depends on no type is compiled:
//
//     (nothing)        into each translation unit that uses it, and the linker keeps one: headers are enough
//     IBID_SEPARATE    into the library ibid_compiled alone (src/compiled), which the program links to
//
//     [[IBID_SELDOM]] IBID_COMPILED void f(int x)
//     #if IBID_COMPILES
//     { … }
//     #else
//     ;
//     #endif
//
// Law: both are the same code with the same names, so objects of both kinds make one program.
#pragma once

// Before a function that is not a template. (Templates are listed in detail/table/compiled_tables.h.)
#if defined(IBID_IS_COMPILED_HERE)
#define IBID_COMPILED inline __attribute__((used))
#define IBID_COMPILES 1
#elif defined(IBID_SEPARATE)
#define IBID_COMPILED
#define IBID_COMPILES 0
#else
#define IBID_COMPILED inline
#define IBID_COMPILES 1
#endif

// Compiled for size and placed apart from hot code. Do not use it for functions that programs call regularly:
// GCC treats the code around such a call as cold, too.
#define IBID_SELDOM gnu::noinline, gnu::cold
