// SPDX-License-Identifier: Apache-2.0
//
// Plays random scenes: little programs of operations on contexts, connections, sessions, stores,
// certificates, threads, children, plugins and providers. After each step everything that can be read is
// printed; stock and ibid must print the same.
//
//     player bulk FROM COUNT RELATIONS     plays the scenes of these seeds; prints a hash for each
//     player print FROM COUNT RELATIONS    prints their scripts: `scene SEED`, then a line for each operation
//     player play RELATIONS <SCRIPT        plays a script, and prints all
//
// RELATIONS: 1, or 0 if addresses of objects that the program parsed itself must not be compared (with
// IBID_SCOPE=all two such objects may be one). The environment variable SCENES_WITHOUT lists operations to
// leave out, separated by commas: those with known differences. The functions that the program *references*
// decide its class (-DATTACHES: of those that write, only X509_set_ex_data; -DWRITES: all): operations of
// another class are neither made nor played. -DLEASES: an attacher that gets peers only by
// SSL_get1_peer_certificate, as nginx does.
//
// Law: in stock the output depends only on the script. So it contains no address, time, random number or
// length of a ticket; it contains only relations between addresses that stock guarantees, such as: a
// connection's peer is the first of its chain.
#include <stdio.h>
static void emit(const char* format, ...) __attribute__((format(printf, 1, 2)));
#define printf(...) emit(__VA_ARGS__)
#include "../programs/support.h"

#include <openssl/ec.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>

// What is printed -------------------------------------------------------------------------------------------

static char text[1 << 21];
static size_t text_size;

static void emit(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const size_t room = sizeof text - text_size;
    const int size = vsnprintf(text + text_size, room, format, arguments);
    va_end(arguments);
    text_size += size < 0 ? 0 : (size_t)size < room ? (size_t)size : room - 1;
}

// A leaser's peers: held until its next operation, and nothing else is got from a connection ----------------

#ifdef LEASES
static X509* leased[64];
static int leased_count;

static void give_back(void) {
    while (leased_count > 0) {
        X509_free(leased[--leased_count]);
    }
}

static X509* lease(const SSL* ssl) {
    X509* const x = SSL_get1_peer_certificate(ssl);
    MUST(leased_count < 64);
    leased[leased_count++] = x;
    return x;
}
#define SSL_get0_peer_certificate(ssl) lease(ssl)
#define SSL_SESSION_get0_peer(session) ((void)(session), (X509*)NULL)
#define SSL_get_peer_cert_chain(ssl) ((void)(ssl), (STACK_OF(X509)*)NULL)
#define SSL_get0_verified_chain(ssl) ((void)(ssl), (STACK_OF(X509)*)NULL)
#define X509_STORE_CTX_get_current_cert(verification) ((void)(verification), (X509*)NULL)
#define X509_STORE_CTX_get0_chain(verification) ((void)(verification), (STACK_OF(X509)*)NULL)
#else
static void give_back(void) {}
#endif

// What there is ---------------------------------------------------------------------------------------------

enum {
    context_count = 3,
    connection_count = 4,
    session_count = 3,
    store_count = 2,
    held_count = 6,
    index_most = 4
};

struct held {
    X509* x;
    int own; // parsed by this program
};

static SSL_CTX* clients[context_count];
static SSL_CTX* servers[context_count];
static struct tls connections[connection_count];
static SSL_SESSION* sessions[session_count];
static X509_STORE* stores[store_count];
static struct held held[held_count];
static void* plugin;
static OSSL_PROVIDER* legacy;
static int relations = 1;
static int is_child;

#if defined(ATTACHES) || defined(WRITES)
static int indices[index_most];
static int index_count;
static const char* const data[] = {"one", "two", "three", "four"};
#endif

static const char* const trusted[] = {"trust.bundle.pem", "chain.bundle.pem", "crls.bundle.pem",
                                      "roots.bundle.pem", "twice.bundle.pem", "forged-mid.pem",
                                      "mid.cert.pem",     "key-last.pem"};
static const char* const server_names[] = {"server",  "server",   "server",       "expired",
                                           "revoked", "stranger", "bad-policies", "server"};
static const char* const client_names[] = {"client", "other", NULL, "client"};
static const char* const files[] = {"server.cert.pem",  "client.cert.pem",   "other.cert.pem",
                                    "mid.cert.pem",     "root.cert.pem",     "bad-policies.cert.pem",
                                    "revoked.cert.pem", "stranger.cert.pem", "bad-constraints.cert.pem",
                                    "expired.cert.pem"};
#define PICK(array, n) ((array)[(n) % (sizeof(array) / sizeof *(array))])

// Reading ---------------------------------------------------------------------------------------------------

static void show_data(X509* x) {
#if defined(ATTACHES) || defined(WRITES)
    for (int i = 0; x && i < index_count; ++i) {
        const char* const found = X509_get_ex_data(x, indices[i]);
        emit("  data %d: %s\n", i, found ? found : "none");
    }
#else
    (void)x;
#endif
}

