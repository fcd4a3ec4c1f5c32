// SPDX-License-Identifier: Apache-2.0
//
// One connection or store gets an object and writes to it. What another connection or store sees, at that
// time and later, is as in stock: write_and_see SOURCE WRITE late|early WAY. The program itself references no
// function that writes (unless BY_RELOCATION):
//     WAY        dlsym: found by name after sharing began; otherwise the path of a plugin that is opened then
//     early      the object was obtained before the writer was loaded; late: after
#include <openssl/ec.h>

#include "../support.h"
#include "writers.h"

static struct writers w;
static SSL_CTX* clients[2];
static SSL_CTX* servers[2];
static struct tls connections[2];
static X509* from_callback;
static int in_callback;

static int on_verify(int ok, X509_STORE_CTX* c) {
    if (in_callback && !from_callback) {
        from_callback = X509_STORE_CTX_get_current_cert(c);
        X509_up_ref(from_callback);
    }
    return ok;
}

static X509_STORE* store_of(int i) {
    return SSL_CTX_get_cert_store(clients[i]);
}

static X509* issuer_of_leaf(int i) {
    X509_STORE_CTX* const c = X509_STORE_CTX_new();
    X509* const x = SSL_get0_peer_certificate(connections[i].client);
    X509* issuer = NULL;
    MUST(X509_STORE_CTX_init(c, store_of(i), x, NULL));
    MUST(X509_STORE_CTX_get1_issuer(&issuer, c, x) == 1);
    X509_STORE_CTX_free(c);
    return issuer;
}

static X509* by_subject(int i) {
    X509_STORE_CTX* const c = X509_STORE_CTX_new();
    X509* const x = SSL_get0_peer_certificate(connections[i].client);
    MUST(X509_STORE_CTX_init(c, store_of(i), x, NULL));
    X509_OBJECT* const o = X509_STORE_CTX_get_obj_by_subject(c, X509_LU_X509, X509_get_issuer_name(x));
    MUST(o);
    X509* const found = X509_OBJECT_get0_X509(o);
    X509_up_ref(found);
    X509_OBJECT_free(o);
    X509_STORE_CTX_free(c);
    return found;
}

static X509* certificate_from(const char* source) {
    X509* x = NULL;
    struct tls* const t = &connections[0];
    if (strcmp(source, "peer") == 0) {
        return SSL_get1_peer_certificate(t->server);
    }
    if (strcmp(source, "server-peer") == 0) {
        return SSL_get1_peer_certificate(t->client);
    }
    if (strcmp(source, "callback") == 0) {
        in_callback = 1;
        MUST(visit(clients[0], servers[0]) == 1);
        return from_callback;
    }
    if (strcmp(source, "peer0") == 0) {
        x = SSL_get0_peer_certificate(t->server);
    } else if (strcmp(source, "chain") == 0) {
        x = sk_X509_value(SSL_get_peer_cert_chain(t->client), 1);
    } else if (strcmp(source, "verified-leaf") == 0) {
        x = sk_X509_value(SSL_get0_verified_chain(t->client), 0);
    } else if (strcmp(source, "verified-root") == 0) {
        STACK_OF(X509)* const chain = SSL_get0_verified_chain(t->client);
        x = sk_X509_value(chain, sk_X509_num(chain) - 1);
    } else if (strcmp(source, "session") == 0) {
        x = SSL_SESSION_get0_peer(SSL_get0_session(t->server));
    } else if (strcmp(source, "objects") == 0) {
        x = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(X509_STORE_get0_objects(store_of(0)), 0));
        for (int i = 0; !x; ++i) {
            x = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(X509_STORE_get0_objects(store_of(0)), i));
        }
    } else if (strcmp(source, "all") == 0) {
        STACK_OF(X509)* const all = X509_STORE_get1_all_certs(store_of(0));
        x = sk_X509_value(all, 0);
        X509_up_ref(x);
        sk_X509_pop_free(all, X509_free);
        return x;
    } else if (strcmp(source, "issuer") == 0) {
        return issuer_of_leaf(0);
    } else if (strcmp(source, "subject") == 0) {
        return by_subject(0);
    }
    MUST(x);
    X509_up_ref(x);
    return x;
}

