// SPDX-License-Identifier: Apache-2.0
//
// Many stores' locks at once, or locks of stores that were freed under them, when a plugin is opened that
// writes: many_locks HOW PLUGIN. A write to an object of one store is seen by this store alone.
#include "support.h"
#include "writers.h"

enum { MANY = 1500 };

static X509_STORE* filled(void) {
    X509_STORE* const store = X509_STORE_new();
    MUST(store && X509_STORE_load_file(store, pki("root.cert.pem")) == 1);
    return store;
}

static X509* first_of(X509_STORE* store) {
    return X509_OBJECT_get0_X509(sk_X509_OBJECT_value(X509_STORE_get0_objects(store), 0));
}

static void show_trust(const char* label, X509_STORE* store) {
    printf("%s: trust %d\n", label, X509_check_trust(first_of(store), X509_TRUST_SSL_SERVER, 0));
}

int main(int argc, char** argv) {
    MUST(argc == 3);
    const char* const how = argv[1];
    X509_STORE* const written = filled();
    X509_STORE* const other = filled();
    static X509_STORE* many[MANY];
    for (int i = 0; i < MANY; ++i) {
        many[i] = i % 100 == 0 ? filled() : X509_STORE_new();
        MUST(many[i] && X509_STORE_lock(many[i]));
        if (!strcmp(how, "freed")) {
            X509_STORE_free(many[i]);
        } else if (!strcmp(how, "refused")) {
            MUST(!X509_STORE_lock(many[i]) && X509_STORE_unlock(many[i]));
        }
    }
    void* const plugin = dlopen(argv[2], RTLD_NOW);
    MUST(plugin);
    const struct writers* const late = dlsym(plugin, "plugin_writers");
    MUST(late && late->X509_add1_reject_object(first_of(written), OBJ_nid2obj(NID_server_auth)));
    show_trust("written", written);
    show_trust("other", other);
    if (!strcmp(how, "held")) {
        MUST(late->X509_add1_reject_object(first_of(many[MANY - 100]), OBJ_nid2obj(NID_server_auth)));
        show_trust("under its lock", many[MANY - 100]);
        show_trust("under another lock", many[0]);
        for (int i = 0; i < MANY; ++i) {
            MUST(X509_STORE_unlock(many[i]));
        }
    }
    puts("end");
    tell_hits();
    return 0;
}
