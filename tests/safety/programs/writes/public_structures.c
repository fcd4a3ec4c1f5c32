// SPDX-License-Identifier: Apache-2.0
//
// A function writes to a part of a certificate that a getter gives as a const structure, whose members are
// public pointers: public_structures, built with -DHOW=NUMBER, because the functions that a program
// references decide what it may do. Another store of the same file does not see the change.
#include <openssl/x509v3.h>

#include "support.h"

static X509* only_in(SSL_CTX* c) {
    X509* const x =
        X509_OBJECT_get0_X509(sk_X509_OBJECT_value(X509_STORE_get0_objects(SSL_CTX_get_cert_store(c)), 0));
    MUST(x);
    return x;
}

static void write_to(X509* x) {
#if HOW == 1
    MUST(ASN1_TYPE_set_octetstring(X509_get0_tbs_sigalg(x)->parameter, (unsigned char*)"text", 4) == 1);
#elif HOW == 2
    const X509_ALGOR* algorithm = NULL;
    X509_get0_signature(NULL, &algorithm, x);
    MUST(ASN1_TYPE_set_int_octetstring(algorithm->parameter, 5, (unsigned char*)"text", 4) == 1);
#else
    GENERAL_NAME* name = sk_GENERAL_NAME_value(X509_get0_authority_issuer(x), 0);
#if HOW == 3
    static const unsigned char der[] = {0x82, 3, 'a', '.', 'b'};
    const unsigned char* p = der;
    MUST(d2i_GENERAL_NAME(&name, &p, sizeof der) == name);
#elif HOW == 4
    MUST(a2i_GENERAL_NAME(name, NULL, NULL, GEN_DNS, "a.b", 0) == name);
#elif HOW == 5
    MUST(X509_NAME_add_entry_by_txt(name->d.directoryName, "OU", MBSTRING_ASC, (const unsigned char*)"new",
                                    -1, -1, 0) == 1);
#endif
#endif
}

static void show_parts(const char* label, X509* x) {
    const X509_ALGOR* outer = NULL;
    X509_get0_signature(NULL, &outer, x);
    const X509_ALGOR* const inner = X509_get0_tbs_sigalg(x);
    GENERAL_NAME* const name = sk_GENERAL_NAME_value(X509_get0_authority_issuer(x), 0);
    unsigned char* der = NULL;
    const int size = i2d_GENERAL_NAME(name, &der);
    MUST(size > 0);
    printf("%s: parameters %d %d, name of the issuer %016llx\n", label, ASN1_TYPE_get(inner->parameter),
           ASN1_TYPE_get(outer->parameter), fingerprint(der, (size_t)size));
    OPENSSL_free(der);
}

int main(void) {
    SSL_CTX* const other = client_context("structures.cert.pem", NULL);
    SSL_CTX* const own = client_context("structures.cert.pem", NULL);
    show_parts("before", only_in(own));
    write_to(only_in(own));
    show_parts("own", only_in(own));
    show_parts("other's", only_in(other));
    show_parts("a new context's", only_in(client_context("structures.cert.pem", NULL)));
    puts("end");
    return 0;
}
