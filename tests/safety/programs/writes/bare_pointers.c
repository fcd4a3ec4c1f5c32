// SPDX-License-Identifier: Apache-2.0
//
// A program that references no function that writes, and writes through members of public structures:
// bare_pointers PEER|ROOT WAY, where WAY is one getter of a pointer into a certificate, or that getter with
// '@' before it: then it is looked up by dlsym. Objects that are handed out afterwards are as in stock.
#include <stdint.h>

#include "../support.h"

static unsigned char* bytes_by(const char* way, X509* x) {
#define GETTER(name) (*way == '@' ? (__typeof__(&name))dlsym(RTLD_DEFAULT, #name) : &name)
#define IS(name) (strcmp(way + (*way == '@'), #name) == 0)
    if (IS(X509_get_serialNumber)) {
        return GETTER(X509_get_serialNumber)(x)->data + 1;
    }
    if (IS(X509_get0_serialNumber)) {
        return GETTER(X509_get0_serialNumber)(x)->data + 1;
    }
    if (IS(X509_getm_notAfter)) {
        return GETTER(X509_getm_notAfter)(x)->data + 1;
    }
    if (IS(X509_getm_notBefore)) {
        return GETTER(X509_getm_notBefore)(x)->data + 1;
    }
    if (IS(X509_get0_notAfter)) {
        return GETTER(X509_get0_notAfter)(x)->data + 1;
    }
    if (IS(X509_get0_notBefore)) {
        return GETTER(X509_get0_notBefore)(x)->data + 1;
    }
    if (IS(X509_get_subject_name)) {
        return X509_NAME_ENTRY_get_data(X509_NAME_get_entry(GETTER(X509_get_subject_name)(x), 0))->data;
    }
    if (IS(X509_get_issuer_name)) {
        return X509_NAME_ENTRY_get_data(X509_NAME_get_entry(GETTER(X509_get_issuer_name)(x), 0))->data;
    }
    if (IS(X509_get_ext)) {
        return X509_EXTENSION_get_data(GETTER(X509_get_ext)(x, 0))->data + 2;
    }
    if (IS(X509_get0_extensions)) {
        const STACK_OF(X509_EXTENSION)* const all = GETTER(X509_get0_extensions)(x);
        return X509_EXTENSION_get_data(sk_X509_EXTENSION_value(all, 0))->data + 2;
    }
    if (IS(X509_get0_pubkey_bitstr)) {
        return GETTER(X509_get0_pubkey_bitstr)(x)->data + 9;
    }
    if (IS(X509_get_X509_PUBKEY)) {
        const unsigned char* key = NULL;
        int size = 0;
        MUST(X509_PUBKEY_get0_param(NULL, &key, &size, NULL, GETTER(X509_get_X509_PUBKEY)(x)) == 1);
        return (unsigned char*)key + 9;
    }
    if (strcmp(way, "algorithm") == 0) { // of the key
        static unsigned char unused;
        X509_ALGOR* of_key = NULL;
        MUST(X509_PUBKEY_get0_param(NULL, NULL, NULL, &of_key, X509_get_X509_PUBKEY(x)) == 1);
        of_key->algorithm = OBJ_nid2obj(NID_rsaEncryption);
        return &unused;
    }
    if (strcmp(way, "type") == 0) { // of a time: the next verification reads a different time
        return (unsigned char*)&X509_getm_notAfter(x)->type;
    }
#if OPENSSL_VERSION_MAJOR >= 4
    if (strcmp(way, "flags") == 0 || strcmp(way, "end") == 0) {
        not_in_this_openssl(); // strings are not public any more: no program can mean to write there
    }
#endif
    if (strcmp(way, "flags") == 0) {
        return (unsigned char*)&X509_get0_pubkey_bitstr(x)->flags;
    }
    if (strcmp(way, "end") == 0) {
        return X509_getm_notAfter(x)->data + X509_getm_notAfter(x)->length;
    }
    if (IS(X509_get0_signature)) {
        const ASN1_BIT_STRING* signature = NULL;
        GETTER(X509_get0_signature)(&signature, NULL, x);
        return signature->data + 9;
    }
    if (IS(X509_get0_tbs_sigalg)) {
        return (unsigned char*)&GETTER(X509_get0_tbs_sigalg)(x)->parameter;
    }
    if (IS(X509_get0_subject_key_id)) {
        return GETTER(X509_get0_subject_key_id)(x)->data;
    }
    if (IS(X509_get0_authority_key_id)) {
        return GETTER(X509_get0_authority_key_id)(x)->data;
    }
    MUST(0);
    return NULL;
}

