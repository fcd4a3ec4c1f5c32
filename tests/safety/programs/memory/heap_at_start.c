// SPDX-License-Identifier: Apache-2.0
//
// How much of the heap is in use when a program starts.
#include <malloc.h>
#include <stdio.h>

int main(void) {
    const struct mallinfo2 heap = mallinfo2();
    fprintf(stderr, "figure heap %zu\n", heap.uordblks + heap.hblkhd);
    puts("begun");
    return 0;
}