static X509_CRL* list_in(X509_STORE* store) {
    STACK_OF(X509_OBJECT)* const objects = X509_STORE_get0_objects(store);
    for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
        X509_CRL* const list = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, i));
        if (list) {
            return list;
        }
    }
    MUST(0);
    return NULL;
}

static void write_certificate(const char* what, X509* x) {
    if (strcmp(what, "before") == 0) {
        w.ASN1_TIME_set(w.X509_getm_notBefore(x), 4000000000);
    } else if (strcmp(what, "after") == 0) {
        w.ASN1_TIME_set(w.X509_getm_notAfter(x), 0);
    } else if (strcmp(what, "set-after") == 0) {
        ASN1_TIME* const t = w.ASN1_TIME_set(NULL, 0);
        w.X509_set1_notAfter(x, t);
        ASN1_STRING_free(t);
    } else if (strcmp(what, "version") == 0) {
        w.X509_set_version(x, 0);
    } else if (strcmp(what, "serial") == 0) {
        w.ASN1_INTEGER_set(X509_get_serialNumber(x), 4711);
    } else if (strcmp(what, "name") == 0) {
        w.X509_NAME_add_entry_by_txt((X509_NAME*)X509_get_subject_name(x), "OU", MBSTRING_ASC,
                                     (const unsigned char*)"written", -1, -1, 0);
    } else if (strcmp(what, "name-less") == 0) {
        X509_NAME_ENTRY_free(w.X509_NAME_delete_entry((X509_NAME*)X509_get_subject_name(x), 0));
    } else if (strcmp(what, "issuer-name") == 0) {
        w.X509_NAME_add_entry_by_txt((X509_NAME*)X509_get_issuer_name(x), "OU", MBSTRING_ASC,
                                     (const unsigned char*)"written", -1, -1, 0);
    } else if (strcmp(what, "extension") == 0) {
        X509_EXTENSION* const last = (X509_EXTENSION*)X509_get_ext(x, X509_get_ext_count(x) - 1);
        w.ASN1_STRING_set((ASN1_STRING*)X509_EXTENSION_get_data(last), "\x05\x00", 2);
    } else if (strcmp(what, "no-extension") == 0) {
        X509_EXTENSION_free(w.X509_delete_ext(x, X509_get_ext_count(x) - 1));
    } else if (strcmp(what, "trust") == 0) {
        w.X509_add1_trust_object(x, OBJ_nid2obj(NID_server_auth));
    } else if (strcmp(what, "reject") == 0) {
        w.X509_add1_reject_object(x, OBJ_nid2obj(NID_server_auth));
    } else if (strcmp(what, "alias") == 0) {
        w.X509_alias_set1(x, (const unsigned char*)"alias", 5);
    } else if (strcmp(what, "proxy") == 0) {
        w.X509_set_proxy_flag(x);
    } else if (strcmp(what, "key") == 0) {
        X509* const stranger = certificate_in("stranger.cert.pem");
        EC_KEY* const key = w.EVP_PKEY_get1_EC_KEY(X509_get0_pubkey(stranger));
        w.EVP_PKEY_set1_EC_KEY(X509_get0_pubkey(x), key);
        EC_KEY_free(key);
        X509_free(stranger);
    } else if (strcmp(what, "other-key") == 0) {
        X509* const stranger = certificate_in("stranger.cert.pem");
        w.X509_set_pubkey(x, X509_get0_pubkey(stranger));
        X509_free(stranger);
    } else if (strcmp(what, "data") == 0) {
        static int index = -1;
        index = index < 0 ? X509_get_ex_new_index(0, NULL, NULL, NULL, NULL) : index;
        w.X509_set_ex_data(x, index, (void*)"mine");
        for (int i = 0; i < 2; ++i) {
            const char* const found =
                X509_get_ex_data(SSL_get0_peer_certificate(connections[i].server), index);
            printf("data at connection %d's peer: %s\n", i, found ? found : "none");
        }
    } else if (strcmp(what, "key-data") == 0) {
        static int index = -1;
        index =
            index < 0 ? CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_EVP_PKEY, 0, NULL, NULL, NULL, NULL) : index;
        w.EVP_PKEY_set_ex_data(X509_get0_pubkey(x), index, (void*)"mine");
        for (int i = 0; i < 2; ++i) {
            const char* const found = EVP_PKEY_get_ex_data(
                X509_get0_pubkey(SSL_get0_peer_certificate(connections[i].server)), index);
            printf("data at the key of connection %d's peer: %s\n", i, found ? found : "none");
        }
    } else if (strcmp(what, "bytes") == 0) { // without any function: the structure is public
        X509_get_serialNumber(x)->data[1] ^= 0x55;
    } else {
        MUST(0);
    }
}