static void show_connection(int n) {
    const struct tls* const t = &connections[n];
    emit("connection %d: ", n);
    if (!t->client) {
        emit("none\n");
        return;
    }
    emit("%d, reused %d, results %ld %ld, versions %s\n", t->done, SSL_session_reused(t->client),
         SSL_get_verify_result(t->client), SSL_get_verify_result(t->server), SSL_get_version(t->client));
    if (t->done != 1) {
        return;
    }
    X509* const peers[2] = {SSL_get0_peer_certificate(t->client), SSL_get0_peer_certificate(t->server)};
    for (int i = 0; i < 2; ++i) {
        SSL* const s = i ? t->server : t->client;
        show(i ? " server's peer" : " client's peer", peers[i]);
        show_data(peers[i]);
        STACK_OF(X509)* const sent = SSL_get_peer_cert_chain(s);
        STACK_OF(X509)* const verified = SSL_get0_verified_chain(s);
        for (int k = 0; k < sk_X509_num(sent); ++k) {
            show("  sent", sk_X509_value(sent, k));
        }
        for (int k = 0; k < sk_X509_num(verified); ++k) {
            show("  verified", sk_X509_value(verified, k));
        }
        emit("  same: %d %d %d\n", SSL_SESSION_get0_peer(SSL_get0_session(s)) == peers[i],
             sk_X509_num(sent) > 0 && sk_X509_value(sent, 0) == peers[i],
             sk_X509_num(verified) > 0 && sk_X509_value(verified, 0) == peers[i]);
    }
}

static void show_list(X509_CRL* list) {
    unsigned char* der = NULL;
    const int size = i2d_X509_CRL(list, &der);
    STACK_OF(X509_REVOKED)* const entries = X509_CRL_get_REVOKED(list);
    unsigned long long serials = 0;
    for (int i = 0; i < sk_X509_REVOKED_num(entries); ++i) {
        const ASN1_INTEGER* const s = X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(entries, i));
        serials += fingerprint(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
    }
    emit("  list %d %016llx, %d entries %016llx", size, size > 0 ? fingerprint(der, (size_t)size) : 0,
         sk_X509_REVOKED_num(entries), serials);
    show_time(X509_CRL_get0_nextUpdate(list));
    emit("\n");
    OPENSSL_free(der);
}

static void show_store(X509_STORE* store) {
    STACK_OF(X509_OBJECT)* const all = X509_STORE_get0_objects(store);
    emit("store: %d\n", sk_X509_OBJECT_num(all));
    for (int i = 0; i < sk_X509_OBJECT_num(all); ++i) {
        X509_OBJECT* const o = sk_X509_OBJECT_value(all, i);
        if (X509_OBJECT_get0_X509(o)) {
            show("  object", X509_OBJECT_get0_X509(o));
        } else {
            show_list(X509_OBJECT_get0_X509_CRL(o));
        }
    }
    STACK_OF(X509)* const certificates = X509_STORE_get1_all_certs(store);
    emit("  %d certificates\n", sk_X509_num(certificates));
    sk_X509_pop_free(certificates, X509_free);
}

// Which of the objects that this program parsed are the same object: in stock none.
static void show_relations(void) {
    for (int i = 0; relations && i < held_count; ++i) {
        for (int k = 0; k < i; ++k) {
            if (held[i].own && held[k].own && held[i].x && held[k].x) {
                emit(" %d", held[i].x == held[k].x);
            }
        }
    }
    emit(" related\n");
}

// Writing ---------------------------------------------------------------------------------------------------

#if defined(ATTACHES) || defined(WRITES)
static void attach(X509* x, unsigned b, unsigned c) {
    if (index_count < index_most && (b & 64 || index_count == 0)) {
        indices[index_count++] = X509_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    }
    const int index = indices[b % (unsigned)index_count];
    const char* const before = X509_get_ex_data(x, index);
    emit("found %s, set %d\n", before ? before : "none",
         X509_set_ex_data(x, index, (void*)(c & 1 ? PICK(data, c >> 1) : NULL)));
}
#endif

