// SPDX-License-Identifier: Apache-2.0
//
// A program without OpenSSL opens libraries, and calls a function of the last one:
// opens_in_turn LIBRARY... FUNCTION.
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char** argv) {
    void* last = NULL;
    for (int i = 1; i < argc - 1; ++i) {
        last = dlopen(argv[i], RTLD_LAZY);
        if (!last) {
            printf("%s\n", dlerror());
            return 1;
        }
    }
    void (*call)(void) = last ? (void (*)(void))dlsym(last, argv[argc - 1]) : NULL;
    if (!call) {
        return 1;
    }
    call();
    puts("end");
    return 0;
}
