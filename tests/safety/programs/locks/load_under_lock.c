// SPDX-License-Identifier: Apache-2.0
//
// A thread that has locked a store loads a file into it that another store was loaded from.
#include "support.h"

int main(void) {
    X509_STORE* const known = X509_STORE_new();
    X509_STORE* const store = X509_STORE_new();
    MUST(known && store && X509_STORE_load_file(known, pki("root.cert.pem")) == 1);
    MUST(X509_STORE_lock(store));
    printf("file: %d\n", X509_STORE_load_file(store, pki("root.cert.pem")));
    show_errors("file");
    printf("locations: %d\n", X509_STORE_load_locations(store, pki("root.cert.pem"), NULL));
    show_errors("locations");
    MUST(X509_STORE_unlock(store));
    X509_STORE_free(store);
    X509_STORE_free(known);
    return 0;
}
