// SPDX-License-Identifier: Apache-2.0
//
// Variables of which each module of a process (the program, a shared library, a plugin) has its own copy.
//
// Law: nothing in ibid depends on how the dynamic linker resolves a symbol. An executable that was linked
// without -rdynamic, RTLD_LOCAL, RTLD_DEEPBIND, hidden visibility and the choice of compiler all decide
// whether two modules' copies of one inline variable become one; so ibid's variables never do. They are
// hidden: each module has its own, and what belongs to the process is found through process_wide.h.
#pragma once

// A variable of which each module has its own copy, or a function that uses one. Such a function must not be
// merged with another module's.
#if defined(_WIN32)
#define IBID_MODULE_LOCAL // a DLL exports nothing by default
#else
#define IBID_MODULE_LOCAL [[gnu::visibility("hidden")]]
#endif

// The name of an object that belongs to the process (process_wide.h): versions of ibid with different layouts
// have different ones.
#define IBID_TEXT_OF(name) #name
#define IBID_TEXT(name) IBID_TEXT_OF(name)
#define IBID_LAYOUT IBID_TEXT(layout_1)
#define IBID_PROCESS_NAME(what) "ibid::" IBID_LAYOUT " " what
