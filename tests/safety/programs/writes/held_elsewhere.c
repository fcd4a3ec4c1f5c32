// SPDX-License-Identifier: Apache-2.0
//
// An attacher gives OpenSSL its peer's certificate to hold, and frees its own reference; or takes OpenSSL's
// references and frees those: held_elsewhere WHERE stays|back. What it attaches through either is seen by its
// own connection alone, not by a second one with the same peer.
// -DMESSAGES: also by functions that ibid does not intercept; such a program counts as a writer. -DLOOKED_UP:
// it finds X509_chain_up_ref by dlsym, and counts as one from then on.
#include "support.h"

#ifdef MESSAGES
#include <openssl/cms.h>
#include <openssl/ocsp.h>
#endif

#ifdef LOOKED_UP
typedef STACK_OF(X509) * chain_function(STACK_OF(X509) *);
#define X509_chain_up_ref ((chain_function*)dlsym(RTLD_DEFAULT, "X509_chain_up_ref"))
#endif

static int data_index;

static const char* data_of(X509* x) {
    const char* const found = x ? X509_get_ex_data(x, data_index) : NULL;
    return found ? found : "none";
}

static struct tls connected(SSL_CTX* client, SSL_CTX* server) {
    struct tls t = handshake(client, server);
    show_result("tls", &t);
    return t;
}

// The certificate's other holder; its references can be taken out as a list, if `back`.
struct held {
    X509* x;
    STACK_OF(X509) * back;
};

static STACK_OF(X509) * list_of(X509* x) {
    STACK_OF(X509)* const list = sk_X509_new_null();
    MUST(list && (!x || sk_X509_push(list, x)));
    return list;
}

static struct held hold(const char* where, X509* x, SSL_CTX* client, SSL* ssl) {
    struct held h = {x, NULL};
    if (!strcmp(where, "chain")) {
        STACK_OF(X509)* const list = list_of(x);
        h.back = X509_chain_up_ref(list);
        sk_X509_free(list);
    } else if (!strcmp(where, "list")) {
        h.back = list_of(NULL);
        MUST(X509_add_cert(h.back, x, X509_ADD_FLAG_UP_REF));
    } else if (!strcmp(where, "lists")) {
        STACK_OF(X509)* const list = list_of(x);
        h.back = list_of(NULL);
        MUST(X509_add_certs(h.back, list, X509_ADD_FLAG_UP_REF));
        sk_X509_free(list);
    } else if (!strcmp(where, "verification")) {
        X509_STORE_CTX* const v = X509_STORE_CTX_new();
        MUST(X509_STORE_CTX_init(v, SSL_CTX_get_cert_store(client), x, NULL));
        X509_STORE_CTX_set_flags(v, X509_V_FLAG_PARTIAL_CHAIN);
        printf("verified %d\n", X509_verify_cert(v));
        ERR_clear_error();
        h.back = X509_STORE_CTX_get1_chain(v);
        X509_STORE_CTX_free(v);
    } else if (!strcmp(where, "object")) {
        X509_OBJECT* const object = X509_OBJECT_new();
        MUST(X509_OBJECT_set1_X509(object, x));
        h.x = X509_OBJECT_get0_X509(object);
    } else if (!strcmp(where, "store")) {
        X509_STORE* const store = X509_STORE_new();
        MUST(X509_STORE_add_cert(store, x));
        h.x = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(X509_STORE_get0_objects(store), 0));
    } else if (!strcmp(where, "context")) {
        SSL_CTX* const context = SSL_CTX_new(TLS_method());
        MUST(SSL_CTX_use_certificate(context, x) == 1);
        h.x = SSL_CTX_get0_certificate(context);
    } else if (!strcmp(where, "connection")) {
        MUST(SSL_use_certificate(ssl, x) == 1);
        h.x = SSL_get_certificate(ssl);
    } else if (!strcmp(where, "context-chain")) {
        STACK_OF(X509)* kept = NULL;
        MUST(SSL_CTX_add1_chain_cert(client, x) == 1);
        SSL_CTX_get0_chain_certs(client, &kept);
        h.x = sk_X509_value(kept, 0);
    } else if (!strcmp(where, "connection-chain")) {
        STACK_OF(X509)* kept = NULL;
        STACK_OF(X509)* const list = list_of(x);
        MUST(SSL_set1_chain(ssl, list) == 1);
        sk_X509_free(list);
        SSL_get0_chain_certs(ssl, &kept);
        h.x = sk_X509_value(kept, 0);
#ifdef MESSAGES
    } else if (!strcmp(where, "pkcs7")) {
        PKCS7* const message = PKCS7_new();
        MUST(PKCS7_set_type(message, NID_pkcs7_signed) && PKCS7_add_certificate(message, x));
        h.back = message->d.sign->cert;
    } else if (!strcmp(where, "cms")) {
        CMS_ContentInfo* const message = CMS_sign(NULL, NULL, NULL, BIO_new_mem_buf("x", 1), CMS_PARTIAL);
        MUST(message && CMS_add1_cert(message, x));
        h.back = CMS_get1_certs(message);
    } else if (!strcmp(where, "ocsp")) {
        OCSP_BASICRESP* const answer = OCSP_BASICRESP_new();
        MUST(OCSP_basic_add1_cert(answer, x));
        h.x = sk_X509_value(OCSP_resp_get0_certs(answer), 0);
#endif
    } else {
        MUST(!"a known place");
    }
    if (h.back) {
        h.x = sk_X509_value(h.back, 0);
    }
    return h;
}

int main(int argc, char** argv) {
    MUST(argc == 3);
    const int back = !strcmp(argv[2], "back");
    data_index = X509_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    SSL_CTX* const server = server_context("server");
    SSL_CTX* const clients[] = {client_context("root.cert.pem", NULL), client_context("root.cert.pem", NULL)};
    struct tls one = connected(clients[0], server);
    struct tls two = connected(clients[1], server);

    X509* const mine = SSL_get1_peer_certificate(one.client);
    const struct held held = hold(argv[1], mine, clients[0], one.client);
    printf("one object: %d\n", held.x == mine);
    if (back) {
        MUST(held.back);
        sk_X509_pop_free(held.back, X509_free);
    } else {
        X509_free(mine);
    }
    X509* const other = SSL_get1_peer_certificate(two.client);
    X509* const through = back ? mine : held.x;
    printf("the other connection has it, too: %d\n", other == through);
    MUST(X509_set_ex_data(through, data_index, "one"));
    printf("the other sees: %s\n", data_of(other));
    MUST(X509_set_ex_data(other, data_index, "two"));
    X509* const again[] = {SSL_get1_peer_certificate(one.client), SSL_get1_peer_certificate(two.client)};
    printf("held: %s, first connection: %s, second: %s\n", data_of(through), data_of(again[0]),
           data_of(again[1]));
    X509_free(again[0]);
    X509_free(again[1]);
    if (back) {
        X509_free(mine);
    }
    X509_free(other);
    finish(&one);
    finish(&two);
    puts("end");
    tell_hits();
    return 0;
}
