/* SPDX-License-Identifier: Apache-2.0
 * Does TLS before main, in main, in an exit handler, and in a destructor after that, when OpenSSL has already cleaned up. The
 * connection made before main is freed in the exit handler. Environment: CA, PORT. */
#include "visit.h"

static SSL_CTX* early;
static SSL* held;

static SSL* visit_now(const char* when, SSL_CTX* context) {
    return visit(when, context, atoi(getenv("PORT")));
}

__attribute__((constructor)) static void before_main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    early = trusting(getenv("CA"));
    held = visit_now("before main", early);
}

__attribute__((destructor)) static void at_the_end(void) {
    SSL_CTX* const late = trusting(getenv("CA"));
    SSL_free(visit_now("at the end", late));
    SSL_CTX_free(late);
    printf("ended\n");
}

static void at_exit(void) {
    SSL_free(visit_now("at exit", early));
    SSL_CTX* const fresh = trusting(getenv("CA"));
    SSL_free(visit_now("at exit, anew", fresh));
    SSL_CTX_free(fresh);
    SSL_free(held);
    SSL_CTX_free(early);
}

int main(void) {
    atexit(&at_exit);
    SSL_free(visit_now("main", early));
    return 3;
}
