// SPDX-License-Identifier: Apache-2.0
//
// A program that only reads opens a plugin that gets objects and writes to them, by calls that are bound at
// their first use: late_bound_plugin HOW PLUGIN OTHER. HOW: deep (RTLD_DEEPBIND), or what it does before:
// failed (it tries to open OTHER, which lacks a function), unloaded (it opens and closes OTHER), apart (it
// opens OTHER in another namespace), early and late (it opens OTHER, another OpenSSL, before or after its
// connections), meanwhile (another thread opens the plugin, and the program looks up the function OTHER
// before that has ended).
#include "support.h"

static void open_other(const char* how, const char* other) {
    if (!strcmp(how, "failed")) {
        MUST(!dlopen(other, RTLD_NOW));
    } else if (!strcmp(how, "unloaded")) {
        void* const opened = dlopen(other, RTLD_LAZY);
        MUST(opened && !dlclose(opened));
    } else if (!strcmp(how, "apart")) {
        MUST(dlmopen(LM_ID_NEWLM, other, RTLD_LAZY));
    } else if (!strcmp(how, "meanwhile")) {
        usleep(100 * 1000);
        MUST(dlsym(RTLD_DEFAULT, other));
    } else if (strcmp(how, "deep") != 0) {
        void* const opened = dlopen(other, RTLD_NOW);
        MUST(opened && dlsym(opened, "OpenSSL_version_num"));
    }
}

static void* open_plugin(void* name) {
    return dlopen(name, RTLD_LAZY);
}

int main(int argc, char** argv) {
    MUST(argc == 4);
    const char* const how = argv[1];
    const int early = !strcmp(how, "early");
    if (early) {
        open_other(how, argv[3]);
    }
    SSL_CTX* const server = server_context("server");
    SSL_CTX* const clients[] = {client_context("root.cert.pem", NULL), client_context("root.cert.pem", NULL)};
    struct tls one = handshake(clients[0], server);
    struct tls other = handshake(clients[1], server);
    show_result("one", &one);
    show_result("other", &other);
    pthread_t opener;
    const int meanwhile = !strcmp(how, "meanwhile");
    MUST(!meanwhile || !pthread_create(&opener, NULL, &open_plugin, argv[2]));
    if (!early) {
        open_other(how, argv[3]);
    }
    void* plugin = NULL;
    if (meanwhile) {
        MUST(!pthread_join(opener, &plugin));
    } else {
        plugin = dlopen(argv[2], RTLD_LAZY | (strcmp(how, "deep") ? 0 : RTLD_DEEPBIND));
    }
    MUST(plugin);
    void (*write_to)(X509*) = (void (*)(X509*))dlsym(plugin, "plugin_write_to");
    if (write_to) {
        write_to(SSL_get0_peer_certificate(one.client));
    } else {
        ((void (*)(const SSL*, X509_STORE*))dlsym(plugin, "plugin_write"))(
            one.client, SSL_CTX_get_cert_store(clients[0]));
    }
    int length = 0;
    printf("one: %d, other: %d\n", X509_alias_get0(SSL_get0_peer_certificate(one.client), &length) != NULL,
           X509_alias_get0(SSL_get0_peer_certificate(other.client), &length) != NULL);
    // On OpenSSL 4, no verification sees a writer's change if there are threads (docs/limits.md).
    const int stores = meanwhile && OPENSSL_VERSION_MAJOR >= 4 ? 0 : 2;
    for (int i = 0; i < stores; ++i) {
        printf("store %d: handshake %d\n", i, visit(clients[i], server));
    }
    finish(&one);
    finish(&other);
    puts("end");
    tell_hits();
    return 0;
}
