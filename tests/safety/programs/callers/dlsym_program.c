// SPDX-License-Identifier: Apache-2.0
//
// A program without OpenSSL that finds all of it at run time (.NET, plugin hosts): dlsym_program HOW WHAT.
// Inside libcrypto most of these functions end in a jump to another function, whose return address is then in
// this program.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <openssl/opensslv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUOTED_(text) #text
#define QUOTED(text) QUOTED_(text)
#define LIBSSL "libssl.so." QUOTED(OPENSSL_SHLIB_VERSION)
#define LIBCRYPTO "libcrypto.so." QUOTED(OPENSSL_SHLIB_VERSION)

static void* crypto;
static void* ssl;

static void* find(const char* name) {
    void* f = dlsym(crypto, name);
    f = f ? f : dlsym(ssl, name);
    if (!f) {
        printf("%s is not there\n", name);
        exit(1);
    }
    return f;
}

static const char* pki(const char* name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", getenv("SAFETY_PKI"), name);
    return path;
}

static unsigned char bytes[65536];

static long load(const char* name) {
    FILE* const f = fopen(pki(name), "rb");
    const long size = f ? (long)fread(bytes, 1, sizeof bytes, f) : 0;
    if (f) {
        fclose(f);
    }
    return size;
}

// F(NULL, &p, size): how much of the input it read, and its result.
static void decode(const char* function, long size) {
    void* (*d2i)(void**, const unsigned char**, long) =
        (void* (*)(void**, const unsigned char**, long))find(function);
    unsigned long (*error)(void) = (unsigned long (*)(void))find("ERR_get_error");
    for (int i = 0; i < 3; ++i) {
        const unsigned char* p = bytes;
        void* const parsed = d2i(NULL, &p, size);
        printf("%s: %s, took %ld of %ld, error %lx\n", function, parsed ? "parsed" : "NULL",
               (long)(p - bytes), size, error());
    }
}

static void decode_file(const char* function, const char* file) {
    decode(function, load(file));
}

static void provider(const char* function, const char* name) {
    void* (*load_it)(void*, const char*, int) = (void* (*)(void*, const char*, int))find(function);
    int (*available)(void*, const char*) = (int (*)(void*, const char*))find("OSSL_PROVIDER_available");
    printf("%s(%s): %s\n", function, name, load_it(NULL, name, 0) ? "loaded" : "failed");
    printf("default %d, legacy %d, base %d\n", available(NULL, "default"), available(NULL, "legacy"),
           available(NULL, "base"));
}

static void properties(void) {
    int (*set)(void*, const char*) = (int (*)(void*, const char*))find("EVP_set_default_properties");
    void* (*fetch)(void*, const char*, const char*) =
        (void* (*)(void*, const char*, const char*))find("EVP_MD_fetch");
    printf("set %d, fetched %d\n", set(NULL, "provider=nobody"), fetch(NULL, "SHA256", NULL) != NULL);
    printf("set %d, fetched %d\n", set(NULL, ""), fetch(NULL, "SHA256", NULL) != NULL);
}

static void store(void) {
    void* (*new_store)(void) = (void* (*)(void))find("X509_STORE_new");
    int (*load_file)(void*, const char*) = (int (*)(void*, const char*))find("X509_STORE_load_file");
    int (*load_path)(void*, const char*) = (int (*)(void*, const char*))find("X509_STORE_load_path");
    int (*locations)(void*, const char*, const char*) =
        (int (*)(void*, const char*, const char*))find("X509_STORE_load_locations");
    int (*paths)(void*) = (int (*)(void*))find("X509_STORE_set_default_paths");
    for (int i = 0; i < 2; ++i) {
        void* const s = new_store();
        printf("file %d", load_file(s, pki("trust.bundle.pem")));
        printf(" path %d", load_path(s, pki("trust.d")));
        printf(" locations %d", locations(s, pki("crls.bundle.pem"), NULL));
        printf(" nothing %d default %d\n", load_file(s, "/nowhere"), paths(s));
    }
}

