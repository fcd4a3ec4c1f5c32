// SPDX-License-Identifier: Apache-2.0
//
// Where code goes that is used seldom, and that no type needs anew.
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

#if !defined(IBID_SEPARATE) || defined(IBID_IS_COMPILED_HERE)
#define IBID_COMPILED inline
#define IBID_COMPILES 1
#else
#define IBID_COMPILED
#define IBID_COMPILES 0
#endif

// Made small instead of fast, and moved away from what is fast.
#if defined(IBID_IS_COMPILED_HERE)
#define IBID_SELDOM gnu::noinline, gnu::cold, gnu::used
#else
#define IBID_SELDOM gnu::noinline, gnu::cold
#endif