#ifdef WRITES
static void write_to(X509* x, unsigned b, unsigned c) {
    switch (b % 14) {
    case 0:
        ASN1_TIME_set(X509_getm_notAfter(x), (c & 1) ? 1000 : 4000000000);
        break;
    case 1:
        ASN1_TIME_set(X509_getm_notBefore(x), (c & 1) ? 1000 : 4000000000);
        break;
    case 2: {
        ASN1_TIME* const t = ASN1_TIME_set(NULL, 100000 + c);
        X509_set1_notAfter(x, t);
        ASN1_STRING_free(t);
        break;
    }
    case 3:
        X509_NAME_add_entry_by_txt((X509_NAME*)((c & 1) ? X509_get_subject_name(x) : X509_get_issuer_name(x)),
                                   "OU", MBSTRING_ASC, (const unsigned char*)"written", -1, -1, 0);
        break;
    case 4:
        X509_NAME_ENTRY_free(X509_NAME_delete_entry((X509_NAME*)X509_get_subject_name(x), 0));
        break;
    case 5:
        ASN1_INTEGER_set(X509_get_serialNumber(x), c);
        break;
    case 6:
        X509_add1_trust_object(x, OBJ_nid2obj((c & 1) ? NID_server_auth : NID_client_auth));
        break;
    case 7:
        X509_add1_reject_object(x, OBJ_nid2obj((c & 1) ? NID_server_auth : NID_client_auth));
        break;
    case 8:
        X509_set_version(x, c % 3);
        break;
    case 9:
        X509_EXTENSION_free(X509_delete_ext(x, (int)c % 4));
        break;
    case 10:
        if (X509_get_ext_count(x) > 0) {
            ASN1_STRING_set(
                (ASN1_STRING*)X509_EXTENSION_get_data(X509_get_ext(x, (int)c % X509_get_ext_count(x))),
                "\x05\x00", 2);
        }
        break;
    case 11: {
        X509* const other = certificate_in(PICK(files, c));
        X509_set_pubkey(x, X509_get0_pubkey(other));
        X509_free(other);
        break;
    }
    case 12:
        X509_alias_set1(x, (const unsigned char*)"alias", 5);
        break;
    default:
        EVP_PKEY_set_ex_data(X509_get0_pubkey(x), 0, (void*)(c & 1 ? "key" : NULL));
    }
    show("written", x);
}

static void write_list(X509_STORE* store, unsigned b) {
    STACK_OF(X509_OBJECT)* const all = X509_STORE_get0_objects(store);
    for (int i = 0; i < sk_X509_OBJECT_num(all); ++i) {
        X509_CRL* const list = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(all, i));
        if (!list) {
            continue;
        }
        X509_REVOKED* const entry = sk_X509_REVOKED_value(X509_CRL_get_REVOKED(list), 0);
        X509* const leaf = certificate_in("server.cert.pem");
        ASN1_TIME* const t = ASN1_TIME_set(NULL, 1000);
        if (b % 4 == 0) {
            X509_CRL_set1_nextUpdate(list, t);
        } else if (b % 4 == 1 && entry) {
            X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(leaf));
        } else if (b % 4 == 2 && entry) {
            X509_REVOKED* const more = X509_REVOKED_dup(entry);
            X509_REVOKED_set_serialNumber(more, X509_get_serialNumber(leaf));
            X509_CRL_add0_revoked(list, more);
        } else {
            X509_CRL_sort(list);
        }
        X509_free(leaf);
        ASN1_STRING_free(t);
        show_list(list);
        return;
    }
}
#endif

// Operations ------------------------------------------------------------------------------------------------

static unsigned callback_slot;

static int observing(int ok, X509_STORE_CTX* c) {
    X509* const x = X509_STORE_CTX_get_current_cert(c);
    emit(" callback %d %d at %d", ok, X509_STORE_CTX_get_error(c), X509_STORE_CTX_get_error_depth(c));
    show("", x);
    return ok;
}

static int accepting(int ok, X509_STORE_CTX* c) {
    emit(" accepted %d %d at %d\n", ok, X509_STORE_CTX_get_error(c), X509_STORE_CTX_get_error_depth(c));
    return 1;
}

static void put(unsigned slot, X509* x, int own) {
    struct held* const h = &held[slot % held_count];
    X509_free(h->x);
    h->x = x;
    h->own = own;
}

static int holding(int ok, X509_STORE_CTX* c) {
    X509* const x = X509_STORE_CTX_get_current_cert(c);
    if (x) {
        X509_up_ref(x);
        put(callback_slot, x, 0);
    }
    return ok;
}

#if defined(ATTACHES) || defined(WRITES)
static int touching(int ok, X509_STORE_CTX* c) {
    X509* const x = X509_STORE_CTX_get_current_cert(c);
    if (x) {
#ifdef WRITES
        write_to(x, callback_slot, callback_slot);
#else
        attach(x, callback_slot, callback_slot);
#endif
    }
    return ok;
}
#else
#define touching holding
#endif

static int (*const callbacks[])(int, X509_STORE_CTX*) = {NULL,    NULL, observing, accepting,
                                                         holding, NULL, touching,  NULL};

static void trust(SSL_CTX* context, unsigned kind) {
    if (kind % 11 < 8) {
        emit(" loaded %d", SSL_CTX_load_verify_locations(context, pki(trusted[kind % 11]), NULL));
    } else if (kind % 11 == 8) {
        emit(" loaded %d", SSL_CTX_load_verify_locations(context, NULL, pki("trust.d")));
    } else if (kind % 11 == 9) {
        emit(" loaded %d", SSL_CTX_load_verify_file(context, pki("crls.bundle.pem")));
    } else {
        emit(" loaded %d", SSL_CTX_load_verify_locations(context, pki("nowhere.pem"), NULL));
    }
}

// Sets a certificate, if possible: a provider's refusal is part of the scene.
static void try_present(SSL_CTX* context, const char* who) {
    emit(" presents %d %d", SSL_CTX_use_certificate_chain_file(context, pki_of(who, "chain.pem")),
         SSL_CTX_use_PrivateKey_file(context, pki_of(who, "key.pem"), SSL_FILETYPE_PEM));
}