static void contexts(void) {
    void* (*method)(void) = (void* (*)(void))find("TLS_client_method");
    void* (*new_context)(void*) = (void* (*)(void*))find("SSL_CTX_new");
    int (*locations)(void*, const char*, const char*) =
        (int (*)(void*, const char*, const char*))find("SSL_CTX_load_verify_locations");
    int (*file)(void*, const char*) = (int (*)(void*, const char*))find("SSL_CTX_load_verify_file");
    int (*chain)(void*, const char*) =
        (int (*)(void*, const char*))find("SSL_CTX_use_certificate_chain_file");
    for (int i = 0; i < 2; ++i) {
        void* const c = new_context(method());
        printf("context %d", c != NULL);
        printf(" locations %d", locations(c, pki("trust.bundle.pem"), NULL));
        printf(" file %d", file(c, pki("chain.bundle.pem")));
        printf(" chain %d\n", chain(c, pki("client.chain.pem")));
    }
}

static void pem(void) {
    void* (*open_file)(const char*, const char*) = (void* (*)(const char*, const char*))find("BIO_new_file");
    void* (*read)(void*, void*, void*, void*) =
        (void* (*)(void*, void*, void*, void*))find("PEM_read_bio_X509");
    void* (*read_aux)(void*, void*, void*, void*) =
        (void* (*)(void*, void*, void*, void*))find("PEM_read_bio_X509_AUX");
    void* (*read_crl)(void*, void*, void*, void*) =
        (void* (*)(void*, void*, void*, void*))find("PEM_read_bio_X509_CRL");
    printf("certificate %d", read(open_file(pki("client.cert.pem"), "r"), NULL, NULL, NULL) != NULL);
    printf(" with settings %d", read_aux(open_file(pki("client.cert.pem"), "r"), NULL, NULL, NULL) != NULL);
    printf(" list %d\n", read_crl(open_file(pki("mid.crl.pem"), "r"), NULL, NULL, NULL) != NULL);
}

int main(int argc, char** argv) {
    const char* const how = argc > 1 ? argv[1] : "local";
    const char* const what = argc > 2 ? argv[2] : "provider";
    const int flags = RTLD_NOW | (strcmp(how, "global") == 0     ? RTLD_GLOBAL
                                  : strcmp(how, "deepbind") == 0 ? RTLD_LOCAL | RTLD_DEEPBIND
                                                                 : RTLD_LOCAL);
    if (strcmp(how, "namespace") == 0) {
        ssl = dlmopen(LM_ID_NEWLM, LIBSSL, RTLD_NOW);
    } else {
        ssl = dlopen(LIBSSL, flags);
    }
    if (!ssl) {
        printf("%s\n", dlerror());
        return 1;
    }
    crypto = strcmp(how, "namespace") == 0 ? ssl : dlopen(LIBCRYPTO, flags);

    if (strcmp(what, "provider") == 0) {
        provider("OSSL_PROVIDER_load", "default");
    } else if (strcmp(what, "legacy") == 0) {
        provider("OSSL_PROVIDER_load", "legacy");
    } else if (strcmp(what, "try-legacy") == 0) {
        provider("OSSL_PROVIDER_try_load", "legacy");
    } else if (strcmp(what, "properties") == 0) {
        properties();
    } else if (strcmp(what, "integer") == 0) {
        memcpy(bytes, "\002\001\005", 3);
        decode("d2i_ASN1_INTEGER", 3);
    } else if (strcmp(what, "request") == 0) {
        decode_file("d2i_X509_REQ", "client.req.der");
    } else if (strcmp(what, "certificate") == 0) {
        decode_file("d2i_X509", "client.cert.der");
        decode_file("d2i_X509_AUX", "client.cert.der");
    } else if (strcmp(what, "list") == 0) {
        decode_file("d2i_X509_CRL", "mid.crl.der");
    } else if (strcmp(what, "rsa-key") == 0) {
        decode_file("d2i_RSAPrivateKey", "rsa.key.der");
        decode_file("d2i_AutoPrivateKey", "rsa.key.der");
    } else if (strcmp(what, "garbage") == 0) {
        memset(bytes, 0x30, 64);
        const char* const functions[] = {"d2i_X509",       "d2i_X509_CRL",    "d2i_PKCS7",
                                         "d2i_PKCS12",     "d2i_SSL_SESSION", "d2i_OCSP_RESPONSE",
                                         "d2i_X509_ALGOR", "d2i_X509_NAME",   "d2i_GENERAL_NAMES"};
        for (size_t i = 0; i < sizeof functions / sizeof *functions; ++i) {
            decode(functions[i], 64);
        }
    } else if (strcmp(what, "store") == 0) {
        store();
    } else if (strcmp(what, "contexts") == 0) {
        contexts();
    } else if (strcmp(what, "pem") == 0) {
        pem();
    }
    puts("end");
    return 0;
}
