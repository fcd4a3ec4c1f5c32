// SPDX-License-Identifier: Apache-2.0
//
// Threads verify with a store while another thread gets what is in it: store_in_use HOW [PLUGIN]. Nobody
// writes. HOW: certs, objects, subject or chain. Built with -DATTACHES, the program attaches data to
// certificates; else it opens a plugin that may write.
#include "support.h"
#include "writers.h"

#include <stdatomic.h>
#include <sys/wait.h>

enum { ROUNDS = 6, THREADS = 6, LOOKUPS = 20 };

static X509* leaf;
static X509* issuer;
static STACK_OF(X509) * sent;
static X509_STORE* store;
static atomic_int ends;
static atomic_int wrong;
static atomic_int verified;

static X509_STORE* load(void) {
    X509_STORE* const s = X509_STORE_new();
    MUST(s && X509_STORE_load_file(s, pki("root.cert.pem")) == 1);
    return s;
}

static X509_STORE_CTX* verification(void) {
    X509_STORE_CTX* const v = X509_STORE_CTX_new();
    MUST(v && X509_STORE_CTX_init(v, store, leaf, sent) && X509_STORE_CTX_set_default(v, "ssl_server"));
    return v;
}

// Between a lookup's unlock and its reference, another thread may run.
static __thread int pauses;
int pthread_rwlock_unlock(pthread_rwlock_t* lock) {
    static int (*unlock)(pthread_rwlock_t*);
    if (!unlock) {
        unlock = (int (*)(pthread_rwlock_t*))dlsym(RTLD_NEXT, "pthread_rwlock_unlock");
    }
    const int result = unlock(lock);
    if (pauses) {
        usleep(20);
    }
    return result;
}

static void* verify(void* unused) {
    while (!atomic_load(&ends)) {
        X509_STORE_CTX* const v = verification();
        for (int i = 0; i < LOOKUPS; ++i) {
            pauses = 1;
            X509_OBJECT* const found =
                X509_STORE_CTX_get_obj_by_subject(v, X509_LU_X509, X509_get_issuer_name(issuer));
            pauses = 0;
            const X509* const root = found ? X509_OBJECT_get0_X509(found) : NULL;
            if (!root || X509_NAME_cmp(X509_get_subject_name(root), X509_get_issuer_name(issuer)) != 0) {
                atomic_fetch_add(&wrong, 1);
            }
            X509_OBJECT_free(found);
        }
        if (X509_verify_cert(v) != 1) {
            atomic_fetch_add(&wrong, 1);
        }
        X509_STORE_CTX_free(v);
        atomic_fetch_add(&verified, 1);
    }
    return unused;
}

static void get(const char* how) {
    if (!strcmp(how, "certs")) {
        sk_X509_pop_free(X509_STORE_get1_all_certs(store), X509_free);
    } else if (!strcmp(how, "objects")) {
#if OPENSSL_VERSION_NUMBER >= 0x30300000L
        sk_X509_OBJECT_pop_free(X509_STORE_get1_objects(store), X509_OBJECT_free);
#endif
    } else {
        X509_STORE_CTX* const v = verification();
        if (!strcmp(how, "subject")) {
            X509_OBJECT_free(
                X509_STORE_CTX_get_obj_by_subject(v, X509_LU_X509, X509_get_issuer_name(issuer)));
        } else {
            MUST(!strcmp(how, "chain") && X509_verify_cert(v) == 1);
            sk_X509_pop_free(X509_STORE_CTX_get1_chain(v), X509_free);
        }
        X509_STORE_CTX_free(v);
    }
}

static int get_from_store_in_use(X509_STORE* first, char** argv) {
#ifdef ATTACHES
    NAME(X509_set_ex_data(leaf, 0, NULL));
    X509_STORE* const second = store;
    store = first;
    get("certs"); // so that the other's objects have an owner
    store = second;
#else
    (void)first;
#endif
    pthread_t threads[THREADS];
    for (int t = 0; t < THREADS; ++t) {
        MUST(!pthread_create(&threads[t], NULL, verify, NULL));
    }
    while (atomic_load(&verified) < THREADS) {
        usleep(100);
    }
#ifndef ATTACHES
    MUST(dlopen(argv[2], RTLD_NOW));
#endif
    get(argv[1]);
    const int now = atomic_load(&verified);
    while (atomic_load(&verified) < now + THREADS) {
        usleep(100);
    }
    atomic_store(&ends, 1);
    for (int t = 0; t < THREADS; ++t) {
        pthread_join(threads[t], NULL);
    }
    return atomic_load(&wrong) != 0;
}

int main(int argc, char** argv) {
    MUST(argc > 1);
    if (!strcmp(argv[1], "objects") && OPENSSL_VERSION_NUMBER < 0x30300000L) {
        not_in_this_openssl();
    }
    leaf = certificate_in("server.cert.pem");
    issuer = certificate_in("mid.cert.pem");
    sent = sk_X509_new_null();
    MUST(sent && sk_X509_push(sent, issuer));
    X509_STORE* const first = load();
    store = load();
    int good = 0;
    for (int i = 0; i < ROUNDS;
         ++i) { // the first getter after the plugin matters, so each round is a process
        fflush(stdout);
        const pid_t child = fork();
        if (child == 0) {
            _exit(get_from_store_in_use(first, argv));
        }
        int status = 1;
        MUST(waitpid(child, &status, 0) == child);
        good += status == 0;
    }
    X509_STORE_free(store);
    X509_STORE_free(first);
    printf("good: %d\n", good);
    puts("end");
    return 0;
}