static void new_client(unsigned a, unsigned b, unsigned c) {
    SSL_CTX** const slot = &PICK(clients, a);
    SSL_CTX_free(*slot);
    *slot = SSL_CTX_new(TLS_client_method());
    emit("context %d", *slot != NULL);
    if (!*slot) {
        return;
    }
    trust(*slot, b);
    SSL_CTX_set_verify(*slot, (c & 15) == 15 ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, PICK(callbacks, c >> 2));
    if (PICK(client_names, c >> 5)) {
        try_present(*slot, PICK(client_names, c >> 5));
    }
    if (b & 64) {
        SSL_CTX_set_max_proto_version(*slot, TLS1_2_VERSION);
    }
    if (b & 32) {
        X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(*slot), X509_V_FLAG_CRL_CHECK);
    }
    if (b & 128) {
        X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(*slot), X509_V_FLAG_POLICY_CHECK);
    }
    emit("\n");
}

static void new_server(unsigned a, unsigned b, unsigned c) {
    SSL_CTX** const slot = &PICK(servers, a);
    SSL_CTX_free(*slot);
    *slot = SSL_CTX_new(TLS_server_method());
    emit("context %d", *slot != NULL);
    if (!*slot) {
        return;
    }
    try_present(*slot, PICK(server_names, b));
    SSL_CTX_set_session_id_context(*slot, (const unsigned char*)"scenes", 6);
    if (c & 3) {
        trust(*slot, (c >> 2) % 5);
        SSL_CTX_set_verify(*slot, SSL_VERIFY_PEER | (c & 1 ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                           PICK(callbacks, c >> 4));
    }
    emit("\n");
}

static void connect_pair(unsigned a, unsigned b, unsigned c) {
    SSL_CTX* const client = PICK(clients, b);
    SSL_CTX* const server = PICK(servers, c);
    struct tls* const t = &connections[a % connection_count];
    finish(t);
    if (!client || !server) {
        emit("no contexts\n");
        return;
    }
    *t = prepare(client, server);
    SSL_SESSION* const session = b & 64 ? PICK(sessions, b >> 3) : NULL;
    if (session) {
        emit("set session %d\n", SSL_set_session(t->client, session));
    }
    t->done = drive(t->client, t->server);
    if (t->done == 1) {
        ERR_clear_error();
        char byte;
        (void)SSL_read(t->client, &byte, 1);
        ERR_clear_error();
    }
    show_connection((int)(a % connection_count));
}

static void take_session(unsigned a, unsigned b, unsigned c) {
    struct tls* const t = &connections[a % connection_count];
    SSL_SESSION** const slot = &PICK(sessions, b);
    if (!t->client || t->done != 1) {
        return;
    }
    SSL_set_shutdown(t->client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_SESSION* s = SSL_get1_session(c & 1 ? t->client : t->server);
    if (c & 6) { // through bytes
        unsigned char* der = NULL;
        const int size = i2d_SSL_SESSION(s, &der);
        SSL_SESSION_free(s);
        const unsigned char* p = der;
        s = size > 0 ? d2i_SSL_SESSION(NULL, &p, size) : NULL;
        OPENSSL_free(der);
    }
    emit("session %d\n", s != NULL);
    if (s) {
        show("session's peer", SSL_SESSION_get0_peer(s));
        show_data(SSL_SESSION_get0_peer(s));
    }
    SSL_SESSION_free(*slot);
    *slot = s && (c & 1) ? s : NULL; // a server's own session is of no use to a client
    if (s && !*slot) {
        SSL_SESSION_free(s);
    }
}

static X509_STORE* some_store(unsigned n) {
    if (n % 3 == 0) {
        X509_STORE** const slot = &PICK(stores, n / 3);
        *slot = *slot ? *slot : X509_STORE_new();
        return *slot;
    }
    SSL_CTX* const c = n % 3 == 1 ? PICK(clients, n / 3) : PICK(servers, n / 3);
    return c ? SSL_CTX_get_cert_store(c) : NULL;
}

static void load(unsigned a, unsigned b, unsigned c) {
    X509_STORE* const store = some_store(a);
    if (!store) {
        return;
    }
    if (c & 1) {
        emit("load %d\n", X509_STORE_load_file(store, pki(PICK(trusted, b))));
    } else if (c & 2) {
        emit("lists %d\n", X509_load_crl_file(X509_STORE_add_lookup(store, X509_LOOKUP_file()),
                                              pki(PICK(trusted, b)), X509_FILETYPE_PEM));
    } else if (c & 4) {
        emit("both %d\n", X509_load_cert_crl_file(X509_STORE_add_lookup(store, X509_LOOKUP_file()),
                                                  pki(PICK(trusted, b)), X509_FILETYPE_PEM));
    } else {
        X509* const x = certificate_in(PICK(files, b));
        emit("add %d\n", X509_STORE_add_cert(store, x));
        X509_free(x);
    }
    if (c & 8) {
        show_store(store);
    }
}

static void check(unsigned a, unsigned b, unsigned c) {
    X509_STORE* const store = some_store(a);
    X509* x = PICK(held, b).x;
    if (!store) {
        return;
    }
    if (!x || b & 64) {
        x = certificate_in(PICK(files, b));
    } else {
        X509_up_ref(x);
    }
    STACK_OF(X509)* const sent = sk_X509_new_null();
    if (c & 1) {
        sk_X509_push(sent, certificate_in("mid.cert.pem"));
    }
    X509_STORE_CTX* const v = X509_STORE_CTX_new();
    if (X509_STORE_CTX_init(v, store, x, sent)) {
        static const unsigned long flags[] = {0,
                                              X509_V_FLAG_CRL_CHECK,
                                              X509_V_FLAG_PARTIAL_CHAIN,
                                              X509_V_FLAG_POLICY_CHECK,
                                              X509_V_FLAG_X509_STRICT,
                                              X509_V_FLAG_TRUSTED_FIRST,
                                              0,
                                              X509_V_FLAG_CRL_CHECK_ALL | X509_V_FLAG_CRL_CHECK};
        X509_STORE_CTX_set_flags(v, PICK(flags, c >> 1));
        callback_slot = b;
        if (PICK(callbacks, c >> 4)) {
            X509_STORE_CTX_set_verify_cb(v, PICK(callbacks, c >> 4));
        }
        const int result = X509_verify_cert(v);
        emit("checked %d %d at %d\n", result, X509_STORE_CTX_get_error(v), X509_STORE_CTX_get_error_depth(v));
        STACK_OF(X509)* const chain = X509_STORE_CTX_get0_chain(v);
        for (int i = 0; i < sk_X509_num(chain); ++i) {
            show(" chain", sk_X509_value(chain, i));
        }
    }
    X509_STORE_CTX_free(v);
    sk_X509_pop_free(sent, X509_free);
    X509_free(x);
}

static void parse(unsigned a, unsigned b, unsigned c) {
    X509* x = NULL;
    const char* const file = PICK(files, b);
    if (c % 4 == 0) {
        x = certificate_in(file);
    } else {
        BIO* const in = BIO_new_file(pki(file), "r");
        if (c % 4 == 1) {
            x = PEM_read_bio_X509_AUX(in, NULL, NULL, NULL);
        } else {
            char* name;
            char* header;
            unsigned char* der;
            long size;
            if (PEM_read_bio(in, &name, &header, &der, &size)) {
                const unsigned char* p = der;
                if (c % 4 == 2) {
                    x = d2i_X509(NULL, &p, size - (long)(c >> 7) * 9);
                } else {
                    x = X509_new();
                    X509* const alias = x;
                    const X509* const result = d2i_X509(&x, &p, size);
                    emit("filled %d %d\n", result == alias, x == alias);
                }
                emit("took %d\n", p - der == size);
                OPENSSL_free(name);
                OPENSSL_free(header);
                OPENSSL_free(der);
            }
        }
        BIO_free(in);
    }
    put(a, x, 1);
    show("parsed", x);
    show_data(x);
    show_relations();
}

static void hold(unsigned a, unsigned b, unsigned c) {
    X509* x = NULL;
    const struct tls* const t = &connections[b % connection_count];
    SSL* const s = c & 1 ? t->client : t->server;
    if (c & 16) {
        X509_STORE* const store = some_store(b);
        STACK_OF(X509_OBJECT)* const all = store ? X509_STORE_get0_objects(store) : NULL;
        if (sk_X509_OBJECT_num(all) > 0) {
            x = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(all, (int)(c >> 5) % sk_X509_OBJECT_num(all)));
        }
    } else if (c & 32) {
        SSL_CTX* const context = PICK(servers, b);
        x = context ? SSL_CTX_get0_certificate(context) : NULL;
    } else if (s && t->done == 1) {
        STACK_OF(X509)* const chain = c & 2 ? SSL_get_peer_cert_chain(s) : SSL_get0_verified_chain(s);
        x = c & 4                    ? SSL_get0_peer_certificate(s)
            : sk_X509_num(chain) > 0 ? sk_X509_value(chain, (int)(c >> 6) % sk_X509_num(chain))
                                     : NULL;
    }
    if (x) {
        X509_up_ref(x);
    }
    put(a, x, 0);
    show("held", x);
    show_data(x);
}

static void fetch_something(unsigned a) {
    static const char* const names[] = {"SHA256", "MD4", "SHA1", "WHIRLPOOL"};
    EVP_MD* const md = EVP_MD_fetch(NULL, PICK(names, a), NULL);
    emit("fetched %d\n", md != NULL);
    EVP_MD_free(md);
}

// OpenSSL reads extensions at the first use of each object, and needs SHA-1 for that. ibid makes OpenSSL do
// this when a trust file is loaded, so that shared objects do not change later. A program that makes SHA-1
// unavailable in between is a limit (docs/safety.md).
static void use_all_trusted(void) {
    X509_STORE* every[store_count + 2 * context_count];
    for (int i = 0; i < store_count; ++i) {
        every[i] = stores[i];
    }
    for (int i = 0; i < context_count; ++i) {
        every[store_count + 2 * i] = clients[i] ? SSL_CTX_get_cert_store(clients[i]) : NULL;
        every[store_count + 2 * i + 1] = servers[i] ? SSL_CTX_get_cert_store(servers[i]) : NULL;
    }
    for (int n = 0; n < store_count + 2 * context_count; ++n) {
        X509_STORE* const store = every[n];
        const STACK_OF(X509_OBJECT)* const all = store ? X509_STORE_get0_objects(store) : NULL;
        for (int i = 0; i < sk_X509_OBJECT_num(all); ++i) {
            X509* const x = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(all, i));
            (void)(x && X509_get_extension_flags(x));
        }
    }
    ERR_clear_error();
}

