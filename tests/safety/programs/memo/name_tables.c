// SPDX-License-Identifier: Apache-2.0
//
// A program that changes the tables in which OpenSSL looks up algorithms: name_tables, built with
// -DHOW=NUMBER. A signature that verified before fails afterwards as in stock, with the same errors.
#include <openssl/objects.h>

#include "../support.h"

int main(void) {
    SSL_CTX* const server = server_context("server");
    SSL_CTX* const client = client_context("root.cert.pem", NULL);
    for (int i = 0; i < 2; ++i) {
        struct tls t = handshake(client, server);
        show_result("before", &t);
        finish(&t);
    }
#if HOW == 1
    OBJ_NAME_remove("SHA256", OBJ_NAME_TYPE_MD_METH);
    OBJ_NAME_remove("sha256", OBJ_NAME_TYPE_MD_METH);
#elif HOW == 2
    OBJ_NAME_cleanup(OBJ_NAME_TYPE_MD_METH);
#elif HOW == 3
    MUST(OBJ_NAME_add("SHA256", OBJ_NAME_TYPE_MD_METH, (const char*)EVP_md_null()));
#elif HOW == 4
    printf("added: %d\n", OBJ_add_sigid(NID_ecdsa_with_SHA256, NID_md5, NID_X9_62_id_ecPublicKey));
#endif
    for (int i = 0; i < 2; ++i) {
        struct tls t = handshake(client, server);
        show_result("after", &t);
        show_errors("after");
        finish(&t);
    }
    return 0;
}
