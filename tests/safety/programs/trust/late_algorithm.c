// SPDX-License-Identifier: Apache-2.0
//
// A provider brings the algorithm of an authority's signature after contexts have loaded the authority.
#include <openssl/core_dispatch.h>
#include <openssl/provider.h>

#include "support.h"

static int init(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH* in, const OSSL_DISPATCH** out,
                void** context) {
    static const OSSL_DISPATCH nothing[] = {{0, NULL}};
    OSSL_FUNC_core_obj_create_fn* create = NULL;
    OSSL_FUNC_core_obj_add_sigid_fn* add = NULL;
    for (; in->function_id != 0; ++in) {
        create = in->function_id == OSSL_FUNC_CORE_OBJ_CREATE ? OSSL_FUNC_core_obj_create(in) : create;
        add = in->function_id == OSSL_FUNC_CORE_OBJ_ADD_SIGID ? OSSL_FUNC_core_obj_add_sigid(in) : add;
    }
    MUST(create && create(handle, "1.3.6.1.4.1.9999.1", "late", "late") == 1);
    MUST(add && add(handle, "late", "SHA256", "id-ecPublicKey") == 1);
    *out = nothing;
    *context = (void*)handle;
    return 1;
}

static void connect_with(const char* label, SSL_CTX* client, SSL_CTX* server) {
    for (int i = 0; i < 2; ++i) {
        struct tls t = handshake(client, server);
        show_result(label, &t);
        show_errors(label);
        finish(&t);
    }
}

int main(void) {
    SSL_CTX* const server = server_context("late");
    SSL_CTX* const early = client_context("late.bundle.pem", NULL);
    SSL_CTX* const early_and_used = client_context("late.bundle.pem", NULL);
    connect_with("before", early_and_used, server);
    MUST(OSSL_PROVIDER_load(NULL, "default"));
    MUST(OSSL_PROVIDER_add_builtin(NULL, "late", init) == 1);
    MUST(OSSL_PROVIDER_load(NULL, "late"));
    connect_with("early", early, server);
    connect_with("early and used", early_and_used, server);
    connect_with("later", client_context("late.bundle.pem", NULL), server);
    puts("end");
    return 0;
}
