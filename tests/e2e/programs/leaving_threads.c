/* SPDX-License-Identifier: Apache-2.0
 * Threads that end in the middle of a handshake, by pthread_exit in the verify callback, while others go on; and threads that do
 * TLS while they end, in the destructor of a key of theirs. Arguments: the CA file, the port. */
#include <pthread.h>

#include "visit.h"

enum { leavers = 8, stayers = 4, turns = 20 };

static const char* ca;
static int port;
static pthread_key_t last_words;
static int good;
static pthread_mutex_t good_lock = PTHREAD_MUTEX_INITIALIZER;

static void count(int is_good) {
    pthread_mutex_lock(&good_lock);
    good += is_good;
    pthread_mutex_unlock(&good_lock);
}

static int handshake(SSL_CTX* context) {
    SSL* const ssl = SSL_new(context);
    const int fd = connected(port);
    SSL_set_fd(ssl, fd);
    const int shaken = SSL_connect(ssl);
    const int verified = SSL_get_verify_result(ssl) == X509_V_OK;
    SSL_free(ssl);
    close(fd);
    return shaken == 1 && verified;
}

static int leave(int ok, X509_STORE_CTX* verification) {
    (void)verification;
    if (ok) {
        pthread_exit(NULL);
    }
    return ok;
}

static void while_ending(void* context) {
    count(handshake((SSL_CTX*)context));
    SSL_CTX_free((SSL_CTX*)context);
}

static void* leaver(void* unused) {
    SSL_CTX* const context = trusting(ca);
    pthread_setspecific(last_words, trusting(ca));
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, &leave);
    handshake(context);
    return unused; /* not reached */
}

static void* stayer(void* unused) {
    for (int i = 0; i < turns; ++i) {
        SSL_CTX* const context = trusting(ca);
        count(handshake(context));
        SSL_CTX_free(context);
    }
    return unused;
}

int main(int argc, char** argv) {
    if (argc != 3) {
        return 2;
    }
    ca = argv[1];
    port = atoi(argv[2]);
    pthread_key_create(&last_words, &while_ending);
    pthread_t threads[leavers + stayers];
    for (int i = 0; i < leavers + stayers; ++i) {
        pthread_create(&threads[i], NULL, i < stayers ? &stayer : &leaver, NULL);
    }
    for (int i = 0; i < leavers + stayers; ++i) {
        pthread_join(threads[i], NULL);
    }
    SSL_CTX* const context = trusting(ca);
    SSL_free(visit("main", context, port));
    SSL_CTX_free(context);
    printf("%d handshakes are good, of %d\n", good, stayers * turns + leavers);
    return good == stayers * turns + leavers ? 0 : 1;
}
