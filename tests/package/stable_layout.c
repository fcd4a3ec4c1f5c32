/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs that were compiled with an older ibid_openssl.h continue to work: numbers and offsets never
 * change; additions come at the end. Only compiled. */
#include <stddef.h>

#include "ibid_openssl.h"

#define IBID_AT(field, place)                                                                                \
    _Static_assert(offsetof(struct ibid_openssl_statistics, field) == (place)*8, #field " has moved")

_Static_assert(sizeof(void*) == 8, "the processors that ibid is for");
IBID_AT(size, 0);
IBID_AT(hits, 1);
IBID_AT(misses, 2);
IBID_AT(evictions, 3);
IBID_AT(detached, 4);
IBID_AT(bytes_not_parsed, 5);
IBID_AT(active, 6);
IBID_AT(retained, 7);
IBID_AT(retained_bytes, 8);
_Static_assert(IBID_OPENSSL_CERTIFICATES == 0 && IBID_OPENSSL_TRUST_STORES == 1 &&
                   IBID_OPENSSL_SIGNATURES == 2,
               "a kind has another number");
_Static_assert(IBID_OPENSSL_FEATURE_PEERS == 0 && IBID_OPENSSL_FEATURE_TRUST_STORES == 1 &&
                   IBID_OPENSSL_FEATURE_VERIFY_MEMO == 2 && IBID_OPENSSL_FEATURE_CALLS == 3,
               "a feature has another number");
