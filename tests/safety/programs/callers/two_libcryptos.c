// SPDX-License-Identifier: Apache-2.0
//
// Two libcryptos in one process: two_libcryptos HOW COPY. The program is linked with the system's and opens a
// copy of it, which is another file. Each call must reach the libcrypto to which it was made: a provider that
// is loaded in one is not loaded in the other.
#include "support.h"

#include <openssl/provider.h>

static void* other;

static void* find(const char* name) {
    void* const f = dlsym(other, name);
    if (!f) {
        printf("%s\n", dlerror());
        exit(1);
    }
    return f;
}

static unsigned char der[8192];

int main(int argc, char** argv) {
    MUST(argc > 2);
    const char* const how = argv[1];
    const int first = argc > 3; // the copy is used before the program's own
    other = dlopen(argv[2], RTLD_NOW | RTLD_LOCAL | (strcmp(how, "deepbind") == 0 ? RTLD_DEEPBIND : 0));
    if (!other) {
        printf("%s\n", dlerror());
        return 1;
    }
    void* (*load)(void*, const char*) = (void* (*)(void*, const char*))find("OSSL_PROVIDER_load");
    int (*unload)(void*) = (int (*)(void*))find("OSSL_PROVIDER_unload");
    int (*available)(void*, const char*) = (int (*)(void*, const char*))find("OSSL_PROVIDER_available");
    X509* (*parse)(X509**, const unsigned char**, long) =
        (X509 * (*)(X509**, const unsigned char**, long)) find("d2i_X509");
    void (*release)(X509*) = (void (*)(X509*))find("X509_free");
    void* (*rsa)(void**, const unsigned char**, long) =
        (void* (*)(void**, const unsigned char**, long))find("d2i_RSAPrivateKey");
    void* (*item_d2i)(void**, const unsigned char**, long, const void*) =
        (void* (*)(void**, const unsigned char**, long, const void*))find("ASN1_item_d2i");
    const void* (*item)(void) = (const void* (*)(void))find("X509_it");
    void* (*store)(void) = (void* (*)(void))find("X509_STORE_new");
    int (*load_file)(void*, const char*) = (int (*)(void*, const char*))find("X509_STORE_load_file");
    unsigned long (*error)(void) = (unsigned long (*)(void))find("ERR_get_error");
    printf("functions differ %d\n", (void*)load != (void*)OSSL_PROVIDER_load);

    if (!first) {
        printf("own handshake %d\n",
               visit(client_context("trust.bundle.pem", NULL), server_context("server")));
    }
    void* const legacy = load(NULL, "legacy");
    printf("copy: legacy %d", legacy != NULL);
    void* const standard = load(NULL, "default");
    printf(" default %d; copy has %d %d", standard != NULL, available(NULL, "legacy"),
           available(NULL, "default"));
    printf("; own has %d %d\n", OSSL_PROVIDER_available(NULL, "legacy"),
           OSSL_PROVIDER_available(NULL, "default"));

    const long size = read_file(pki("client.cert.der"), der, sizeof der);
    for (int i = 0; i < 3; ++i) {
        const unsigned char* p = der;
        X509* const theirs = parse(NULL, &p, size);
        printf("copy parsed %d, %ld", theirs != NULL, (long)(p - der));
        p = der;
        X509* const ours = d2i_X509(NULL, &p, size);
        printf(", own parsed %d, %ld, differ %d", ours != NULL, (long)(p - der), ours != theirs);
        p = der;
        X509* const by_item = item_d2i(NULL, &p, size, item());
        printf(", by item %d\n", by_item != NULL && by_item != ours);
        release(theirs);
        X509_free(ours);
        release(by_item);
    }
    const long key = read_file(pki("rsa.key.der"), der, sizeof der);
    const unsigned char* p = der;
    printf("copy: key %d", rsa(NULL, &p, key) != NULL);
    void* const s = store();
    printf(", store %d", load_file(s, pki("crls.bundle.pem")));
    printf(" and again %d", load_file(store(), pki("crls.bundle.pem")));
    printf(", nothing %d", load_file(s, "/nowhere"));
    unsigned long code;
    int errors = 0;
    while ((code = error()) != 0) {
        ++errors;
    }
    printf(", copy's errors %d, own %d\n", errors, ERR_peek_error() != 0);
    X509_STORE* const ours = X509_STORE_new();
    printf("own store %d\n", X509_STORE_load_file(ours, pki("crls.bundle.pem")));
    printf("copy unloads %d %d; own handshake %d\n", unload(legacy), unload(standard),
           visit(client_context("trust.bundle.pem", NULL), server_context("server")));
    OSSL_PROVIDER* const here = OSSL_PROVIDER_load(NULL, "legacy");
    printf("own legacy %d; copy has %d\n", here != NULL, available(NULL, "legacy"));
    puts("end");
    return 0;
}