static void providers(unsigned a, unsigned b) {
    use_all_trusted();
    static const char* const properties[] = {
        "", "", "?provider=default", "provider=nobody", "provider=default", "fips=yes"};
    if (a % 3 == 0) {
        if (legacy) {
            emit("unload %d\n", OSSL_PROVIDER_unload(legacy));
            legacy = NULL;
        } else {
            legacy = OSSL_PROVIDER_try_load(NULL, "legacy", 1);
            emit("load %d\n", legacy != NULL);
        }
    } else if (a % 3 == 1) {
        emit("properties %d\n", EVP_set_default_properties(NULL, PICK(properties, b)));
    }
    fetch_something(b);
}

static void plugins(unsigned a, unsigned b) {
    if (plugin && a & 1) {
        emit("closed %d\n", dlclose(plugin));
        plugin = NULL;
        return;
    }
    if (!plugin) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s.so", getenv("SAFETY_HERE"),
                 b & 1 ? "touching_plugin" : "crypto_plugin");
        plugin = dlopen(path, RTLD_NOW | (b & 2 ? RTLD_LOCAL | RTLD_DEEPBIND : RTLD_LOCAL));
        MUST(plugin);
    }
    emit("touched %d\n", ((int (*)(const char*))dlsym(plugin, "touch"))(pki(PICK(files, b >> 2))));
}

