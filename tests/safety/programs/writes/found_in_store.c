// SPDX-License-Identifier: Apache-2.0
//
// An object that a store's lookup gives is the store's object: found_in_store HOW [PLUGIN]. The store has a
// folder of CAs. Built with -DATTACHES, the lookup itself loads the file, and what is written is data; else
// the file is loaded before, and a plugin's function rejects the certificate.
#include "support.h"
#include "writers.h"
#include <sys/stat.h>

enum { STORES = 2 };

static X509_STORE* stores[STORES];
static X509_LOOKUP* folders[STORES];
static X509* leaf;
static X509* issuer;
static STACK_OF(X509) * sent;
static UNUSED const struct writers* late;
static int data_index;

static void show_verification(X509_STORE* store) {
    X509_STORE_CTX* const v = X509_STORE_CTX_new();
    MUST(v && X509_STORE_CTX_init(v, store, leaf, sent) && X509_STORE_CTX_set_default(v, "ssl_server"));
    const int verified = X509_verify_cert(v);
    printf("verified %d, error %d\n", verified, X509_STORE_CTX_get_error(v));
    X509_STORE_CTX_free(v);
    ERR_clear_error();
}

static void show_objects(const char* label, X509_STORE* store) {
    STACK_OF(X509_OBJECT)* const objects = X509_STORE_get0_objects(store);
    for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
        X509* const x = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
#ifdef ATTACHES
        const char* const data = X509_get_ex_data(x, data_index);
        printf("%s: %s\n", label, data ? data : "nothing");
#else
        printf("%s: trust %d\n", label, X509_check_trust(x, X509_TRUST_SSL_SERVER, 0));
#endif
    }
}

// A folder with the root under the hash of its name.
static const char* folder_of_roots(void) {
    static char folder[] = "/tmp/ibid-roots-XXXXXX";
    static unsigned char bytes[1 << 16];
    char path[64];
    X509* const root = certificate_in("root.cert.pem");
    MUST(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/%08lx.0", folder, X509_subject_name_hash(root));
    X509_free(root);
    const long size = read_file(pki("root.cert.pem"), bytes, sizeof bytes);
    FILE* const out = fopen(path, "wb");
    MUST(out && fwrite(bytes, 1, (size_t)size, out) == (size_t)size && fclose(out) == 0);
    return folder;
}

static void remove_folder(const char* folder) {
    char path[64];
    X509* const root = certificate_in("root.cert.pem");
    snprintf(path, sizeof path, "%s/%08lx.0", folder, X509_subject_name_hash(root));
    X509_free(root);
    unlink(path);
    rmdir(folder);
}

// With a reference.
static X509* find(const char* how) {
    const X509_NAME* const name = X509_get_issuer_name(issuer);
    X509* found = NULL;
    STACK_OF(X509)* all = NULL;
    X509_OBJECT* const object = X509_OBJECT_new();
    X509_STORE_CTX* const v = X509_STORE_CTX_new();
    MUST(object && v && X509_STORE_CTX_init(v, stores[0], leaf, sent));
    if (!strcmp(how, "issuer")) {
        MUST(X509_STORE_CTX_get1_issuer(&found, v, issuer) == 1);
    } else if (!strcmp(how, "certs")) {
        all = X509_STORE_CTX_get1_certs(v, name);
    } else if (!strcmp(how, "by-subject")) {
        MUST(X509_STORE_CTX_get_by_subject(v, X509_LU_X509, name, object) == 1);
#ifndef ATTACHES // in an attacher nothing is shared if it names these
    } else if (!strcmp(how, "lookup")) {
        MUST(X509_LOOKUP_by_subject(folders[0], X509_LU_X509, name, object) == 1);
    } else if (!strcmp(how, "lookup-ex")) {
        MUST(X509_LOOKUP_by_subject_ex(folders[0], X509_LU_X509, name, object, NULL, NULL) == 1);
    } else if (!strcmp(how, "issuer-function")) {
        MUST(X509_STORE_CTX_get_get_issuer(v)(&found, v, issuer) == 1);
    } else if (!strcmp(how, "certs-function")) {
        all = X509_STORE_CTX_get_lookup_certs(v)(v, name);
#endif
    } else {
        MUST(!"known");
    }
    if (!found) {
        found = all ? sk_X509_value(all, 0) : X509_OBJECT_get0_X509(object);
        MUST(found && X509_up_ref(found));
    }
    sk_X509_pop_free(all, X509_free);
    X509_OBJECT_free(object);
    X509_STORE_CTX_free(v);
    ERR_clear_error();
    return found;
}

int main(int argc, char** argv) {
    MUST(argc >= 2);
    data_index = X509_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    leaf = certificate_in("server.cert.pem");
    issuer = certificate_in("mid.cert.pem");
    sent = sk_X509_new_null();
    MUST(sent && sk_X509_push(sent, issuer));
    const char* const folder = folder_of_roots();
    for (int i = 0; i < STORES; ++i) {
        stores[i] = X509_STORE_new();
        MUST(stores[i]);
        folders[i] = X509_STORE_add_lookup(stores[i], X509_LOOKUP_hash_dir());
        MUST(folders[i] && X509_LOOKUP_add_dir(folders[i], folder, X509_FILETYPE_PEM) == 1);
    }
    show_verification(stores[1]);
#ifdef ATTACHES
    X509* const found = find(argv[1]);
    MUST(X509_set_ex_data(found, data_index, "written"));
#else
    show_verification(stores[0]);
    MUST(argc == 3);
    void* const plugin = dlopen(argv[2], RTLD_NOW);
    MUST(plugin);
    late = dlsym(plugin, "plugin_writers");
    MUST(late);
    X509* const found = find(argv[1]);
    MUST(late->X509_add1_reject_object(found, OBJ_nid2obj(NID_server_auth)));
#endif
    for (int i = 0; i < STORES; ++i) {
        show_objects(i == 0 ? "first store" : "second store", stores[i]);
        show_verification(stores[i]);
    }
    X509_free(found);
    for (int i = 0; i < STORES; ++i) {
        X509_STORE_free(stores[i]);
    }
    sk_X509_pop_free(sent, X509_free);
    X509_free(leaf);
    remove_folder(folder);
    puts("end");
    tell_hits();
    return 0;
}
