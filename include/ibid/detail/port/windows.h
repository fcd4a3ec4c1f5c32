// SPDX-License-Identifier: Apache-2.0
//
// The functions of Windows that the core calls, declared as <windows.h> declares them. That header is not
// included, because every program that includes ibid would get its macros (min, max, interface, …).
//
// All are in kernel32, except SystemFunction036, which is in advapi32 and documented as RtlGenRandom.
// Compilers link both by default. (BCryptGenRandom would need one more library.)
#pragma once

struct HINSTANCE__;

extern "C" {
__declspec(dllimport) void __stdcall FlushProcessWriteBuffers(void);
__declspec(dllimport) int __stdcall SwitchToThread(void);
__declspec(dllimport) void __stdcall Sleep(unsigned long milliseconds);
__declspec(dllimport) unsigned long __stdcall GetCurrentThreadId(void);
__declspec(dllimport) unsigned long __stdcall GetCurrentProcessId(void);
__declspec(dllimport) unsigned long __stdcall TlsAlloc(void);
__declspec(dllimport) int __stdcall TlsFree(unsigned long index);
__declspec(dllimport) void* __stdcall TlsGetValue(unsigned long index);
__declspec(dllimport) int __stdcall TlsSetValue(unsigned long index, void* value);
__declspec(dllimport) unsigned long __stdcall GetLastError(void);
__declspec(dllimport) void __stdcall SetLastError(unsigned long error);
__declspec(dllimport) void* __stdcall GetCurrentProcess(void);
__declspec(dllimport) int __stdcall K32EnumProcessModules(void* process, HINSTANCE__** modules,
                                                          unsigned long bytes, unsigned long* needed);
__declspec(dllimport) int __stdcall GetModuleHandleExA(unsigned long flags, const char* name,
                                                       HINSTANCE__** module);
__declspec(dllimport) unsigned long __stdcall GetModuleFileNameA(HINSTANCE__* module, char* name,
                                                                 unsigned long size);
__declspec(dllimport) int __stdcall FreeLibrary(HINSTANCE__* module);
__declspec(dllimport) unsigned char __stdcall SystemFunction036(void* buffer, unsigned long size);
}
