// SPDX-License-Identifier: Apache-2.0
//
// A program without OpenSSL opens a copy of libcrypto with RTLD_GLOBAL, and then a plugin that was linked
// with another one, whose calls are bound at their first use: global_copy COPY PLUGIN. They reach the copy.
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char** argv) {
    void* const copy = argc == 3 ? dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL) : NULL;
    void* const plugin = copy ? dlopen(argv[2], RTLD_LAZY) : NULL;
    if (!plugin) {
        printf("%s\n", dlerror());
        return 1;
    }
    ((void (*)(void))dlsym(plugin, "plugin_fail"))();
    printf("errors: the copy's %d", ((unsigned long (*)(void))dlsym(copy, "ERR_peek_error"))() != 0);
    // Of the plugin's scope: the other one's.
    printf(", the other's %d\n", ((unsigned long (*)(void))dlsym(plugin, "ERR_peek_error"))() != 0);
    return 0;
}
