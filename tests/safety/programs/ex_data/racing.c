// SPDX-License-Identifier: Apache-2.0
//
// Threads, each with its own connections, attach data to their peers and read it: racing certificate|key.
// None finds another thread's data.
#include "support.h"

#include <sched.h>
#include <stdatomic.h>

static SSL_CTX* server;
static SSL_CTX* client;
static int index_;
static int on_key;
static atomic_int wrong;
static atomic_int done;

static void* get(X509* x) {
    return on_key ? EVP_PKEY_get_ex_data(X509_get0_pubkey(x), index_) : X509_get_ex_data(x, index_);
}

static int set(X509* x, void* data) {
    return on_key ? EVP_PKEY_set_ex_data(X509_get0_pubkey(x), index_, data)
                  : X509_set_ex_data(x, index_, data);
}

static void* run(void* number) {
    for (long i = 0; i < 150; ++i) {
        struct tls t = handshake(client, server);
        MUST(t.done == 1);
        X509* const peer = SSL_get1_peer_certificate(t.server);
        const long value = (long)number * 1000 + i + 1;
        if (get(peer)) {
            atomic_fetch_add(&wrong, 1);
        }
        MUST(set(peer, (void*)value));
        for (int k = 0; k < 50; ++k) {
            if ((long)get(peer) != value) {
                atomic_fetch_add(&wrong, 1);
                break;
            }
            if (k % 10 == 9) {
                sched_yield();
            }
        }
        MUST(set(peer, NULL));
        X509_free(peer);
        finish(&t);
        atomic_fetch_add(&done, 1);
    }
    return NULL;
}

int main(int argc, char** argv) {
    MUST(argc > 1);
    on_key = strcmp(argv[1], "key") == 0;
    index_ = on_key ? CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_EVP_PKEY, 0, NULL, NULL, NULL, NULL)
                    : X509_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    server = server_context("server");
    demand(server, "trust.bundle.pem");
    client = client_context("trust.bundle.pem", "client");
    struct tls kept = handshake(client, server); // another holder has the same certificate all the time
    pthread_t threads[4];
    for (long i = 0; i < 4; ++i) {
        pthread_create(&threads[i], NULL, run, (void*)(i + 1));
    }
    for (int i = 0; i < 4; ++i) {
        pthread_join(threads[i], NULL);
    }
    printf("%d connections, another's data was found %d times; held: %s\n", atomic_load(&done),
           atomic_load(&wrong), get(SSL_get0_peer_certificate(kept.server)) ? "data" : "nothing");
    finish(&kept);
    return 0;
}
