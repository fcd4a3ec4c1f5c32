// SPDX-License-Identifier: Apache-2.0
//
// Two stores of one file; a plugin that writes changes a CRL that the first one gives: crl_of_store WHEN
// PLUGIN. WHEN: whether the stores load their CRL before or after the plugin is opened.
#include "support.h"
#include "writers.h"

enum { STORES = 2 };

static X509_STORE* stores[STORES];

static void load(const char* name) {
    for (int i = 0; i < STORES; ++i) {
        MUST(X509_STORE_load_file(stores[i], pki(name)) == 1);
    }
}

static STACK_OF(X509_CRL) * lists_of(X509_STORE* store) {
    X509* const root = certificate_in("root.cert.pem");
    X509_STORE_CTX* const v = X509_STORE_CTX_new();
    MUST(v && X509_STORE_CTX_init(v, store, root, NULL));
    STACK_OF(X509_CRL)* const all = X509_STORE_CTX_get1_crls(v, X509_get_subject_name(root));
    X509_STORE_CTX_free(v);
    X509_free(root);
    return all;
}

int main(int argc, char** argv) {
    MUST(argc == 3);
    const int before = strcmp(argv[1], "before") == 0;
    for (int i = 0; i < STORES; ++i) {
        stores[i] = X509_STORE_new();
        MUST(stores[i]);
    }
    load("root.cert.pem");
    if (before) {
        load("crls.bundle.pem");
    }
    void* const plugin = dlopen(argv[2], RTLD_NOW);
    MUST(plugin);
    const struct writers* const late = dlsym(plugin, "plugin_writers");
    MUST(late);
    if (!before) {
        load("crls.bundle.pem");
    }

    ASN1_TIME* const date = ASN1_TIME_new();
    MUST(date && ASN1_TIME_set_string(date, "20700101000000Z"));
    STACK_OF(X509_CRL)* const given = lists_of(stores[0]);
    MUST(sk_X509_CRL_num(given) > 0 && late->X509_CRL_set1_nextUpdate(sk_X509_CRL_value(given, 0), date));
    sk_X509_CRL_pop_free(given, X509_CRL_free);
    for (int i = 0; i < STORES; ++i) {
        STACK_OF(X509_CRL)* const now = lists_of(stores[i]);
        printf("store %d:", i);
        show_time(X509_CRL_get0_nextUpdate(sk_X509_CRL_value(now, 0)));
        sk_X509_CRL_pop_free(now, X509_CRL_free);
        STACK_OF(X509_OBJECT)* const objects = X509_STORE_get0_objects(stores[i]);
        for (int k = 0; k < sk_X509_OBJECT_num(objects); ++k) {
            const X509_CRL* const crl = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, k));
            if (crl) {
                show_time(X509_CRL_get0_nextUpdate(crl));
            }
        }
        puts("");
    }
    ASN1_TIME_free(date);
    for (int i = 0; i < STORES; ++i) {
        X509_STORE_free(stores[i]);
    }
    puts("end");
    tell_hits();
    return 0;
}