static void release(unsigned a, unsigned b) {
    switch (a % 5) {
    case 0:
        finish(&PICK(connections, b));
        break;
    case 1:
        SSL_SESSION_free(PICK(sessions, b));
        PICK(sessions, b) = NULL;
        break;
    case 2:
        put(b, NULL, 0);
        break;
    case 3:
        X509_STORE_free(PICK(stores, b));
        PICK(stores, b) = NULL;
        break;
    default:
        if (b & 64) {
            SSL_CTX_free(PICK(clients, b));
            PICK(clients, b) = NULL;
        } else {
            SSL_CTX_free(PICK(servers, b));
            PICK(servers, b) = NULL;
        }
    }
}

static void show_all(unsigned a) {
    show_connection((int)(a % connection_count));
    show("held", PICK(held, a).x);
    show_data(PICK(held, a).x);
}

enum operation {
    op_client,
    op_server,
    op_connect,
    op_session,
    op_load,
    op_check,
    op_parse,
    op_hold,
    op_show,
    op_store,
    op_release,
    op_provider,
    op_plugin,
    op_fork,
    op_complain,
    op_attach_held,
    op_attach_peer,
    op_write_held,
    op_write_peer,
    op_write_object,
    op_write_list,
    op_count
};

static const struct {
    const char* name;
    unsigned weight; // of 1000
} operations[op_count] = {{"client", 60},      {"server", 45},     {"connect", 130},   {"session", 60},
                          {"load", 90},        {"check", 130},     {"parse", 120},     {"hold", 90},
                          {"show", 60},        {"store", 30},      {"release", 90},    {"provider", 12},
                          {"plugin", 20},      {"fork", 8},        {"complain", 25},   {"attach_held", 40},
                          {"attach_peer", 40}, {"write_held", 40}, {"write_peer", 40}, {"write_object", 30},
                          {"write_list", 20}};

#ifdef WRITES
enum { known = op_count };
#elif defined(ATTACHES)
enum { known = op_write_held };
#else
enum { known = op_attach_held };
#endif

struct step {
    enum operation operation;
    unsigned a, b, c;
    int in_thread;
};

static void play_rest(void);

static void fork_scene(void) {
    int pipes[2];
    MUST(pipe(pipes) == 0);
    const pid_t child = fork();
    if (child == 0) {
        alarm(20);
        is_child = 1;
        text_size = 0;
        play_rest();
        close(pipes[0]);
        for (size_t at = 0; at < text_size;) {
            const ssize_t n = write(pipes[1], text + at, text_size - at);
            MUST(n > 0);
            at += (size_t)n;
        }
        _exit(0);
    }
    close(pipes[1]);
    emit("child: ");
    ssize_t n;
    while ((n = read(pipes[0], text + text_size, sizeof text - text_size - 1)) > 0) {
        text_size += (size_t)n;
    }
    close(pipes[0]);
    int status;
    waitpid(child, &status, 0);
    emit("child's end %d\n", status);
}

