// SPDX-License-Identifier: Apache-2.0
//
// One thread opens a plugin whose constructor uses OpenSSL, so it holds the dynamic linker's lock. The
// constructor waits for another thread, which uses OpenSSL: constructor WHAT PLUGIN. If that thread called
// the dynamic linker, both would wait for ever.
#include "support.h"

#include <link.h>
#include <stdatomic.h>

static const char* what;
static const char* plugin_path;
static atomic_int in_constructor;
static atomic_int go_on;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

void host_in_constructor(void);
const char* host_trusted(void);

const char* host_trusted(void) {
    return pki("trust.bundle.pem");
}

static void wait_for(atomic_int* flag) {
    while (!atomic_load(flag)) {
        usleep(500);
    }
}

void host_in_constructor(void) {
    atomic_store(&in_constructor, 1);
    if (strcmp(what, "init") == 0) {
        // The other thread is in OPENSSL_init_crypto, and waits there for the dynamic linker, in stock too.
        usleep(200000);
    } else {
        wait_for(&go_on);
    }
}

static void* open_plugin(void* unused) {
    void* const plugin = dlopen(plugin_path, RTLD_NOW);
    if (!plugin) {
        printf("%s\n", dlerror());
        exit(1);
    }
    dlclose(plugin);
    return unused;
}

static int in_iteration(struct dl_phdr_info* info, size_t size, void* unused) {
    (void)info, (void)size, (void)unused;
    atomic_store(&in_constructor, 1);
    wait_for(&go_on);
    return 1;
}

static void* iterate(void* unused) {
    dl_iterate_phdr(in_iteration, NULL);
    return unused;
}

int main(int argc, char** argv) {
    MUST(argc > 2);
    what = argv[1];
    plugin_path = argv[2];
    const int init = strcmp(what, "init") == 0;
    SSL_CTX* server = NULL;
    SSL_CTX* client = NULL;
    if (!init) { // OpenSSL's own calls to the dynamic linker are done
        server = server_context("server");
        client = client_context("roots.bundle.pem", NULL);
        demand(server, "roots.bundle.pem");
        if (strcmp(what, "later") == 0) {
            MUST(visit(client, server) != 0);
        }
    }
    pthread_t thread;
    pthread_create(&thread, NULL, strcmp(what, "iteration") == 0 ? iterate : open_plugin, NULL);
    wait_for(&in_constructor);
    if (init) {
        OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
    } else {
        pthread_mutex_lock(&mutex);
        present(client, "client");
        printf("handshake %d\n", visit(client, server));
        X509_free(certificate_in("other.cert.pem"));
        SSL_CTX_free(client_context("crls.bundle.pem", "other"));
        SSL_CTX* const folder = SSL_CTX_new(TLS_client_method());
        printf("folder %d\n", SSL_CTX_load_verify_locations(folder, NULL, pki("trust.d")));
        SSL_CTX_set_verify(folder, SSL_VERIFY_PEER, NULL);
        present(folder, "client");
        printf("handshake %d\n", visit(folder, server));
        pthread_mutex_unlock(&mutex);
        atomic_store(&go_on, 1);
    }
    pthread_join(thread, NULL);
    puts("done");
    return 0;
}
