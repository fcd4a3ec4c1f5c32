// SPDX-License-Identifier: Apache-2.0
//
// An auditor by LD_AUDIT. -DREFUSES: it binds X509_verify_cert to a function of its own that refuses.
// Otherwise it only observes.
#define _GNU_SOURCE
#include <link.h>
#include <stdint.h>
#include <string.h>

unsigned int la_version(unsigned int version) {
    return version < LAV_CURRENT ? version : LAV_CURRENT;
}

unsigned int la_objopen(struct link_map* map, Lmid_t space, uintptr_t* cookie) {
    (void)map, (void)space, (void)cookie;
    return LA_FLG_BINDTO | LA_FLG_BINDFROM;
}

#ifdef REFUSES
static int refuse(void* context) {
    (void)context;
    return 0;
}
#endif

uintptr_t la_symbind64(Elf64_Sym* symbol, unsigned int index, uintptr_t* from, uintptr_t* to,
                       unsigned int* flags, const char* name) {
    (void)index, (void)from, (void)to, (void)flags;
#ifdef REFUSES
    if (strcmp(name, "X509_verify_cert") == 0) {
        return (uintptr_t)refuse;
    }
#else
    (void)name;
#endif
    return symbol->st_value;
}
