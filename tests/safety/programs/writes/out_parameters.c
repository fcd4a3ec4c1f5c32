// SPDX-License-Identifier: Apache-2.0
//
// A function whose name is not that of a setter writes to an object through an argument: out_parameters,
// built with -DHOW=NUMBER, because the functions that a program references decide what it may do. One store's
// root is written to; another store of the same file, and later connections, do not see the change.
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "../support.h"

static UNUSED X509_ALGOR* algorithm_of_key(X509* x) {
    X509_ALGOR* algorithm = NULL;
    MUST(X509_PUBKEY_get0_param(NULL, NULL, NULL, &algorithm, X509_get_X509_PUBKEY(x)) == 1);
    return algorithm;
}

static UNUSED unsigned char text[] = "0123456789abcdef";

#if HOW == 8
static BIO* another_key(void) {
    BIO* const pem = BIO_new(BIO_s_mem());
    MUST(PEM_write_bio_X509_PUBKEY(pem, X509_get_X509_PUBKEY(certificate_in("stranger.cert.pem"))) == 1);
    return pem;
}
#endif

static void write_to(X509* x) {
#if HOW == 1
    ASN1_GENERALIZEDTIME* into = X509_getm_notAfter(x);
    MUST(ASN1_TIME_to_generalizedtime(X509_get0_notBefore(x), &into) == into);
#elif HOW == 2
    MUST(ASN1_TYPE_set_octetstring(algorithm_of_key(x)->parameter, text, 4) == 1);
#elif HOW == 3
    MUST(ASN1_TYPE_set_int_octetstring(algorithm_of_key(x)->parameter, 5, text, 4) == 1);
#elif HOW == 4
    MUST(ASN1_TYPE_pack_sequence(ASN1_ITEM_rptr(ASN1_INTEGER), X509_get_serialNumber(x),
                                 &algorithm_of_key(x)->parameter));
#elif HOW == 5
    MUST(PKCS5_pbe_set0_algor(algorithm_of_key(x), NID_pbeWithMD5AndDES_CBC, 2, text, 8) == 1);
#elif HOW == 6
    EVP_CIPHER_CTX* const cipher = EVP_CIPHER_CTX_new();
    MUST(EVP_EncryptInit_ex(cipher, EVP_aes_128_cbc(), NULL, text, text) == 1);
    MUST(EVP_CIPHER_set_asn1_iv(cipher, algorithm_of_key(x)->parameter) > 0);
    EVP_CIPHER_CTX_free(cipher);
#elif HOW == 7
    EVP_CIPHER_CTX* const cipher = EVP_CIPHER_CTX_new();
    MUST(EVP_EncryptInit_ex(cipher, EVP_aes_128_cbc(), NULL, text, text) == 1);
    MUST(EVP_CIPHER_param_to_asn1(cipher, algorithm_of_key(x)->parameter) > 0);
    EVP_CIPHER_CTX_free(cipher);
#elif HOW == 8
    X509_PUBKEY* into = (X509_PUBKEY*)X509_get_X509_PUBKEY(x);
    MUST(PEM_read_bio_X509_PUBKEY(another_key(), &into, NULL, NULL) == into);
#elif HOW == 9 && OPENSSL_VERSION_MAJOR >= 4
    (void)x;
    not_in_this_openssl();
#elif HOW == 9
    int (*init)(EVP_PKEY_CTX*);
    int (*generate)(EVP_PKEY_CTX*, EVP_PKEY*);
    EVP_PKEY_meth_get_keygen(EVP_PKEY_meth_find(EVP_PKEY_EC), &init, &generate);
    EVP_PKEY_CTX* const context = EVP_PKEY_CTX_new(EVP_EC_gen("P-256"), NULL);
    MUST(generate(context, X509_get0_pubkey(x)) == 1);
#elif HOW == 10
    int (*generate)(EC_KEY*);
    EC_KEY_METHOD_get_keygen(EC_KEY_OpenSSL(), &generate);
    MUST(generate(EVP_PKEY_get1_EC_KEY(X509_get0_pubkey(x))) == 1);
#elif HOW == 11
    EC_KEY* into = EVP_PKEY_get1_EC_KEY(X509_get0_pubkey(x));
    BIO* const der = BIO_new(BIO_s_mem());
    MUST(i2d_ECPrivateKey_bio(der, EVP_PKEY_get1_EC_KEY(EVP_EC_gen("P-256"))) == 1);
    MUST(d2i_ECPrivateKey_bio(der, &into) == into);
#endif
}

static void show_key(const char* label, X509* x) {
    unsigned char* der = NULL;
    const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
    printf("%s: key as it is now %d %016llx\n", label, size, size > 0 ? fingerprint(der, (size_t)size) : 0);
    OPENSSL_free(der);
    EC_KEY* const old_form = EVP_PKEY_get1_EC_KEY(X509_get0_pubkey(x));
    printf("%s: a private key %d\n", label, EC_KEY_get0_private_key(old_form) != NULL);
    EC_KEY_free(old_form);
}

int main(void) {
    SSL_CTX* const server = server_context("server");
    SSL_CTX* const other = client_context("root.cert.pem", NULL);
    MUST(visit(other, server) == 1);
    SSL_CTX* const own = client_context("root.cert.pem", NULL);
    tell_hits();
    X509* const root =
        X509_OBJECT_get0_X509(sk_X509_OBJECT_value(X509_STORE_get0_objects(SSL_CTX_get_cert_store(own)), 0));
    MUST(root);
    write_to(root);
    if (HOW < 9) { // then it has a random key
        show("own", root);
        show_key("own", root);
    }
    X509* const others = X509_OBJECT_get0_X509(
        sk_X509_OBJECT_value(X509_STORE_get0_objects(SSL_CTX_get_cert_store(other)), 0));
    show("other's", others);
    show_key("other's", others);
    struct tls t = handshake(other, server);
    show_result("other", &t);
    show("other's peer", SSL_get0_peer_certificate(t.client));
    show_errors("other");
    finish(&t);
    t = handshake(own, server);
    show_result("own", &t);
    show_errors("own");
    finish(&t);
    return 0;
}
