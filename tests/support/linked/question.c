// SPDX-License-Identifier: Apache-2.0
//
// A library that calls its own exported function in another file. How it was linked decides which definition
// is called. It also refers to functions of the C library in each possible way: called, never called, and
// kept in a table.
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

int ibid_test_answer(void);
int ibid_test_question(void);
int ibid_test_hidden(void);

int ibid_test_value = 42;
pid_t (*ibid_test_table[])(void) = {&getppid};

__attribute__((visibility("hidden"))) int ibid_test_hidden(void) {
    return ibid_test_table[0] != 0;
}

int ibid_test_question(void) {
    const pid_t self = getpid();
    if (self == 0) { // never
        kill(self, SIGKILL);
    }
    return ibid_test_answer() + (self > 0) + ibid_test_hidden();
}
