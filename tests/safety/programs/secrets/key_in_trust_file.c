// SPDX-License-Identifier: Apache-2.0
//
// A private key in a CA file: key_in_trust_file FILE KEYFILE WAY. Figures, for its text and for its number:
//
//     text, number               copies in this process's memory once everything is freed
//     freed_text, freed_number   blocks that were freed with a copy in them, over all loads
//
// OpenSSL frees some such blocks without wiping them. How many of these are still readable at the end depends
// on later allocations, and so on each block's address, which any preload changes. Therefore each block is
// examined when it is freed, and overwritten, so copies in memory at the end are in blocks that are still in
// use. The key is stored XORed, so that the search does not find the test's own copy.
#include "support.h"

#include <fcntl.h>
#include <malloc.h>

enum { needle_size = 24, mask = 0x5a, window = 1 << 16 };

static unsigned char needles[2][needle_size];
static unsigned char buffer[window];

static int armed;
static int freed[2];

static int is_at(const unsigned char* p, int which) {
    int k = 0;
    while (k < needle_size && (p[k] ^ mask) == needles[which][k]) {
        ++k;
    }
    return k == needle_size;
}

static void look_and_wipe(unsigned char* block) {
    const size_t size = malloc_usable_size(block);
    int found = 0;
    for (size_t i = 0; i + needle_size <= size; ++i) {
        for (int which = 0; which < 2; ++which) {
            const int here = is_at(block + i, which);
            freed[which] += here;
            found += here;
        }
    }
    if (found) {
        memset(block, 0, size);
    }
}

// These replace the C library's functions in the whole process.
void free(void* block) {
    static void (*next)(void*);
    if (!next) {
        *(void**)&next = dlsym(RTLD_NEXT, "free");
    }
    if (armed && block) {
        look_and_wipe(block);
    }
    next(block);
}

void* realloc(void* block, size_t size) {
    static void* (*next)(void*, size_t);
    if (!next) {
        *(void**)&next = dlsym(RTLD_NEXT, "realloc");
    }
    if (!armed || !block || size == 0) {
        return next(block, size);
    }
    const size_t before = malloc_usable_size(block);
    void* const moved = malloc(size);
    if (moved) {
        memcpy(moved, block, before < size ? before : size);
        free(block);
    }
    return moved;
}

static int copies(int which) {
    const int memory = open("/proc/self/mem", O_RDONLY);
    FILE* const maps = fopen("/proc/self/maps", "r");
    MUST(memory >= 0 && maps);
    char line[512];
    int found = 0;
    while (fgets(line, sizeof line, maps)) {
        unsigned long from;
        unsigned long to;
        char rights[8];
        char name[256] = "";
        sscanf(line, "%lx-%lx %7s %*s %*s %*s %255s", &from, &to, rights, name);
        if (rights[0] != 'r' || rights[1] != 'w' || strstr(name, "[v")) {
            continue;
        }
        for (unsigned long at = from; at < to; at += window - needle_size) {
            const unsigned long want = to - at < window ? to - at : window;
            const long got = pread(memory, buffer, want, (off_t)at);
            for (long i = 0; i + needle_size <= got; ++i) {
                if (at + (unsigned long)i >= (unsigned long)buffer &&
                    at + (unsigned long)i < (unsigned long)buffer + window) {
                    continue;
                }
                found += is_at(buffer + i, which);
            }
        }
    }
    memset(buffer, 0, sizeof buffer);
    fclose(maps);
    close(memory);
    return found;
}

static void ordinary_work(void) {
    for (int i = 0; i < 200; ++i) {
        void* blocks[40];
        for (int k = 0; k < 40; ++k) {
            blocks[k] = malloc((size_t)16 << (k % 12));
            memset(blocks[k], 1, (size_t)16 << (k % 12));
        }
        for (int k = 0; k < 40; ++k) {
            free(blocks[k]);
        }
    }
}

int main(int argc, char** argv) {
    MUST(argc > 3);
    const char* const way = argv[3];
    {
        // The search patterns: the middle of the key's text, and of the encoded bytes. Read without stdio,
        // and wiped.
        const int f = open(argv[2], O_RDONLY);
        unsigned char text[4096];
        const long size = read(f, text, sizeof text);
        close(f);
        MUST(size > 200);
        const unsigned char* line = memchr(text, '\n', (size_t)size);
        line = memchr(line + 1, '\n', 100); // the second line of base64
        MUST(line);
        for (int i = 0; i < needle_size; ++i) {
            needles[0][i] = line[1 + 8 + i] ^ mask;
        }
        unsigned char decoded[64];
        char block[65];
        memcpy(block, line + 1, 64);
        block[64] = 0;
        EVP_DecodeBlock(decoded, (unsigned char*)block, 64);
        for (int i = 0; i < needle_size; ++i) {
            needles[1][i] = decoded[12 + i] ^ mask;
        }
        OPENSSL_cleanse(text, sizeof text);
        OPENSSL_cleanse(block, sizeof block);
        OPENSSL_cleanse(decoded, sizeof decoded);
    }
    free(malloc(1)); // finds the next function
    armed = 1;
    int loaded = 0;
    for (int i = 0; i < 4; ++i) {
        SSL_CTX* const c = SSL_CTX_new(TLS_client_method());
        X509_STORE* const store = SSL_CTX_get_cert_store(c);
        if (strcmp(way, "locations") == 0) {
            loaded += SSL_CTX_load_verify_locations(c, argv[1], NULL);
        } else if (strcmp(way, "file") == 0) {
            loaded += SSL_CTX_load_verify_file(c, argv[1]);
        } else if (strcmp(way, "store") == 0) {
            loaded += X509_STORE_load_file(store, argv[1]);
        } else if (strcmp(way, "default") == 0) {
            setenv("SSL_CERT_FILE", argv[1], 1);
            loaded += X509_STORE_set_default_paths(store);
        } else if (strcmp(way, "lists") == 0) {
            loaded += X509_load_crl_file(X509_STORE_add_lookup(store, X509_LOOKUP_file()), argv[1],
                                         X509_FILETYPE_PEM) > 0;
        }
        ERR_clear_error();
        SSL_CTX_free(c);
    }
    ordinary_work();
    printf("loaded %d\n", loaded);
    fflush(stdout);
    armed = 0;
    figure("text", copies(0));
    figure("number", copies(1));
    figure("freed_text", freed[0]);
    figure("freed_number", freed[1]);
    return 0;
}