static void show_reading(const char* label, X509* x) {
    unsigned long long whole = 0;
    char name[256];
    const ASN1_BIT_STRING* signature = NULL;
    X509_get0_signature(&signature, NULL, x);
    whole += fingerprint(signature->data, (size_t)signature->length);
    const ASN1_OCTET_STRING* const ids[] = {X509_get0_subject_key_id(x), X509_get0_authority_key_id(x)};
    for (int i = 0; i < 2; ++i) {
        whole += ids[i] ? fingerprint(ids[i]->data, (size_t)ids[i]->length) : 0;
    }
    whole += (unsigned)X509_getm_notAfter(x)->type + 1000 * (unsigned)X509_get0_pubkey_bitstr(x)->flags;
    whole += X509_getm_notAfter(x)->data[X509_getm_notAfter(x)->length];
    ASN1_OBJECT* of_key = NULL;
    MUST(X509_PUBKEY_get0_param(&of_key, NULL, NULL, NULL, X509_get_X509_PUBKEY(x)) == 1);
    whole += (unsigned)OBJ_obj2nid(of_key);
    whole += (uintptr_t)X509_get0_tbs_sigalg(x)->parameter & 1;
    whole += fingerprint(X509_get0_serialNumber(x)->data, (size_t)X509_get0_serialNumber(x)->length);
    whole += fingerprint(X509_get0_pubkey_bitstr(x)->data, (size_t)X509_get0_pubkey_bitstr(x)->length);
    printf("%s: %016llx %s", label, whole, X509_NAME_oneline(X509_get_subject_name(x), name, sizeof name));
    printf(" by %s, until %.15s, from %.15s, extension %016llx\n",
           X509_NAME_oneline(X509_get_issuer_name(x), name, sizeof name), X509_get0_notAfter(x)->data,
           X509_get0_notBefore(x)->data,
           fingerprint(X509_EXTENSION_get_data(X509_get_ext(x, 0))->data,
                       (size_t)X509_EXTENSION_get_data(X509_get_ext(x, 0))->length));
}

int main(int argc, char** argv) {
    MUST(argc > 2);
    const int peer = strcmp(argv[1], "PEER") == 0;
    SSL_CTX* const server = server_context("server");
    SSL_CTX* const client = client_context("trust.bundle.pem", NULL);
    MUST(visit(client, server) == 1);
    struct tls first = handshake(client, server);
    MUST(first.done == 1);
    SSL_CTX* const second = client_context("trust.bundle.pem", NULL);
    tell_hits();
    X509* const x = peer ? SSL_get0_peer_certificate(first.client)
                         : X509_OBJECT_get0_X509(sk_X509_OBJECT_value(
                               X509_STORE_get0_objects(SSL_CTX_get_cert_store(second)), 0));
    MUST(x);
    unsigned char* const byte = bytes_by(argv[2], x);
    *byte ^= 1;
    SSL_CTX* const fresh = client_context("trust.bundle.pem", NULL);
    STACK_OF(X509_OBJECT)* const objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(fresh));
    for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
        show_reading("trusted later", X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i)));
    }
    struct tls last = handshake(fresh, server);
    show_result("later", &last);
    show_reading("a later peer", SSL_get0_peer_certificate(last.client));
    show_errors("later");
    if (strstr(argv[2], "sigalg")) {
        *byte ^= 1; // a pointer, which is about to be freed
    }
    finish(&first);
    finish(&last);
    return 0;
}