static void write_list(const char* what, X509_CRL* list) {
    X509_REVOKED* const entry = sk_X509_REVOKED_value(X509_CRL_get_REVOKED(list), 0);
    if (strcmp(what, "list-date") == 0) {
        ASN1_TIME* const t = w.ASN1_TIME_set(NULL, 0);
        w.X509_CRL_set1_nextUpdate(list, t);
        ASN1_STRING_free(t);
    } else if (strcmp(what, "list-date-pointer") == 0) {
        w.ASN1_TIME_set((ASN1_TIME*)X509_CRL_get0_nextUpdate(list), 0);
    } else if (strcmp(what, "list-entry") == 0 || strcmp(what, "list-entry-pointer") == 0) {
        X509* const leaf = certificate_in("server.cert.pem");
        if (strcmp(what, "list-entry") == 0) {
            w.X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(leaf));
        } else {
            const ASN1_INTEGER* const from = X509_get0_serialNumber(leaf);
            w.ASN1_STRING_set((ASN1_STRING*)X509_REVOKED_get0_serialNumber(entry),
                              ASN1_STRING_get0_data(from), ASN1_STRING_length(from));
        }
        X509_free(leaf);
    } else if (strcmp(what, "list-more") == 0) {
        X509* const leaf = certificate_in("server.cert.pem");
        X509_REVOKED* const more = X509_REVOKED_dup(entry);
        w.X509_REVOKED_set_serialNumber(more, X509_get_serialNumber(leaf));
        w.X509_CRL_add0_revoked(list, more);
        w.X509_CRL_sort(list);
        X509_free(leaf);
    } else if (strcmp(what, "list-extension") == 0) {
        X509_EXTENSION_free(w.X509_CRL_delete_ext(list, 0));
    } else {
        MUST(0);
    }
}

static void show_list(const char* label, X509_CRL* list) {
    unsigned char* der = NULL;
    const int size = i2d_X509_CRL(list, &der);
    printf("%s: %d entries, extensions %d, encoding %016llx", label,
           sk_X509_REVOKED_num(X509_CRL_get_REVOKED(list)), X509_CRL_get_ext_count(list),
           fingerprint(der, (size_t)size));
    show_time(X509_CRL_get0_nextUpdate(list));
    unsigned long long serials = 0;
    for (int i = 0; i < sk_X509_REVOKED_num(X509_CRL_get_REVOKED(list)); ++i) {
        const ASN1_INTEGER* const s =
            X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(X509_CRL_get_REVOKED(list), i));
        serials += fingerprint(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
    }
    printf(" serials %016llx\n", serials);
    OPENSSL_free(der);
}

static void show_connection(const char* label, const struct tls* t) {
    show_result(label, t);
    if (t->done != 1) {
        return;
    }
    show("  peer of the server", SSL_get0_peer_certificate(t->server));
    show("  peer of the client", SSL_get0_peer_certificate(t->client));
    STACK_OF(X509)* const sent = SSL_get_peer_cert_chain(t->client);
    STACK_OF(X509)* const verified = SSL_get0_verified_chain(t->client);
    for (int i = 0; i < sk_X509_num(sent); ++i) {
        show("  sent", sk_X509_value(sent, i));
    }
    for (int i = 0; i < sk_X509_num(verified); ++i) {
        show("  verified", sk_X509_value(verified, i));
    }
    X509* const peer = SSL_get0_peer_certificate(t->client);
    printf("  same objects: %d %d %d\n", sk_X509_value(sent, 0) == peer, sk_X509_value(verified, 0) == peer,
           SSL_SESSION_get0_peer(SSL_get0_session(t->server)) == SSL_get0_peer_certificate(t->server));
}

