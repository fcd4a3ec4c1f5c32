// SPDX-License-Identifier: Apache-2.0
//
// Callbacks that libssl and libcrypto call, and that end in a parse of a certificate of the program's own:
// jumping_callbacks WHICH PARSER. With optimization the last call is a jump, so OpenSSL's parser returns to
// OpenSSL. The result still belongs to the program: two parses, two objects. -DWRITES: the program writes to
// the first and reads the second.
#include "support.h"

static unsigned char der[8192];
static const unsigned char* at;
static long size;
static X509* parsed[4];
static int count;
static int by_item;

// The same functions with the return type of the callback.
extern int d2i_as_int(X509**, const unsigned char**, long) __asm__("d2i_X509");
extern int item_as_int(ASN1_VALUE**, const unsigned char**, long, const ASN1_ITEM*) __asm__("ASN1_item_d2i");

static X509** next(void) {
    at = der;
    return &parsed[count++];
}

#define WITH_RESULT(otherwise)                                                                               \
    if (count >= 2) {                                                                                        \
        return otherwise;                                                                                    \
    }                                                                                                        \
    X509** const into = next();                                                                              \
    if (by_item) {                                                                                           \
        return item_as_int((ASN1_VALUE**)into, &at, size, ASN1_ITEM_rptr(X509));                             \
    }                                                                                                        \
    return d2i_as_int(into, &at, size)

#define WITHOUT_RESULT                                                                                       \
    if (count >= 2) {                                                                                        \
        return;                                                                                              \
    }                                                                                                        \
    X509** const into = next();                                                                              \
    if (by_item) {                                                                                           \
        ASN1_item_d2i((ASN1_VALUE**)into, &at, size, ASN1_ITEM_rptr(X509));                                  \
    } else {                                                                                                 \
        d2i_X509(into, &at, size);                                                                           \
    }

static void on_info(const SSL* s, int where, int result) {
    (void)s, (void)where, (void)result;
    WITHOUT_RESULT
}

static void on_message(int w, int v, int type, const void* data, size_t n, SSL* s, void* a) {
    (void)w, (void)v, (void)type, (void)data, (void)n, (void)s, (void)a;
    WITHOUT_RESULT
}

static void on_key(const SSL* s, const char* line) {
    (void)s, (void)line;
    WITHOUT_RESULT
}

static int on_verify(int ok, X509_STORE_CTX* c) {
    (void)ok, (void)c;
    WITH_RESULT(1);
}

static int on_verify_whole(X509_STORE_CTX* c, void* unused) {
    (void)c, (void)unused;
    WITH_RESULT(1);
}

static int on_certificate(SSL* s, void* unused) {
    (void)s, (void)unused;
    WITH_RESULT(1);
}

static int on_ticket(SSL* s, void* unused) {
    (void)s, (void)unused;
    WITH_RESULT(1);
}

static int on_session(SSL* s, SSL_SESSION* session) {
    (void)s, (void)session;
    WITH_RESULT(0);
}

int main(int argc, char** argv) {
    const char* const which = argc > 1 ? argv[1] : "info";
    by_item = argc > 2 && strcmp(argv[2], "item") == 0;
    SSL_CTX* const server = server_context("server");
    demand(server, "trust.bundle.pem");
    SSL_CTX* const client = client_context("trust.bundle.pem", "client");
    size = read_file(pki("client.cert.der"), der, sizeof der);

    if (strcmp(which, "info") == 0) {
        SSL_CTX_set_info_callback(client, on_info);
    } else if (strcmp(which, "message") == 0) {
        SSL_CTX_set_msg_callback(server, on_message);
    } else if (strcmp(which, "keys") == 0) {
        SSL_CTX_set_keylog_callback(client, on_key);
    } else if (strcmp(which, "verify") == 0) {
        SSL_CTX_set_verify(client, SSL_VERIFY_PEER, on_verify);
    } else if (strcmp(which, "verify-whole") == 0) {
        SSL_CTX_set_cert_verify_callback(server, on_verify_whole, NULL);
    } else if (strcmp(which, "certificate") == 0) {
        SSL_CTX_set_cert_cb(server, on_certificate, NULL);
    } else if (strcmp(which, "ticket") == 0) {
        SSL_CTX_set_session_ticket_cb(server, on_ticket, NULL, NULL);
    } else if (strcmp(which, "session") == 0) {
        SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_BOTH);
        SSL_CTX_sess_set_new_cb(client, on_session);
    }
    int done = 0;
    for (int i = 0; i < 4; ++i) {
        struct tls t = handshake(client, server);
        read_tickets(&t);
        done += t.done != 0;
        finish(&t);
    }
    printf("%d handshakes ended, %d certificates parsed\n", done, count);
    if (count < 2 || !parsed[0] || !parsed[1]) {
        puts("not parsed");
        return 1;
    }
    printf("two parses: %s\n", parsed[0] == parsed[1] ? "one object" : "two objects");
#ifdef WRITES
    ASN1_TIME_set(X509_getm_notAfter(parsed[0]), 0);
    X509_NAME_add_entry_by_txt((X509_NAME*)X509_get_subject_name(parsed[0]), "OU", MBSTRING_ASC,
                               (const unsigned char*)"mine", -1, -1, 0);
#endif
    show("first", parsed[0]);
    show("second", parsed[1]);
    X509* const peer_like = certificate_in("client.cert.pem");
    show("file", peer_like);
    tell_hits();
    return 0;
}
