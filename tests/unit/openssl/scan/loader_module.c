/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <stddef.h>

__attribute__((visibility("default"))) void* ibid_test_load(const char* name);

__attribute__((visibility("default"))) void* ibid_test_load(const char* name) {
    /* No tail call: the linker finds the caller by the return address. */
    static void* volatile handle;
    handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    return handle;
}
