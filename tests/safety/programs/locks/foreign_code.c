// SPDX-License-Identifier: Apache-2.0
//
// Foreign code that runs inside OpenSSL waits until another thread has done the same work with the same
// bytes: foreign_code WHERE [N]. It waits at the N-th call. In stock each thread does its own work, so it
// ends. If one thread waited for the other one's parse, both would wait for ever.
#include "support.h"

#include <stdatomic.h>
#include <sys/stat.h>

static const char* where;
static int nth = 1;
static atomic_int inside;
static atomic_int other_done;
static __thread int first_thread;
static SSL_CTX* server;
static SSL_CTX* client;

// In the first thread, at its N-th call: waits for the other thread.
static void meet(void) {
    if (first_thread && --nth == 0) {
        atomic_store(&inside, 1);
        while (!atomic_load(&other_done)) {
            usleep(500);
        }
    }
}

static void on_new(void* parent, void* pointer, CRYPTO_EX_DATA* data, int index, long l, void* p) {
    (void)parent, (void)pointer, (void)data, (void)index, (void)l, (void)p;
    meet();
}

static void on_free(void* parent, void* pointer, CRYPTO_EX_DATA* data, int index, long l, void* p) {
    (void)parent, (void)pointer, (void)data, (void)index, (void)l, (void)p;
    meet();
}

static int on_verify(int ok, X509_STORE_CTX* c) {
    (void)c;
    meet();
    return ok;
}

static int on_issuer(X509** issuer, X509_STORE_CTX* c, X509* x) {
    meet();
    return X509_STORE_CTX_get1_issuer(issuer, c, x);
}

static int on_lookup(int ok, X509_STORE_CTX* c) {
    meet();
    (void)c;
    return ok;
}

static long on_io(BIO* b, int operation, const char* data, size_t n, int i, long l, int result,
                  size_t* done) {
    (void)b, (void)operation, (void)data, (void)n, (void)i, (void)l, (void)done;
    meet();
    return result;
}

static int work(void) {
    int result = 0;
    if (strcmp(where, "fifo") == 0) {
        SSL_CTX* const c = SSL_CTX_new(TLS_client_method());
        result = SSL_CTX_load_verify_locations(
            c, strcmp(where, "fifo") == 0 && first_thread ? "fifo" : pki("crls.bundle.pem"), NULL);
        SSL_CTX_free(c);
        return result;
    }
    struct tls t = prepare(client, server);
    if (strcmp(where, "io") == 0) {
        BIO_set_callback_ex(SSL_get_rbio(t.client), on_io);
    }
    result = drive(t.client, t.server);
    finish(&t);
    return result;
}

static void* second(void* unused) {
    while (!atomic_load(&inside)) {
        usleep(500);
    }
    printf("second thread: %d\n", work());
    atomic_store(&other_done, 1);
    return unused;
}

static void* writer(void* unused) { // the FIFO's other end: opened when the second thread is done
    while (!atomic_load(&other_done)) {
        usleep(500);
    }
    unsigned char bytes[16384];
    const long size = read_file(pki("crls.bundle.pem"), bytes, sizeof bytes);
    FILE* const f = fopen("fifo", "w");
    fwrite(bytes, 1, (size_t)size, f);
    fclose(f);
    return unused;
}

int main(int argc, char** argv) {
    MUST(argc > 1);
    where = argv[1];
    nth = argc > 2 ? atoi(argv[2]) : 1;
    const char* const trusted = "trust.bundle.pem";
    if (strcmp(where, "key-new") == 0) {
        CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_EVP_PKEY, 0, NULL, on_new, NULL, NULL);
    } else if (strcmp(where, "key-free") == 0) {
        CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_EVP_PKEY, 0, NULL, NULL, NULL, on_free);
    } else if (strcmp(where, "certificate-new") == 0) {
        CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_X509, 0, NULL, on_new, NULL, NULL);
    } else if (strcmp(where, "certificate-free") == 0) {
        CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_X509, 0, NULL, NULL, NULL, on_free);
    }
    server = server_context("server");
    client = client_context(trusted, "client");
    demand(server, trusted);
    X509_STORE* const store = SSL_CTX_get_cert_store(client);
    if (strcmp(where, "verify") == 0) {
        SSL_CTX_set_verify(client, SSL_VERIFY_PEER, on_verify);
    } else if (strcmp(where, "issuer") == 0) {
        X509_STORE_set_get_issuer(store, (X509_STORE_CTX_get_issuer_fn)on_issuer);
    } else if (strcmp(where, "store-verify") == 0) {
        X509_STORE_set_verify_cb(store, on_lookup);
    } else if (strcmp(where, "folder") == 0) {
        MUST(X509_STORE_load_path(store, pki("trust.d")));
        X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
        X509_STORE_set_get_issuer(store, (X509_STORE_CTX_get_issuer_fn)on_issuer);
    }
    pthread_t other;
    pthread_t feeder;
    if (strcmp(where, "fifo") == 0) {
        MUST(mkfifo("fifo", 0600) == 0);
        atomic_store(&inside, 1);
        pthread_create(&feeder, NULL, writer, NULL);
    }
    pthread_create(&other, NULL, second, NULL);
    first_thread = 1;
    const int result = work();
    atomic_store(&inside, 1); // there was no N-th call
    pthread_join(other, NULL);
    printf("first thread: %d\n", result);
    puts("done");
    return 0;
}
