// SPDX-License-Identifier: Apache-2.0
//
// If one connection attaches data to its peer, another one never finds it: peers_data ON WHEN. ON: the
// certificate, its public key, or the issuer in the chain. WHEN: the index was registered before, or late
// (while connections are open), with a free function or without. In stock each connection has its own object;
// `one-by-one` ends the first connection before the second begins.
#include "support.h"

struct who {
    char name[32];
    int number;
};

static int freed;
static int made;
static int indices[4];
static int index_count;

static void on_free(void* parent, void* pointer, CRYPTO_EX_DATA* data, int index, long l, void* p) {
    (void)parent, (void)data, (void)index, (void)l, (void)p;
    if (pointer) {
        ++freed;
        free(pointer);
    }
}

static void on_new(void* parent, void* pointer, CRYPTO_EX_DATA* data, int index, long l, void* p) {
    (void)parent, (void)pointer, (void)data, (void)index, (void)l, (void)p;
    ++made;
}

static const char* on;

static int new_index(const char* how) {
    const int of = strcmp(on, "key") == 0 ? CRYPTO_EX_INDEX_EVP_PKEY : CRYPTO_EX_INDEX_X509;
    const int with_free = strstr(how, "freed") != NULL;
    const int with_new = strstr(how, "new") != NULL;
    return indices[index_count++] = CRYPTO_get_ex_new_index(of, 0, NULL, with_new ? on_new : NULL, NULL,
                                                            with_free ? on_free : NULL);
}

static X509* object_of(const struct tls* t) {
    return strcmp(on, "issuer") == 0 ? sk_X509_value(SSL_get_peer_cert_chain(t->client), 1)
                                     : SSL_get0_peer_certificate(t->server);
}

static void* get(const struct tls* t, int index) {
#ifdef ON_KEY
    return EVP_PKEY_get_ex_data(X509_get0_pubkey(object_of(t)), index);
#else
    return X509_get_ex_data(object_of(t), index);
#endif
}

static void set(const struct tls* t, int index, void* data) {
#ifdef ON_KEY
    MUST(EVP_PKEY_set_ex_data(X509_get0_pubkey(object_of(t)), index, data));
#else
    MUST(X509_set_ex_data(object_of(t), index, data));
#endif
}

static void attach(const struct tls* t, int index, int number) {
    struct who* w = get(t, index);
    if (w) {
        printf("connection %d finds data of \"%s\"\n", number, w->name);
        return;
    }
    w = malloc(sizeof *w);
    snprintf(w->name, sizeof w->name, "connection %d", number);
    w->number = number;
    set(t, index, w);
}

static void read_back(const struct tls* t, int index, int number) {
    const struct who* const w = get(t, index);
    printf("connection %d reads %s\n", number, w ? w->name : "nothing");
}

int main(int argc, char** argv) {
    MUST(argc > 2);
    on = argv[1];
    const char* const when = argv[2];
    const int late = strstr(when, "late") != NULL;
    const int one_by_one = strstr(when, "one-by-one") != NULL;
    int index = late ? -1 : new_index(when);
    SSL_CTX* const server = server_context("server");
    demand(server, "trust.bundle.pem");
    SSL_CTX* const client = client_context("trust.bundle.pem", "client");
    struct tls t[4];
    for (int i = 0; i < 4; ++i) {
        t[i] = handshake(client, server);
        MUST(t[i].done == 1);
        if (one_by_one) {
            index = index < 0 ? new_index(when) : index;
            attach(&t[i], index, i);
            read_back(&t[i], index, i);
            if (!strstr(when, "freed")) {
                free(get(&t[i], index));
                set(&t[i], index, NULL);
            }
            finish(&t[i]);
        }
    }
    for (int i = 0; i < 4 && !one_by_one; ++i) {
        index = index < 0 ? new_index(when) : index;
        attach(&t[i], index, i);
    }
    for (int round = 0; round < 2 && !one_by_one; ++round) {
        for (int i = 0; i < 4; ++i) {
            read_back(&t[i], index, i);
        }
        const int second = round ? 0 : new_index(when); // a second index, for another part of the program
        for (int i = 3; i >= 0 && round == 0; --i) {
            attach(&t[i], second, 10 + i);
            read_back(&t[i], second, i);
        }
    }
    // Sessions keep the peer: attached data stays with the object.
    for (int i = 0; i < 4 && !one_by_one; ++i) {
        for (int k = 0; k < index_count && !strstr(when, "freed"); ++k) {
            struct who* const w = get(&t[i], indices[k]);
            free(w); // twice, if two connections found the same
            set(&t[i], indices[k], NULL);
        }
        finish(&t[i]);
    }
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    // A new-callback that is registered late is called more often than in stock: certificates that were
    // shared until then are duplicated when a program that attaches data asks for them next, and a duplicate
    // is a new certificate. The comparison covers which data is found, and what is freed.
    printf("freed %d, told of new ones: %s\n", freed, late ? "not asked" : made > 0 ? "yes" : "no");
    puts("end");
    tell_hits();
    return 0;
}
