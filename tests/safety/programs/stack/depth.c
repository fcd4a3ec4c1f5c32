// SPDX-License-Identifier: Apache-2.0
//
// How much stack each operation uses: it runs in a thread whose stack was filled with a pattern. Figures:
// bytes of each operation, at its first, second and fifth call.
#include "support.h"

enum { stack_size = 512 * 1024 };

static SSL_CTX* server;
static SSL_CTX* client;
static SSL_CTX* twelve;
static SSL_SESSION* session;
static X509* leaf;
static X509_STORE* store;
static X509_STORE* folder;
static unsigned char der[8192];
static long size;
static unsigned char session_der[16384];
static long session_size;

static void parse(void) {
    const unsigned char* p = der;
    X509_free(d2i_X509(NULL, &p, size));
}

static void parse_pem(void) {
    X509_free(certificate_in("client.cert.pem"));
}

static void trust_file(void) {
    X509_STORE* const s = X509_STORE_new();
    X509_STORE_load_file(s, pki("trust.bundle.pem"));
    X509_STORE_free(s);
}

static void lists(void) {
    SSL_CTX* const c = SSL_CTX_new(TLS_client_method());
    SSL_CTX_load_verify_locations(c, pki("crls.bundle.pem"), NULL);
    SSL_CTX_free(c);
}

static void check(X509_STORE* in) {
    X509_STORE_CTX* const c = X509_STORE_CTX_new();
    X509_STORE_CTX_init(c, in, leaf, NULL);
    X509_verify_cert(c);
    X509_STORE_CTX_free(c);
}

static void check_store(void) {
    check(store);
}

static void check_folder(void) {
    X509_STORE* const s = X509_STORE_new();
    X509_STORE_load_path(s, pki("trust.d"));
    X509_STORE_set_flags(s, X509_V_FLAG_CRL_CHECK);
    check(s);
    X509_STORE_free(s);
}

static void tls13(void) {
    MUST(visit(client, server) == 1);
}

static void tls12(void) {
    MUST(visit(twelve, server) == 1);
}

static void resumed(void) {
    struct tls t = prepare(client, server);
    SSL_set_session(t.client, session);
    MUST(drive(t.client, t.server) == 1);
    finish(&t);
}

static void read_session(void) {
    const unsigned char* p = session_der;
    SSL_SESSION_free(d2i_SSL_SESSION(NULL, &p, session_size));
}

static const struct {
    const char* name;
    void (*run)(void);
} operations[] = {{"parse", parse},
                  {"parse_pem", parse_pem},
                  {"trust_file", trust_file},
                  {"lists", lists},
                  {"check_store", check_store},
                  {"check_folder", check_folder},
                  {"tls13", tls13},
                  {"tls12", tls12},
                  {"resumed", resumed},
                  {"read_session", read_session}};

static void* run(void* operation) {
    ((void (*)(void))operation)();
    return NULL;
}

// The number of bytes that were written, from the top.
static long depth_of(void (*operation)(void)) {
    unsigned char* stack;
    MUST(posix_memalign((void**)&stack, 4096, stack_size) == 0);
    memset(stack, 0xa5, stack_size);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    MUST(pthread_attr_setstack(&attributes, stack, stack_size) == 0);
    pthread_t thread;
    MUST(pthread_create(&thread, &attributes, run, (void*)operation) == 0);
    pthread_join(thread, NULL);
    long untouched = 0;
    while (untouched < stack_size && stack[untouched] == 0xa5) {
        ++untouched;
    }
    free(stack);
    return stack_size - untouched;
}

int main(void) {
    server = server_context("server");
    demand(server, "chain.bundle.pem");
    client = client_context("chain.bundle.pem", "client");
    twelve = client_context("chain.bundle.pem", "client");
    SSL_CTX_set_max_proto_version(twelve, TLS1_2_VERSION);
    leaf = certificate_in("server.cert.pem");
    store = SSL_CTX_get_cert_store(client);
    folder = X509_STORE_new();
    size = read_file(pki("client.cert.der"), der, sizeof der);
    SSL_CTX* const first = client_context("chain.bundle.pem", "other");
    struct tls t = handshake(first, server);
    MUST(t.done == 1);
    read_tickets(&t);
    SSL_shutdown(t.client);
    session = SSL_get1_session(t.client);
    unsigned char* p = session_der;
    session_size = i2d_SSL_SESSION(session, &p);
    finish(&t);
    for (int round = 1; round <= 5; ++round) {
        for (size_t i = 0; i < sizeof operations / sizeof *operations; ++i) {
            const long depth = depth_of(operations[i].run);
            if (round == 1 || round == 2 || round == 5) {
                figure(operations[i].name, (double)depth);
            }
        }
    }
    puts("done");
    return 0;
}
