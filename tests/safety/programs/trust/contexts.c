// SPDX-License-Identifier: Apache-2.0
//
// Trust stores of several library contexts that read one URI. An object belongs to the context in which it
// was read, also when that context ends.
#include "support.h"
#include <openssl/provider.h>

static OSSL_LIB_CTX* contexts[2];
static OSSL_PROVIDER* providers[2];

static const char* owner(const EVP_PKEY* key) {
    const OSSL_PROVIDER* const its = key ? EVP_PKEY_get0_provider(key) : NULL;
    return its == NULL           ? "nobody"
           : its == providers[0] ? "the first"
           : its == providers[1] ? "the second"
                                 : "another";
}

static void verify(const char* what, X509_STORE* store, int in) {
    X509* leaf = X509_new_ex(contexts[in], NULL);
    BIO* const file = BIO_new_file(pki("bad-policies.cert.pem"), "r");
    MUST(PEM_read_bio_X509(file, &leaf, NULL, NULL));
    BIO_free(file);
    X509_STORE_CTX* const c = X509_STORE_CTX_new_ex(contexts[in], NULL);
    MUST(X509_STORE_CTX_init(c, store, leaf, NULL));
    const int result = X509_verify_cert(c);
    STACK_OF(X509)* const chain = X509_STORE_CTX_get0_chain(c);
    printf("%s: %d %d, key of %s\n", what, result, X509_STORE_CTX_get_error(c),
           owner(X509_get0_pubkey(sk_X509_value(chain, sk_X509_num(chain) - 1))));
    ERR_clear_error();
    X509_STORE_CTX_free(c);
    X509_free(leaf);
}

static X509_STORE* store_of(int context) {
    X509_STORE* const store = X509_STORE_new();
    MUST(X509_STORE_load_store_ex(store, pki("root.cert.pem"), contexts[context], NULL));
    return store;
}

int main(void) {
    for (int i = 0; i < 2; ++i) {
        MUST(contexts[i] = OSSL_LIB_CTX_new());
        MUST(providers[i] = OSSL_PROVIDER_load(contexts[i], "default"));
    }
    X509_STORE* const first = store_of(0);
    verify("first store, first context", first, 0);
    verify("first store, second context", first, 1);
    X509_STORE* const second = store_of(1);
    verify("second store, second context", second, 1);
    X509_STORE_free(first);
    MUST(OSSL_PROVIDER_unload(providers[0]));
    OSSL_LIB_CTX_free(contexts[0]);
    verify("second store alone", second, 1);
    X509_STORE_free(second);
    MUST(OSSL_PROVIDER_unload(providers[1]));
    OSSL_LIB_CTX_free(contexts[1]);
    puts("end");
    return 0;
}
