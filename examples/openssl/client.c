/* SPDX-License-Identifier: Apache-2.0
 *
 * The third way, in C: ibid_openssl.h, for a program that calls ibid itself, or whose OpenSSL is linked statically, so
 * that its functions cannot be interposed. A pool of connections to one server; each has its own SSL_CTX, to show what
 * is shared.
 *
 *     client PORT CA CERTIFICATE KEY CONNECTIONS */
#include <arpa/inet.h>
#include <ibid_openssl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
    SSL_CTX* context;
    SSL* ssl;
    int fd;
};

static int connected(int port) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0 && connect(fd, (struct sockaddr*)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int open_connection(struct connection* c, int port, const char* ca, const char* certificate,
                           const char* key) {
    memset(c, 0, sizeof *c);
    c->fd = connected(port);
    c->context = SSL_CTX_new(TLS_client_method());
    if (c->fd < 0 || c->context == NULL || SSL_CTX_use_certificate_chain_file(c->context, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(c->context, key, SSL_FILETYPE_PEM) != 1) {
        return 0;
    }
    /* Replaces SSL_CTX_load_verify_file(context, ca). */
    if (ibid_openssl_load_trust_store(SSL_CTX_get_cert_store(c->context), ca) != 1) {
        return 0;
    }
    SSL_CTX_set_verify(c->context, SSL_VERIFY_PEER, NULL);
    ibid_openssl_attach(c->context); /* from here on, servers' certificates are shared */
    c->ssl = SSL_new(c->context);
    return c->ssl != NULL && SSL_set1_host(c->ssl, "localhost") == 1 && SSL_set_fd(c->ssl, c->fd) == 1 &&
           SSL_connect(c->ssl) == 1;
}

static void close_connection(struct connection* c) {
    if (c->ssl != NULL) {
        SSL_shutdown(c->ssl);
    }
    SSL_free(c->ssl);
    SSL_CTX_free(c->context);
    if (c->fd >= 0) {
        close(c->fd);
    }
}

/* The program's own certificate, twice: the bytes are parsed once. */
static int parses_once(X509* x) {
    unsigned char* der = NULL;
    const int size = i2d_X509(x, &der);
    if (size <= 0) {
        return 0;
    }
    const unsigned char* p = der;
    X509* const a = ibid_openssl_parse_certificate(&p, (size_t)size);
    p = der;
    X509* const b = ibid_openssl_parse_certificate(&p, (size_t)size);
    const int once = a != NULL && a == b && p == der + size;
    X509_free(a);
    X509_free(b);
    OPENSSL_free(der);
    return once;
}

int main(int argc, char** argv) {
    if (argc != 6) {
        fprintf(stderr, "client PORT CA CERTIFICATE KEY CONNECTIONS\n");
        return 2;
    }
    const int count = atoi(argv[5]);
    struct connection* const pool = calloc((size_t)count, sizeof *pool);
    int opened = 0;
    int shared = 1;
    while (opened < count && open_connection(&pool[opened], atoi(argv[1]), argv[2], argv[3], argv[4])) {
        shared =
            shared && SSL_get0_peer_certificate(pool[opened].ssl) == SSL_get0_peer_certificate(pool[0].ssl);
        ++opened;
    }
    if (opened < count) {
        ERR_print_errors_fp(stderr);
        close_connection(&pool[opened]);
    } else {
        struct ibid_openssl_statistics s = {.size = sizeof s};
        ibid_openssl_get_statistics(IBID_OPENSSL_TRUST_STORES, &s);
        printf("%d connections, %s; trust store read once and %llu times from memory; own certificate parsed "
               "%s\n",
               count, shared ? "one certificate of the server's" : "a certificate each",
               (unsigned long long)s.hits,
               parses_once(SSL_get0_peer_certificate(pool[0].ssl)) ? "once" : "twice");
    }
    for (int i = 0; i < opened; ++i) {
        close_connection(&pool[i]);
    }
    free(pool);
    ibid_openssl_trim(); /* frees what only retention keeps: then nothing is left */
    return opened == count ? 0 : 1;
}
