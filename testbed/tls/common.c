// SPDX-License-Identifier: Apache-2.0
//
// See common.h.
#include "common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void complain(const char* what, va_list arguments) {
    fflush(stdout);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, what, arguments);
}

void fail(const char* what, ...) {
    va_list arguments;
    va_start(arguments, what);
    complain(what, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

void fail_usage(const char* what, ...) {
    va_list arguments;
    va_start(arguments, what);
    complain(what, arguments);
    va_end(arguments);
    fprintf(stderr, "\nTry '%s --help'.\n", program_invocation_short_name);
    exit(2);
}

void fail_openssl(const char* what, ...) {
    va_list arguments;
    va_start(arguments, what);
    complain(what, arguments);
    va_end(arguments);
    fprintf(stderr, ": %s\n", openssl_reason());
    exit(1);
}

const char* openssl_reason(void) {
    static char text[256];
    const int system_error = errno; // from a failed read or write of the socket
    const unsigned long first = ERR_get_error();
    ERR_clear_error();
    if (first == 0) {
        return system_error != 0 ? strerror(system_error) : "no reason given";
    }
    ERR_error_string_n(first, text, sizeof text);
    return text;
}

long parse_number(const char* option, const char* text, long least, long most) {
    char* end = NULL;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < least || number > most) {
        fail_usage("%s: '%s' is not a whole number from %ld to %ld", option, text, least, most);
    }
    return number;
}

struct sockaddr_in parse_address(const char* option, const char* text) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    char host[INET_ADDRSTRLEN];
    const char* colon = strrchr(text, ':');
    if (colon == NULL || (size_t)(colon - text) >= sizeof host) {
        fail_usage("%s: '%s' is not an IPv4 ADDRESS:PORT", option, text);
    }
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1) {
        fail_usage("%s: '%s' is not an IPv4 address", option, host);
    }
    address.sin_port = htons((in_port_t)parse_number(option, colon + 1, 0, 65535));
    return address;
}

void add_certificate(struct identities* all, const char* chain) {
    struct identity* more = realloc(all->items, (all->count + 1) * sizeof *more);
    if (more == NULL) {
        fail("out of memory");
    }
    all->items = more;
    all->items[all->count++] = (struct identity){.chain = chain};
}

void add_key(struct identities* all, const char* key) {
    if (all->keys == all->count) {
        fail_usage("--key '%s' has no --cert before it", key);
    }
    all->items[all->keys++].key = key;
}

void complete_keys(struct identities* all) {
    if (all->count > 0 && all->keys == 0) {
        fail_usage("--cert needs a --key");
    }
    while (all->keys < all->count) {
        all->items[all->keys].key = all->items[all->keys - 1].key;
        ++all->keys;
    }
}

void set_tls_version(SSL_CTX* context, const char* version) {
    int number = 0;
    if (strcmp(version, "1.2") == 0) {
        number = TLS1_2_VERSION;
    } else if (strcmp(version, "1.3") == 0) {
        number = TLS1_3_VERSION;
    } else if (strcmp(version, "any") != 0) {
        fail_usage("--tls: '%s' is none of 1.2, 1.3, any", version);
    }
    if (SSL_CTX_set_min_proto_version(context, number) != 1 ||
        SSL_CTX_set_max_proto_version(context, number) != 1) {
        fail_openssl("cannot choose TLS %s", version);
    }
}

void use_identity(SSL_CTX* context, const struct identity* who) {
    if (SSL_CTX_use_certificate_chain_file(context, who->chain) != 1) {
        fail_openssl("cannot use the certificate chain '%s'", who->chain);
    }
    if (SSL_CTX_use_PrivateKey_file(context, who->key, SSL_FILETYPE_PEM) != 1) {
        fail_openssl("cannot use the private key '%s' with '%s'", who->key, who->chain);
    }
}

void need_open_files(rlim_t needed) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        fail("cannot read the limit of open files: %s", strerror(errno));
    }
    if (limit.rlim_cur >= needed) {
        return;
    }
    limit.rlim_cur = needed;
    if (limit.rlim_max < needed) {
        limit.rlim_max = needed;
    }
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        fail(
            "needs %llu open files, and the hard limit is lower; raise it with 'ulimit -Hn' or ask for fewer "
            "connections",
            (unsigned long long)needed);
    }
}
