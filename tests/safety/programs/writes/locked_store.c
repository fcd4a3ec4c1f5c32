// SPDX-License-Identifier: Apache-2.0
//
// Stores of one file, in a program that locks them or keeps their lists: locked_store HOW [PLUGIN]. A write
// to an object of one store is seen by this store's verifications alone, and a getter that takes no lock in
// stock does not wait for one that another thread holds. Built with -DATTACHES, what is written is data; else
// a plugin's function rejects the certificate.
#include "support.h"
#include "writers.h"

#ifdef LOOKED_UP
typedef int lock_function(X509_STORE*);
#define X509_STORE_lock ((lock_function*)dlsym(RTLD_DEFAULT, "X509_STORE_lock"))
#define X509_STORE_unlock ((lock_function*)dlsym(RTLD_DEFAULT, "X509_STORE_unlock"))
#endif

enum { STORES = 2 };

static X509_STORE* stores[STORES];
static UNUSED const struct writers* late;
static int data_index;

static X509* first_in(STACK_OF(X509_OBJECT) * objects) {
    return X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, 0));
}

static X509* first_of(X509_STORE* store) {
    return first_in(X509_STORE_get0_objects(store));
}

static void write_to(X509* x) {
#ifdef ATTACHES
    MUST(X509_set_ex_data(x, data_index, "written"));
#else
    MUST(late->X509_add1_reject_object(x, OBJ_nid2obj(NID_server_auth)));
#endif
}

static void show_state(const char* label, X509* x) {
#ifdef ATTACHES
    const char* const data = X509_get_ex_data(x, data_index);
    printf("%s: %s\n", label, data ? data : "nothing");
#else
    printf("%s: trust %d\n", label, X509_check_trust(x, X509_TRUST_SSL_SERVER, 0));
#endif
}

static void show_verification(X509_STORE* store) {
    X509* const leaf = certificate_in("server.cert.pem");
    X509* const issuer = certificate_in("mid.cert.pem");
    STACK_OF(X509)* const sent = sk_X509_new_null();
    X509_STORE_CTX* const v = X509_STORE_CTX_new();
    MUST(sent && sk_X509_push(sent, issuer) && X509_STORE_CTX_init(v, store, leaf, sent));
    MUST(X509_STORE_CTX_set_default(v, "ssl_server"));
    const int verified = X509_verify_cert(v);
    printf("verified %d, error %d\n", verified, X509_STORE_CTX_get_error(v));
    X509_STORE_CTX_free(v);
    sk_X509_pop_free(sent, X509_free);
    X509_free(leaf);
    ERR_clear_error();
}

// The list is read and written to under the store's lock, as OpenSSL's manual has it.
static void under_own_lock(void) {
    for (int i = 0; i < STORES; ++i) {
        MUST(X509_STORE_lock(stores[i]));
        X509* const x = first_of(stores[i]);
        show_state("under the lock", x);
        if (i == 0) {
            write_to(x);
            show_state("written", x);
        }
        MUST(X509_STORE_unlock(stores[i]));
    }
}

static pthread_barrier_t step_of_both;

static void* hold_lock(void* store) {
    MUST(X509_STORE_lock(store));
    pthread_barrier_wait(&step_of_both);
    pthread_barrier_wait(&step_of_both); // until the other thread has its answer
    MUST(X509_STORE_unlock(store));
    return NULL;
}

static void under_another_threads_lock(X509_STORE* store, SSL* client) {
    pthread_t other;
    pthread_barrier_init(&step_of_both, NULL, 2);
    MUST(!pthread_create(&other, NULL, hold_lock, store));
    pthread_barrier_wait(&step_of_both);
    printf("verified chain of %d\n", sk_X509_num(SSL_get0_verified_chain(client)));
    printf("objects: %d\n", sk_X509_OBJECT_num(X509_STORE_get0_objects(store)));
    pthread_barrier_wait(&step_of_both);
    pthread_join(other, NULL);
}

static void open_plugin(int argc, char** argv) {
#ifdef ATTACHES
    (void)argc, (void)argv;
#else
    MUST(argc == 3);
    void* const plugin = dlopen(argv[2], RTLD_NOW);
    MUST(plugin);
    late = dlsym(plugin, "plugin_writers");
    MUST(late);
#endif
}

int main(int argc, char** argv) {
    MUST(argc >= 2);
    const char* const how = argv[1];
    data_index = X509_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    SSL_CTX* const server = server_context("server");
    SSL_CTX* clients[STORES];
    STACK_OF(X509_OBJECT) * early[STORES];
    for (int i = 0; i < STORES; ++i) {
        clients[i] = client_context("root.cert.pem", "client");
        stores[i] = X509_STORE_new();
        early[i] = X509_STORE_get0_objects(stores[i]);
        MUST(X509_STORE_load_file(stores[i], pki("root.cert.pem")) == 1);
        show_verification(stores[i]);
    }
    struct tls t = handshake(clients[0], server);
    show_result("tls", &t);
    open_plugin(argc, argv);

    if (!strcmp(how, "own")) {
        under_own_lock();
    } else if (!strcmp(how, "other")) {
        under_another_threads_lock(SSL_CTX_get_cert_store(clients[0]), t.client);
        write_to(first_of(stores[0]));
    } else {
        MUST(!strcmp(how, "early"));
        write_to(first_in(early[0]));
        show_state("through the second early list", first_in(early[1]));
    }
    for (int i = 0; i < STORES; ++i) {
        show_state("in the store", first_of(stores[i]));
        show_verification(stores[i]);
    }
    finish(&t);
    puts("end");
    tell_hits();
    return 0;
}
