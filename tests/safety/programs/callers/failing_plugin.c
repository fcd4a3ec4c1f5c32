// SPDX-License-Identifier: Apache-2.0
//
// A plugin that reads nothing from nothing: it leaves an error in the queue of the OpenSSL that its call
// reaches.
#include <openssl/pem.h>

void plugin_fail(void) {
    BIO* const empty = BIO_new_mem_buf("", 0);
    X509_free(PEM_read_bio_X509(empty, NULL, NULL, NULL));
    BIO_free(empty);
}
