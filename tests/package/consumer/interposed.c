/* SPDX-License-Identifier: Apache-2.0
 *
 * The smallest program with ibid linked in front of OpenSSL: it checks that libssl's calls are intercepted.
 * */
#include <ibid_openssl.h>
#include <openssl/ssl.h>
#include <stdio.h>

int main(void) {
    SSL_CTX_free(SSL_CTX_new(TLS_method()));
    const char* const why_not = ibid_openssl_why_not(IBID_OPENSSL_FEATURE_PEERS);
    if (why_not != NULL) {
        fprintf(stderr, "%s\n", why_not);
    }
    return why_not != NULL;
}