static void perform(const struct step* s) {
    give_back();
    callback_slot = s->c;
    switch (s->operation) {
    case op_client:
        new_client(s->a, s->b, s->c);
        break;
    case op_server:
        new_server(s->a, s->b, s->c);
        break;
    case op_connect:
        connect_pair(s->a, s->b, s->c);
        break;
    case op_session:
        take_session(s->a, s->b, s->c);
        break;
    case op_load:
        load(s->a, s->b, s->c);
        break;
    case op_check:
        check(s->a, s->b, s->c);
        break;
    case op_parse:
        parse(s->a, s->b, s->c);
        break;
    case op_hold:
        hold(s->a, s->b, s->c);
        break;
    case op_show:
        show_all(s->a);
        break;
    case op_store:
        if (some_store(s->a)) {
            show_store(some_store(s->a));
        }
        break;
    case op_release:
        release(s->a, s->b);
        break;
    case op_provider:
        providers(s->a, s->b);
        break;
    case op_plugin:
        plugins(s->a, s->b);
        break;
    case op_fork:
        if (!is_child) {
            fork_scene();
        }
        break;
    case op_complain: { // an error that stays in the queue during the next operations
        BIO* const in = BIO_new_file("/nowhere", "r");
        emit("complained %d\n", in != NULL);
        return;
    }
#if defined(ATTACHES) || defined(WRITES)
    case op_attach_held:
        if (PICK(held, s->a).x) {
            attach(PICK(held, s->a).x, s->b, s->c);
        }
        break;
    case op_attach_peer: {
        const struct tls* const t = &PICK(connections, s->a);
        X509* const x =
            t->client && t->done == 1 ? SSL_get0_peer_certificate(s->a & 64 ? t->server : t->client) : NULL;
        if (x) {
            attach(x, s->b, s->c);
        }
        break;
    }
#endif
#ifdef WRITES
    case op_write_held:
        if (PICK(held, s->a).x) {
            write_to(PICK(held, s->a).x, s->b, s->c);
        }
        break;
    case op_write_peer: {
        const struct tls* const t = &PICK(connections, s->a);
        X509* const x =
            t->client && t->done == 1 ? SSL_get0_peer_certificate(s->a & 64 ? t->server : t->client) : NULL;
        if (x) {
            write_to(x, s->b, s->c);
        }
        break;
    }
    case op_write_object: {
        X509_STORE* const store = some_store(s->a);
        STACK_OF(X509_OBJECT)* const all = store ? X509_STORE_get0_objects(store) : NULL;
        X509* const x =
            sk_X509_OBJECT_num(all) > 0
                ? X509_OBJECT_get0_X509(sk_X509_OBJECT_value(all, (int)s->a % sk_X509_OBJECT_num(all)))
                : NULL;
        if (x) {
            write_to(x, s->b, s->c);
        }
        break;
    }
    case op_write_list:
        if (some_store(s->a)) {
            write_list(some_store(s->a), s->b);
        }
        break;
#endif
    default:
        return;
    }
    show_errors("queue");
}

// Two threads by turns --------------------------------------------------------------------------------------

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn = PTHREAD_COND_INITIALIZER;
static const struct step* given;
static int worker_runs;

static void* work(void* unused) {
    pthread_mutex_lock(&mutex);
    for (;;) {
        while (!given) {
            pthread_cond_wait(&turn, &mutex);
        }
        perform(given);
        given = NULL;
        pthread_cond_broadcast(&turn);
    }
    return unused;
}

static void in_turn(const struct step* s) {
    if (!s->in_thread || is_child || s->operation == op_fork) {
        perform(s);
        return;
    }
    if (!worker_runs) {
        pthread_t thread;
        MUST(pthread_create(&thread, NULL, work, NULL) == 0);
        pthread_detach(thread);
        worker_runs = 1;
    }
    pthread_mutex_lock(&mutex);
    given = s;
    pthread_cond_broadcast(&turn);
    while (given) {
        pthread_cond_wait(&turn, &mutex);
    }
    pthread_mutex_unlock(&mutex);
}

// Scenes ----------------------------------------------------------------------------------------------------

enum { most_steps = 64 };

static struct step steps[most_steps];
static int step_count;
static int step_at;
static int left_out[op_count];

static unsigned long long state;

static unsigned next_number(void) { // splitmix64
    state += 0x9e3779b97f4a7c15ULL;
    unsigned long long z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return (unsigned)((z ^ (z >> 31)) >> 16);
}

static void make_scene(unsigned long long seed) {
    state = seed * 0x2545f4914f6cdd1dULL + 7;
    unsigned total = 0;
    for (int i = 0; i < known; ++i) {
        total += operations[i].weight;
    }
    step_count = 3 + (int)(next_number() % 7);
    const int threaded = next_number() % 4 == 0;
    for (int i = 0; i < step_count; ++i) {
        unsigned at = next_number() % total;
        int operation = 0;
        while (at >= operations[operation].weight) {
            at -= operations[operation++].weight;
        }
        const unsigned arguments = next_number();
        steps[i] = (struct step){(enum operation)operation, arguments & 255, (arguments >> 8) & 255,
                                 (arguments >> 16) & 255, threaded && (arguments >> 24) % 2};
    }
}

