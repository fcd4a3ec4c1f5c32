// SPDX-License-Identifier: Apache-2.0
//
// Marks each call for a tracer (write to descriptor -1), so that the test sees which system calls each call
// makes. The marks of the rounds before the last two are `warm-up`.
#include "calls.h"

#include <sys/syscall.h>

static void mark(const char* name, int round) {
    char text[64];
    snprintf(text, sizeof text, "mark %s %d", name, round);
    syscall(SYS_write, -1, text, strlen(text));
}

int main(void) {
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    set_up();
    for (int round = 0; round < 5; ++round) {
        for (int i = 0; i < call_count; ++i) {
            mark(calls[i].name, round);
            const int result = calls[i].call();
            mark("between", round);
            printf("%s %d\n", calls[i].name, result);
        }
    }
    mark("end", 0);
    return 0;
}
