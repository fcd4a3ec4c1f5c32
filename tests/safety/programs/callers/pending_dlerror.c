// SPDX-License-Identifier: Apache-2.0
//
// A dynamic linker error that the program has not yet read (dlerror()) survives a call of OpenSSL:
// pending_dlerror WHERE PLUGIN. The call that could lose it is the first call in a module, in a thread, or of
// a kind.
#include "support.h"

static int (*touch)(const char*);

static void* fail_and_touch(void* plugin) {
    dlopen("/nowhere/nothing.so", RTLD_NOW);
    if (plugin) {
        touch(pki("client.cert.pem"));
    } else {
        ERR_clear_error();
        X509_free(certificate_in("client.cert.pem"));
        SSL_CTX* const c = SSL_CTX_new(TLS_client_method());
        SSL_CTX_load_verify_locations(c, pki("trust.bundle.pem"), NULL);
        SSL_CTX_load_verify_locations(c, pki("trust.bundle.pem"), pki("trust.d"));
        SSL_CTX_free(c);
        visit(client_context("trust.bundle.pem", "client"), server_context("server"));
    }
    const char* const said = dlerror();
    printf("%s\n", said ? said : "nothing to tell");
    return NULL;
}

int main(int argc, char** argv) {
    MUST(argc > 2);
    // OpenSSL's own initialization calls the dynamic linker, in stock, too
    MUST(OPENSSL_init_ssl(0, NULL));
    X509_STORE_free(X509_STORE_new());
    MUST(EVP_get_digestbyname("SHA256"));
    SSL_CTX_free(SSL_CTX_new(TLS_client_method()));
    void* plugin = NULL;
    if (strcmp(argv[1], "plugin") == 0) {
        plugin = dlopen(argv[2], RTLD_NOW | RTLD_LOCAL);
        MUST(plugin);
        touch = (int (*)(const char*))dlsym(plugin, "touch");
        MUST(touch);
    }
    if (strcmp(argv[1], "thread") == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, fail_and_touch, NULL);
        pthread_join(thread, NULL);
    } else {
        fail_and_touch(plugin);
    }
    fail_and_touch(plugin);
    return 0;
}