static void show_store(const char* label, X509_STORE* store) {
    STACK_OF(X509_OBJECT)* const objects = X509_STORE_get0_objects(store);
    for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
        X509_OBJECT* const o = sk_X509_OBJECT_value(objects, i);
        if (X509_OBJECT_get0_X509(o)) {
            show(label, X509_OBJECT_get0_X509(o));
        } else {
            show_list(label, X509_OBJECT_get0_X509_CRL(o));
        }
    }
}

static void find_writers(const char* way) {
#ifdef BY_RELOCATION
    (void)way;
#define X(name) w.name = name;
    WRITERS(X)
#undef X
#else
    if (strcmp(way, "dlsym") == 0) {
#define X(name) w.name = (__typeof__(&name))dlsym(RTLD_DEFAULT, #name);
        WRITERS(X)
#undef X
        return;
    }
    void* const plugin = dlopen(way, RTLD_NOW | RTLD_LOCAL | (getenv("SAFETY_DEEPBIND") ? RTLD_DEEPBIND : 0));
    if (!plugin) {
        puts(dlerror());
        exit(1);
    }
    w = *(const struct writers*)dlsym(plugin, "plugin_writers");
#endif
}

int main(int argc, char** argv) {
    MUST(argc > 4);
    const char* const source = argv[1];
    const char* const what = argv[2];
    const int early = strcmp(argv[3], "early") == 0;
    const int lists = strncmp(what, "list-", 5) == 0;
#ifdef BY_RELOCATION
    find_writers(argv[4]);
#endif
    for (int i = 0; i < 2; ++i) {
        servers[i] = server_context("server");
        demand(servers[i], "trust.bundle.pem");
        clients[i] = client_context("crls.bundle.pem", "client");
        if (lists) {
            X509_STORE_set_flags(store_of(i), X509_V_FLAG_CRL_CHECK);
        }
        SSL_CTX_set_verify(clients[i], SSL_VERIFY_PEER, i == 0 ? on_verify : NULL);
        MUST(visit(clients[i], servers[i]) == 1);
        connections[i] = handshake(clients[i], servers[i]);
        MUST(connections[i].done == 1);
    }
    tell_hits();
    X509* x = NULL;
    X509_CRL* list = NULL;
    for (int round = 0; round < 2; ++round) {
        if (round == (early ? 0 : 1)) {
            if (lists) {
                list = list_in(store_of(0));
            } else {
                x = certificate_from(source);
            }
        }
        if (round == 0) {
#ifndef BY_RELOCATION
            find_writers(argv[4]);
#endif
        }
    }
    if (lists) {
        write_list(what, list);
        show_list("written to", list);
    } else {
        show("before", x);
        write_certificate(what, x);
        show("written to", x);
    }
    ERR_clear_error();
    if (strcmp(what, "bytes") != 0) { // objects held at that moment cannot be protected from a bare pointer
        show_connection("the writer's connection", &connections[0]);
        show_connection("the other connection", &connections[1]);
        show_store("the writer's store", store_of(0));
        show_store("the other store", store_of(1));
    }
    struct tls later[2];
    for (int i = 0; i < 2; ++i) {
        if (strcmp(what, "bytes") != 0 || i == 1) {
            later[i] = handshake(clients[i], servers[i]);
            show_connection(i ? "the other context later" : "the writer's context later", &later[i]);
            show_errors("later");
        }
    }
    SSL_CTX* const fresh = client_context("crls.bundle.pem", "client");
    if (lists) {
        X509_STORE_set_flags(SSL_CTX_get_cert_store(fresh), X509_V_FLAG_CRL_CHECK);
    }
    struct tls last = handshake(fresh, servers[1]);
    show_connection("a new context", &last);
    show_store("a new store", SSL_CTX_get_cert_store(fresh));
    X509* const own = certificate_in("client.cert.pem");
    show("own", own);
    X509_free(own);
    X509_free(x);
    finish(&last);
    for (int i = 0; i < 2; ++i) {
        finish(&connections[i]);
    }
    return 0;
}
