// SPDX-License-Identifier: Apache-2.0
//
// Many threads parse the same certificates at once, and each runs foreign code that takes one mutex of the
// program. The order of the program's lock and OpenSSL's locks must stay without cycles: stampede
// key|certificate
#include "support.h"

static pthread_mutex_t mutex;
static SSL_CTX* server;
static SSL_CTX* client;

static void on_new(void* parent, void* pointer, CRYPTO_EX_DATA* data, int index, long l, void* p) {
    (void)parent, (void)pointer, (void)data, (void)index, (void)l, (void)p;
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
}

static void* run(void* number) {
    for (long i = 0; i < 60; ++i) {
        if ((i + (long)number) % 3 ==
            0) { // with the mutex held: the others' foreign code waits for this thread
            pthread_mutex_lock(&mutex);
            MUST(visit(client, server) == 1);
            pthread_mutex_unlock(&mutex);
        } else {
            MUST(visit(client, server) == 1);
        }
    }
    return NULL;
}

int main(int argc, char** argv) {
    MUST(argc > 1);
    pthread_mutexattr_t recursive;
    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&mutex, &recursive);
    CRYPTO_get_ex_new_index(strcmp(argv[1], "key") == 0 ? CRYPTO_EX_INDEX_EVP_PKEY : CRYPTO_EX_INDEX_X509, 0,
                            NULL, on_new, NULL, NULL);
    server = server_context("server");
    client = client_context("trust.bundle.pem", "client");
    demand(server, "trust.bundle.pem");
    pthread_t threads[4];
    for (long i = 0; i < 4; ++i) {
        pthread_create(&threads[i], NULL, run, (void*)i);
    }
    for (int i = 0; i < 4; ++i) {
        pthread_join(threads[i], NULL);
    }
    puts("done");
    return 0;
}
