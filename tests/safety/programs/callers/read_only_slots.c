// SPDX-License-Identifier: Apache-2.0
//
// A library with addresses in read-only pages: among its code (text relocations), and in a page that its
// constructor protects.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/mman.h>

typedef void* function(void*, const char*);

function* const among_code[] = {dlsym};

struct page {
    function* look_up;
    char rest[4096 - sizeof(function*)];
};
struct page protected_page __attribute__((aligned(4096))) = {dlsym, {0}};

__attribute__((constructor)) static void protect(void) {
    mprotect(&protected_page, sizeof protected_page, PROT_READ);
}
