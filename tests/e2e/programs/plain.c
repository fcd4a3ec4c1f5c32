/* SPDX-License-Identifier: Apache-2.0
 * A program without OpenSSL; statically linked, it has no dynamic linker either. */
#include <stdio.h>

int main(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        puts(argv[i]);
    }
    fputs("to standard error\n", stderr);
    return 7;
}
