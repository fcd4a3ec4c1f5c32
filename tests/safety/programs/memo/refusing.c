// SPDX-License-Identifier: Apache-2.0
//
// A chain that has verified before is refused as soon as stock refuses it: refusing HOW. A chain is verified
// repeatedly (issuers come from a trust file). In between, the code that checks its signatures changes: the
// program's own provider begins to refuse, properties are set, or a provider is unloaded.
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/sha.h>

#include "support.h"

static int closed;

static void* digest_new(void* c) {
    (void)c;
    return calloc(1, sizeof(SHA256_CTX));
}

static void* digest_dup(void* c) {
    void* const n = malloc(sizeof(SHA256_CTX));
    memcpy(n, c, sizeof(SHA256_CTX));
    return n;
}

static int digest_init(void* c, const OSSL_PARAM p[]) {
    (void)p;
    return closed ? 0 : SHA256_Init(c);
}

static int digest_update(void* c, const unsigned char* in, size_t size) {
    return SHA256_Update(c, in, size);
}

static int digest_final(void* c, unsigned char* out, size_t* size, size_t room) {
    (void)room;
    *size = SHA256_DIGEST_LENGTH;
    return SHA256_Final(out, c);
}

static int digest_params(OSSL_PARAM p[]) {
    OSSL_PARAM* q = OSSL_PARAM_locate(p, OSSL_DIGEST_PARAM_BLOCK_SIZE);
    if (q) {
        OSSL_PARAM_set_size_t(q, 64);
    }
    if ((q = OSSL_PARAM_locate(p, OSSL_DIGEST_PARAM_SIZE))) {
        OSSL_PARAM_set_size_t(q, SHA256_DIGEST_LENGTH);
    }
    if ((q = OSSL_PARAM_locate(p, OSSL_DIGEST_PARAM_ALGID_ABSENT))) {
        OSSL_PARAM_set_int(q, 1);
    }
    return 1;
}

static const OSSL_PARAM* digest_gettable(void* c) {
    (void)c;
    static const OSSL_PARAM known[] = {OSSL_PARAM_size_t(OSSL_DIGEST_PARAM_BLOCK_SIZE, NULL),
                                       OSSL_PARAM_size_t(OSSL_DIGEST_PARAM_SIZE, NULL),
                                       OSSL_PARAM_int(OSSL_DIGEST_PARAM_ALGID_ABSENT, NULL), OSSL_PARAM_END};
    return known;
}

#define F(id, f)                                                                                             \
    { id, (void (*)(void))(f) }
static const OSSL_DISPATCH sha256[] = {F(OSSL_FUNC_DIGEST_NEWCTX, digest_new),
                                       F(OSSL_FUNC_DIGEST_FREECTX, free),
                                       F(OSSL_FUNC_DIGEST_DUPCTX, digest_dup),
                                       F(OSSL_FUNC_DIGEST_INIT, digest_init),
                                       F(OSSL_FUNC_DIGEST_UPDATE, digest_update),
                                       F(OSSL_FUNC_DIGEST_FINAL, digest_final),
                                       F(OSSL_FUNC_DIGEST_GET_PARAMS, digest_params),
                                       F(OSSL_FUNC_DIGEST_GETTABLE_PARAMS, digest_gettable),
                                       {0, NULL}};
static const OSSL_ALGORITHM algorithms[] = {
    {"SHA2-256:SHA-256:SHA256:2.16.840.1.101.3.4.2.1", "provider=gate", sha256, NULL},
    {NULL, NULL, NULL, NULL}};

static const OSSL_ALGORITHM* query(void* c, int operation, int* no_cache) {
    (void)c;
    *no_cache = closed > 1; // a provider may ask that its answers are not kept
    return operation == OSSL_OP_DIGEST ? algorithms : NULL;
}

static const OSSL_DISPATCH functions[] = {F(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query), {0, NULL}};

static int gate_init(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH* in, const OSSL_DISPATCH** out,
                     void** c) {
    (void)in;
    *out = functions;
    *c = (void*)handle;
    return 1;
}

static OSSL_LIB_CTX* library;
static const char* properties;
static X509_STORE* store;

