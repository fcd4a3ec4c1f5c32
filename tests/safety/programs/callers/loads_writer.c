// SPDX-License-Identifier: Apache-2.0
//
// A plugin that writes to its peer's certificate, opened in one of the possible ways: loads_writer HOW
// PLUGIN. A later connection does not see the change.
#include "support.h"

static void* open_with(const char* how, const char* path) {
    typedef void* opens(const char*, int);
    typedef void* opens_in(long, const char*, int);
    typedef void* looks_up(void*, const char*);
    if (strcmp(how, "dlmopen") == 0) {
        return dlmopen(LM_ID_BASE, path, RTLD_NOW);
    }
    if (strcmp(how, "next") == 0) {
        return ((opens*)dlsym(RTLD_NEXT, "dlopen"))(path, RTLD_NOW);
    }
    if (strcmp(how, "default") == 0) {
        return ((opens*)dlsym(RTLD_DEFAULT, "dlopen"))(path, RTLD_NOW);
    }
    if (strcmp(how, "handle") == 0) {
        return ((opens*)dlsym(dlopen("libc.so.6", RTLD_NOW), "dlopen"))(path, RTLD_NOW);
    }
    if (strcmp(how, "next-dlmopen") == 0) {
        return ((opens_in*)dlsym(RTLD_NEXT, "dlmopen"))(LM_ID_BASE, path, RTLD_NOW);
    }
    if (strcmp(how, "next-dlvsym") == 0) {
        typedef void* looks_up_version(void*, const char*, const char*);
        looks_up_version* const look_up = (looks_up_version*)dlsym(RTLD_NEXT, "dlvsym");
        opens* found = NULL;
        static const char* const versions[] = {"GLIBC_2.34", "GLIBC_2.2.5", "GLIBC_2.17"};
        for (size_t i = 0; i < sizeof versions / sizeof *versions && !found; ++i) {
            found = (opens*)look_up(RTLD_NEXT, "dlopen", versions[i]);
        }
        MUST(found);
        return found(path, RTLD_NOW);
    }
    if (strcmp(how, "next-dlsym") == 0) {
        looks_up* const look_up = (looks_up*)dlsym(RTLD_NEXT, "dlsym");
        return ((opens*)look_up(RTLD_DEFAULT, "dlopen"))(path, RTLD_NOW);
    }
    return dlopen(path, RTLD_NOW);
}

int main(int argc, char** argv) {
    MUST(argc > 2);
    SSL_CTX* const server = server_context("server");
    SSL_CTX* const client = client_context("trust.bundle.pem", NULL);
    for (int i = 0; i < 3; ++i) { // shared so far
        MUST(visit(client, server) == 1);
    }
    tell_hits();
    void* const plugin = open_with(argv[1], argv[2]);
    MUST(plugin);
    void (*spoil)(SSL*) = (void (*)(SSL*))dlsym(plugin, "spoil");
    MUST(spoil);
    struct tls t = handshake(client, server);
    spoil(t.client);
    struct tls later = handshake(client, server);
    show_result("later", &later);
    SSL_CTX* const other = client_context("trust.bundle.pem", NULL);
    struct tls others = handshake(other, server);
    show_result("another context", &others);
    puts("end");
    return 0;
}
