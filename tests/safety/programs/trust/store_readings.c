// SPDX-License-Identifier: Apache-2.0
//
// Everything that can be read from trust stores after loads of all kinds, each of them three times: results,
// errors, order, duplicates.
#include "support.h"

#include <fcntl.h>
#include <sys/stat.h>

static void write_bytes(const char* path, const void* data, size_t size) {
    FILE* const f = fopen(path, "wb");
    MUST(f && fwrite(data, 1, size, f) == size);
    fclose(f);
}

static void show_store(X509_STORE* store) {
    STACK_OF(X509_OBJECT)* const all = X509_STORE_get0_objects(store);
    for (int i = 0; i < sk_X509_OBJECT_num(all); ++i) {
        X509_OBJECT* const o = sk_X509_OBJECT_value(all, i);
        unsigned char* der = NULL;
        const int type = (int)X509_OBJECT_get_type(o);
        const int size = type == X509_LU_X509 ? i2d_X509_AUX(X509_OBJECT_get0_X509(o), &der)
                                              : i2d_X509_CRL(X509_OBJECT_get0_X509_CRL(o), &der);
        printf("  %d %d %016llx\n", type, size, fingerprint(der, (size_t)size));
        OPENSSL_free(der);
    }
    STACK_OF(X509)* const certificates = X509_STORE_get1_all_certs(store);
    printf("  %d certificates\n", sk_X509_num(certificates));
    sk_X509_pop_free(certificates, X509_free);
}

static void load(const char* label, const char* file, const char* folder) {
    for (int i = 0; i < 3; ++i) {
        X509_STORE* const store = X509_STORE_new();
        printf("%s: %d\n", label, X509_STORE_load_locations(store, file, folder));
        show_errors(" ");
        show_store(store);
        if (i == 1) {
            printf("%s again into the same: %d\n", label, X509_STORE_load_locations(store, file, folder));
            show_errors(" ");
            show_store(store);
        }
        X509_STORE_free(store);
    }
}

static void join(const char* to, const char* const* parts) {
    static unsigned char all[1 << 18];
    size_t size = 0;
    for (; *parts; ++parts) {
        if (**parts == '=') {
            size += (size_t)sprintf((char*)all + size, "%s", *parts + 1);
        } else {
            size += (size_t)read_file(pki(*parts), all + size, sizeof all - size);
        }
    }
    write_bytes(to, all, size);
}