static X509* in_context(const char* name) {
    X509* x = X509_new_ex(library, properties);
    BIO* const in = BIO_new_file(pki(name), "r");
    MUST(PEM_read_bio_X509(in, &x, NULL, NULL));
    BIO_free(in);
    return x;
}

static X509* stored(const char* common_name) {
    STACK_OF(X509_OBJECT)* const all = X509_STORE_get0_objects(store);
    for (int i = 0; i < sk_X509_OBJECT_num(all); ++i) {
        X509* const x = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(all, i));
        char name[256];
        if (strstr(X509_NAME_oneline(X509_get_subject_name(x), name, sizeof name), common_name)) {
            return x;
        }
    }
    MUST(0);
    return NULL;
}

// The leaf is the program's own; the issuer comes from the store, so its signature may be in the memo.
static void check(const char* label) {
    X509* const leaf = in_context("server.cert.pem");
    for (int i = 0; i < 2; ++i) {
        X509_STORE_CTX* const c = X509_STORE_CTX_new_ex(library, properties);
        MUST(X509_STORE_CTX_init(c, store, i ? stored("CA mid") : leaf, NULL));
        const int result = X509_verify_cert(c);
        printf("%s, %s: %d %d at %d\n", label, i ? "issuer" : "leaf", result, X509_STORE_CTX_get_error(c),
               X509_STORE_CTX_get_error_depth(c));
        X509_STORE_CTX_free(c);
    }
    X509_free(leaf);
    ERR_clear_error();
}

int main(int argc, char** argv) {
    MUST(argc > 1);
    const char* const how = argv[1];
    OSSL_PROVIDER* standard = NULL;
    OSSL_PROVIDER* gate = NULL;
    const int gated = strncmp(how, "gate", 4) == 0;
    if (strstr(how, "context")) {
        library = OSSL_LIB_CTX_new();
    }
    if (!strstr(how, "plain")) {
        standard = OSSL_PROVIDER_load(library, "default");
        MUST(standard);
    }
    if (gated) {
        MUST(OSSL_PROVIDER_add_builtin(library, "gate", gate_init));
        gate = OSSL_PROVIDER_load(library, "gate");
        MUST(gate);
        if (strstr(how, "query")) {
            properties = "?provider=gate";
        } else {
            MUST(EVP_set_default_properties(library, "?provider=gate"));
        }
    }
    store = X509_STORE_new();
    MUST(X509_STORE_load_file_ex(store, pki("chain.bundle.pem"), library, properties));
    check("first");
    check("second");
    check("third");
    if (gated) {
        for (int i = 0; i < 3; ++i) {
            closed = strstr(how, "no-cache") ? 2 : 1;
            check("refused by the provider");
            closed = 0;
            check("allowed again");
        }
        if (strstr(how, "unload")) {
            OSSL_PROVIDER_unload(gate);
            closed = 1;
            check("without the provider");
            check("again");
        }
    } else if (strstr(how, "properties")) {
        for (int i = 0; i < 2; ++i) {
            printf("set %d\n", EVP_set_default_properties(library, "provider=nobody"));
            check("nobody's properties");
            printf("set %d\n", EVP_set_default_properties(library, ""));
            check("no properties");
        }
    } else if (strstr(how, "fips")) {
        for (int i = 0; i < 2; ++i) {
            printf("set %d\n", EVP_default_properties_enable_fips(library, 1));
            check("FIPS demanded");
            printf("set %d\n", EVP_default_properties_enable_fips(library, 0));
            check("not demanded");
        }
    } else if (strstr(how, "unload")) {
        printf("unload %d\n", OSSL_PROVIDER_unload(standard));
        check("without the default provider");
        printf("load %d\n", OSSL_PROVIDER_load(library, "base") != NULL);
        check("with the base provider");
        printf("load %d\n", OSSL_PROVIDER_load(library, "default") != NULL);
        check("with the default provider again");
    } else if (strstr(how, "switch")) {
        OSSL_LIB_CTX* const empty = OSSL_LIB_CTX_new();
        MUST(OSSL_PROVIDER_load(empty, "base"));
        OSSL_LIB_CTX* const before = OSSL_LIB_CTX_set0_default(empty);
        check("another default context");
        OSSL_LIB_CTX_set0_default(before);
        check("the first one again");
    }
    tell_hits();
    return 0;
}