static void play_rest(void) {
    while (step_at < step_count) {
        const struct step* const s = &steps[step_at++];
        if (!left_out[s->operation]) {
            emit("%s %u %u %u:\n", operations[s->operation].name, s->a, s->b, s->c);
            in_turn(s);
        }
    }
}

// The start of a scene: contexts that the previous scene may have left, read as they are.
static void furnish(void) {
    if (!servers[0]) {
        new_server(0, 0, 1 | 4);
    }
    if (!clients[0]) {
        new_client(0, 1, 0);
    }
}

static void clear(unsigned long long seed) {
    give_back();
    for (int i = 0; i < connection_count; ++i) {
        finish(&connections[i]);
    }
    for (int i = 0; i < session_count; ++i) {
        SSL_SESSION_free(sessions[i]);
        sessions[i] = NULL;
    }
    for (int i = 0; i < store_count; ++i) {
        X509_STORE_free(stores[i]);
        stores[i] = NULL;
    }
    for (int i = 0; i < held_count; ++i) {
        put((unsigned)i, NULL, 0);
    }
    if (legacy) {
        OSSL_PROVIDER_unload(legacy);
        legacy = NULL;
    }
    if (plugin) {
        dlclose(plugin);
        plugin = NULL;
    }
    EVP_set_default_properties(NULL, "");
    // Contexts stay for some scenes, with all that they hold.
    for (int i = 0; i < context_count && seed % 8 == 0; ++i) {
        SSL_CTX_free(clients[i]);
        SSL_CTX_free(servers[i]);
        clients[i] = servers[i] = NULL;
    }
    ERR_clear_error();
}

static void play_scene(unsigned long long seed) {
    text_size = 0;
    step_at = 0;
    furnish();
    text_size = 0;
    play_rest();
    clear(seed);
}

static void write_out(const char* bytes, size_t size) {
    MUST(fwrite(bytes, 1, size, stdout) == size);
}

static void print_scene(unsigned long long seed) {
    fprintf(stdout, "scene %llu\n", seed);
    for (int i = 0; i < step_count; ++i) {
        const struct step* const s = &steps[i];
        fprintf(stdout, "%s %u %u %u %d\n", operations[s->operation].name, s->a, s->b, s->c, s->in_thread);
    }
}

static void flush_scene(unsigned long long seed) {
    play_scene(seed);
    fprintf(stdout, "scene %llu\n", seed);
    write_out(text, text_size);
    fflush(stdout);
}

static void play_script(void) {
    char line[128];
    unsigned long long seed = 0;
    int any = 0;
    step_count = 0;
    while (fgets(line, sizeof line, stdin)) {
        char name[32];
        struct step s = {op_count, 0, 0, 0, 0};
        unsigned long long next;
        if (sscanf(line, "scene %llu", &next) == 1) {
            if (any) {
                flush_scene(seed);
            }
            seed = next;
            any = 1;
            step_count = 0;
        } else if (sscanf(line, "%31s %u %u %u %d", name, &s.a, &s.b, &s.c, &s.in_thread) == 5) {
            for (int i = 0; i < known; ++i) {
                if (strcmp(operations[i].name, name) == 0) {
                    s.operation = (enum operation)i;
                }
            }
            if (s.operation != op_count && step_count < most_steps) {
                steps[step_count++] = s;
            }
        }
    }
    if (any) {
        flush_scene(seed);
    }
}

int main(int argc, char** argv) {
    MUST(argc > 2);
    relations = atoi(argv[argc - 1]);
    char without[256];
    const char* const named = getenv("SCENES_WITHOUT");
    snprintf(without, sizeof without, ",%s,", named ? named : "");
    for (int i = 0; i < op_count; ++i) {
        char word[32];
        snprintf(word, sizeof word, ",%s,", operations[i].name);
        left_out[i] = strstr(without, word) != NULL;
    }
    const int printing = strcmp(argv[1], "print") == 0;
    if (!printing) { // OpenSSL's one-time initialization must not depend on a scene's properties
        unsigned char random[16];
        MUST(RAND_bytes(random, sizeof random) == 1);
        SSL_CTX* const server = server_context("server");
        SSL_CTX* const client = client_context("trust.bundle.pem", NULL);
        MUST(visit(client, server) == 1);
        SSL_CTX_free(server);
        SSL_CTX_free(client);
    }
    if (strcmp(argv[1], "play") == 0) {
        play_script();
    } else {
        MUST(argc > 4);
        const unsigned long long from = strtoull(argv[2], NULL, 10);
        const unsigned long long count = strtoull(argv[3], NULL, 10);
        for (unsigned long long seed = from; seed < from + count; ++seed) {
            make_scene(seed);
            if (printing) {
                print_scene(seed);
            } else {
                play_scene(seed);
                fprintf(stdout, "%llu %016llx\n", seed, fingerprint(text, text_size));
            }
        }
    }
    fflush(stdout);
    tell_hits();
    return 0;
}