int main(void) {
    join("comments.pem", (const char* const[]){"=# a comment\n", "root.cert.pem", "=\n\nmore words\n",
                                               "mid.cert.pem", "=end\n", NULL});
    join("garbage-after.pem",
         (const char* const[]){"root.cert.pem",
                               "=-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                               "mid.cert.pem", NULL});
    join("garbage-first.pem",
         (const char* const[]){"=-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
                               "root.cert.pem", NULL});
    join("cut.pem", (const char* const[]){"root.cert.pem", "=-----BEGIN CERTIFICATE-----\nMIIBszCC", NULL});
    join("with-key.pem", (const char* const[]){"root.cert.pem", "client.key.pem", "mid.cert.pem", NULL});
    join("with-request.pem",
         (const char* const[]){"root.cert.pem",
                               "=-----BEGIN DH PARAMETERS-----\nMAYCAQUCAQI=\n-----END DH PARAMETERS-----\n",
                               NULL});
    join("nothing.pem", (const char* const[]){"=no certificate here\n", NULL});
    join("empty.pem", (const char* const[]){NULL});
    {
        static unsigned char pem[16384];
        static unsigned char crlf[32768];
        const long size = read_file(pki("root.cert.pem"), pem, sizeof pem);
        size_t n = 0;
        for (long i = 0; i < size; ++i) {
            if (pem[i] == '\n') {
                crlf[n++] = '\r';
            }
            crlf[n++] = pem[i];
        }
        write_bytes("crlf.pem", crlf, n);
        write_bytes("no-newline.pem", pem, (size_t)size - 1);
        // the same certificate in the format with trust settings, but without settings
        char trusted[32768];
        n = 0;
        n += (size_t)sprintf(trusted, "-----BEGIN TRUSTED CERTIFICATE-----\n");
        const char* const body = strchr((char*)pem, '\n') + 1;
        const char* const end = strstr((char*)pem, "-----END");
        memcpy(trusted + n, body, (size_t)(end - body));
        n += (size_t)(end - body);
        n += (size_t)sprintf(trusted + n, "-----END TRUSTED CERTIFICATE-----\n");
        write_bytes("trusted.pem", trusted, n);
    }
    MUST(mkdir("folder", 0700) == 0);
    static const char* const files[] = {"comments.pem", "garbage-after.pem", "garbage-first.pem", "cut.pem",
                                        "with-key.pem", "with-request.pem",  "nothing.pem",       "empty.pem",
                                        "crlf.pem",     "no-newline.pem",    "trusted.pem",       "folder",
                                        "nowhere.pem",  "/dev/null"};
    for (size_t i = 0; i < sizeof files / sizeof *files; ++i) {
        load(files[i], files[i], NULL);
    }
    static const char* const bundles[] = {"trust.bundle.pem", "chain.bundle.pem", "crls.bundle.pem",
                                          "twice.bundle.pem", "mid.crl.pem",      "root.cert.der",
                                          "key-first.pem",    "key-between.pem",  "client.chain.pem"};
    for (size_t i = 0; i < sizeof bundles / sizeof *bundles; ++i) {
        load(bundles[i], pki(bundles[i]), NULL);
    }
    load("folder alone", NULL, pki("trust.d"));
    load("both", pki("trust.bundle.pem"), pki("trust.d"));
    load("neither", NULL, NULL);

    // A file whose contents change under the same name, also with the same size and times.
    join("changing.pem", (const char* const[]){"root.cert.pem", NULL});
    load("changing", "changing.pem", NULL);
    struct stat before;
    MUST(stat("changing.pem", &before) == 0);
    join("changing.pem", (const char* const[]){"mid.cert.pem", NULL});
    load("changed", "changing.pem", NULL);
    FILE* const f = fopen("changing.pem", "r+b");
    fseek(f, 200, SEEK_SET); // inside the base64: the same size, another certificate, or none
    fputc('B', f);
    fputc('B', f);
    fclose(f);
    struct timespec times[2] = {before.st_atim, before.st_mtim};
    MUST(utimensat(AT_FDCWD, "changing.pem", times, 0) == 0);
    load("touched", "changing.pem", NULL);
    MUST(remove("changing.pem") == 0);
    load("removed", "changing.pem", NULL);
    join("one.pem", (const char* const[]){"root.cert.pem", NULL});
    join("two.pem", (const char* const[]){"mid.cert.pem", NULL});
    MUST(symlink("one.pem", "link.pem") == 0);
    load("link", "link.pem", NULL);
    MUST(remove("link.pem") == 0 && symlink("two.pem", "link.pem") == 0);
    load("link to another", "link.pem", NULL);
    MUST(chmod("one.pem", 0) == 0);
    load("without rights", "one.pem", NULL);

    // Default paths are read from the environment at each call.
    for (int i = 0; i < 3; ++i) {
        setenv("SSL_CERT_FILE", i == 1 ? pki("chain.bundle.pem") : pki("trust.bundle.pem"), 1);
        setenv("SSL_CERT_DIR", "/nowhere", 1);
        X509_STORE* const store = X509_STORE_new();
        printf("default %d\n", X509_STORE_set_default_paths(store));
        show_errors(" ");
        show_store(store);
        X509_STORE_free(store);
    }
    // The lookups themselves.
    for (int i = 0; i < 3; ++i) {
        X509_STORE* const store = X509_STORE_new();
        X509_LOOKUP* const l = X509_STORE_add_lookup(store, X509_LOOKUP_file());
        printf("certificates %d", X509_load_cert_file(l, pki("crls.bundle.pem"), X509_FILETYPE_PEM));
        printf(" lists %d", X509_load_crl_file(l, pki("crls.bundle.pem"), X509_FILETYPE_PEM));
        printf(" both %d", X509_load_cert_crl_file(l, pki("twice.bundle.pem"), X509_FILETYPE_PEM));
        printf(" DER %d", X509_load_cert_file(l, pki("root.cert.der"), X509_FILETYPE_ASN1));
        printf(" DER list %d", X509_load_crl_file(l, pki("mid.crl.der"), X509_FILETYPE_ASN1));
        printf(" none %d\n", X509_load_crl_file(l, pki("root.cert.pem"), X509_FILETYPE_PEM));
        show_errors(" ");
        show_store(store);
        X509_STORE_free(store);
    }
    tell_hits();
    return 0;
}
