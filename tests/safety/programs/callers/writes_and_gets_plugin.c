// SPDX-License-Identifier: Apache-2.0
//
// A plugin that gets objects itself and writes to them, by calls that are bound at their first use. With
// SLOW, the dynamic linker needs some tenths of a second to relocate it. With GIVEN, it names only a function
// that writes, and the program gives it the object.
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#ifdef SLOW
static void nothing(void) {}
static void (*after_a_while(void))(void) {
    for (volatile unsigned i = 0; i < 400u * 1000 * 1000; ++i) {
    }
    return &nothing;
}
void plugin_nothing(void) __attribute__((ifunc("after_a_while")));
void (*const plugin_function)(void) = &plugin_nothing; // resolved before the slots of calls
#endif

#ifdef GIVEN
void plugin_write_to(X509* given) {
    X509_alias_set1(given, (const unsigned char*)"mine", 4);
}
#else
void plugin_write(const SSL* connection, X509_STORE* store) {
    X509_alias_set1(SSL_get0_peer_certificate(connection), (const unsigned char*)"mine", 4);
    STACK_OF(X509)* const roots = X509_STORE_get1_all_certs(store);
    X509_add1_reject_object(sk_X509_value(roots, 0), OBJ_nid2obj(NID_server_auth));
    sk_X509_pop_free(roots, X509_free);
}
#endif
