// SPDX-License-Identifier: Apache-2.0
//
// A TLS client that opens many connections to one server, verifies each, keeps them all open, and prints
// their cost: memory of this process and CPU time of the handshakes. It is a plain OpenSSL program,
// independent of ibid.
//
// Law: it prints each figure as a JSON line directly after measuring it. The warm-up's connections are made
// before the first sample, so that one-time allocations do not count for a connection. It holds the
// connections until its standard input ends, so it never outlives the program that started it.
//
//     tls_hold_client --connect 127.0.0.1:8443 --name server.example --ca root.pem --connections 2000
#include "common.h"

#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct settings {
    struct sockaddr_in address;
    bool has_address;
    const char* name;
    const char* ca;
    const char* version;
    struct identities identities;
    long connections;
    long warmup;
    long every;
    bool request;
    bool paced;
};

struct connection {
    SSL* ssl;
    int fd;
};

// Bytes, from the kernel and the allocator.
struct memory {
    unsigned long long rss;
    unsigned long long pss;
    unsigned long long private_bytes;
    unsigned long long heap; // allocated by malloc and not freed
};

// Nanoseconds, only of handshakes after the warm-up.
struct cost {
    long long handshakes;
    long long handshake_thread_cpu;  // inside SSL_connect, this thread
    long long handshake_process_cpu; // inside SSL_connect, the whole process
    long long wall;                  // inside SSL_connect
};

static void print_help(void) {
    puts("Usage: tls_hold_client --connect ADDRESS:PORT --name HOST --ca FILE [OPTION]...\n"
         "Opens TLS connections, keeps them open, and prints what they cost as JSON lines.\n"
         "\n"
         "  --connect ADDRESS:PORT  the server\n"
         "  --name HOST             the name to ask for and to verify\n"
         "  --ca FILE               CA certificates to verify against (PEM)\n"
         "  --connections N         how many after the warm-up (default 2000)\n"
         "  --warmup N              how many before the first sample; they stay open too (default 50)\n"
         "  --every N               connections between two samples (default 100)\n"
         "  --cert FILE             client certificate chain, leaf first; may be given several times: the\n"
         "                          connections use them in turn\n"
         "  --key FILE              private key of the certificate before it\n"
         "  --request               send one HTTP request on each connection and read the answer\n"
         "  --tls VERSION           1.2, 1.3 or any (default any)\n"
         "  --paced                 before each step of --every connections, wait for a line on standard "
         "input\n"
         "  --help                  show this\n"
         "\n"
         "Lines: \"sample\" after the warm-up and after each step, \"held\" when all are open, \"closed\" "
         "after all\n"
         "were closed. Connections are held until standard input ends.");
}

static struct settings parse_arguments(int argc, char** argv) {
    enum {
        opt_connect = 1000,
        opt_name,
        opt_ca,
        opt_connections,
        opt_warmup,
        opt_every,
        opt_cert,
        opt_key,
        opt_request,
        opt_tls,
        opt_paced,
        opt_help
    };
    static const struct option options[] = {
        {"connect", required_argument, NULL, opt_connect},
        {"name", required_argument, NULL, opt_name},
        {"ca", required_argument, NULL, opt_ca},
        {"connections", required_argument, NULL, opt_connections},
        {"warmup", required_argument, NULL, opt_warmup},
        {"every", required_argument, NULL, opt_every},
        {"cert", required_argument, NULL, opt_cert},
        {"key", required_argument, NULL, opt_key},
        {"request", no_argument, NULL, opt_request},
        {"tls", required_argument, NULL, opt_tls},
        {"paced", no_argument, NULL, opt_paced},
        {"help", no_argument, NULL, opt_help},
        {NULL, 0, NULL, 0},
    };
    struct settings settings = {.version = "any", .connections = 2000, .warmup = 50, .every = 100};
    int option = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case opt_connect:
            settings.address = parse_address("--connect", optarg);
            settings.has_address = true;
            break;
        case opt_name:
            settings.name = optarg;
            break;
        case opt_ca:
            settings.ca = optarg;
            break;
        case opt_connections:
            settings.connections = parse_number("--connections", optarg, 1, 1000000);
            break;
        case opt_warmup:
            settings.warmup = parse_number("--warmup", optarg, 0, 1000000);
            break;
        case opt_every:
            settings.every = parse_number("--every", optarg, 1, 1000000);
            break;
        case opt_cert:
            add_certificate(&settings.identities, optarg);
            break;
        case opt_key:
            add_key(&settings.identities, optarg);
            break;
        case opt_request:
            settings.request = true;
            break;
        case opt_tls:
            settings.version = optarg;
            break;
        case opt_paced:
            settings.paced = true;
            break;
        case opt_help:
            print_help();
            exit(0);
        default:
            fail_usage("wrong command line");
        }
    }
    if (optind != argc) {
        fail_usage("does not understand '%s'", argv[optind]);
    }
    if (!settings.has_address || settings.name == NULL || settings.ca == NULL) {
        fail_usage("needs --connect, --name and --ca");
    }
    complete_keys(&settings.identities);
    return settings;
}

static SSL_CTX* make_context(const struct settings* settings, const struct identity* who) {
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    if (context == NULL) {
        fail_openssl("cannot make an SSL_CTX");
    }
    set_tls_version(context, settings->version);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_load_verify_locations(context, settings->ca, NULL) != 1) {
        fail_openssl("cannot load the CA file '%s'", settings->ca);
    }
    if (who != NULL) {
        use_identity(context, who);
    }
    return context;
}

static long long now(clockid_t clock) {
    struct timespec time;
    if (clock_gettime(clock, &time) != 0) {
        fail("cannot read a clock: %s", strerror(errno));
    }
    return (long long)time.tv_sec * 1000000000 + time.tv_nsec;
}

static struct connection open_connection(SSL_CTX* context, const struct settings* settings,
                                         struct cost* cost) {
    int yes = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr*)&settings->address, sizeof settings->address) != 0) {
        fail("cannot connect: %s", strerror(errno));
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    SSL* ssl = SSL_new(context);
    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 || SSL_set_tlsext_host_name(ssl, settings->name) != 1 ||
        SSL_set1_host(ssl, settings->name) != 1) {
        fail_openssl("cannot make a connection");
    }
    const long long wall = now(CLOCK_MONOTONIC);
    const long long process = now(CLOCK_PROCESS_CPUTIME_ID);
    const long long thread = now(CLOCK_THREAD_CPUTIME_ID);
    const int result = SSL_connect(ssl);
    cost->handshake_thread_cpu += now(CLOCK_THREAD_CPUTIME_ID) - thread;
    cost->handshake_process_cpu += now(CLOCK_PROCESS_CPUTIME_ID) - process;
    cost->wall += now(CLOCK_MONOTONIC) - wall;
    ++cost->handshakes;
    if (result != 1) {
        const long verdict = SSL_get_verify_result(ssl);
        if (verdict != X509_V_OK) {
            fail("the server's certificate was refused: %s", X509_verify_cert_error_string(verdict));
        }
        fail_openssl("the handshake failed");
    }
    return (struct connection){.ssl = ssl, .fd = fd};
}

// One request, its answer read to the end (header, then Content-Length bytes).
static void make_request(SSL* ssl, const char* name) {
    char text[8192];
    const int length = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", name);
    if (length < 0 || (size_t)length >= sizeof text) {
        fail_usage("--name is too long");
    }
    if (SSL_write(ssl, text, length) != length) {
        fail_openssl("cannot send a request");
    }
    size_t used = 0;
    size_t whole = 0; // bytes of header and body; 0: not known yet
    while (whole == 0 || used < whole) {
        const int count = SSL_read(ssl, text + used, (int)(sizeof text - 1 - used));
        if (count <= 0) {
            fail_openssl("the server ended the connection in its answer");
        }
        used += (size_t)count;
        text[used] = '\0';
        const char* end = strstr(text, "\r\n\r\n");
        if (whole == 0 && end != NULL) {
            const char* field = strcasestr(text, "\r\ncontent-length:");
            const size_t body = field != NULL && field < end ? strtoul(field + 17, NULL, 10) : 0;
            whole = (size_t)(end + 4 - text) + body;
        }
        if (whole > sizeof text - 1 || (whole == 0 && used == sizeof text - 1)) {
            fail("the answer is longer than %zu bytes", sizeof text - 1);
        }
    }
}

static struct memory measure_memory(void) {
    struct memory memory = {0};
    char line[256];
    FILE* file = fopen("/proc/self/smaps_rollup", "re");
    if (file == NULL) {
        fail("cannot read /proc/self/smaps_rollup: %s", strerror(errno));
    }
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned long long kib = 0;
        if (sscanf(line, "Rss: %llu", &kib) == 1) {
            memory.rss = kib * 1024;
        } else if (sscanf(line, "Pss: %llu", &kib) == 1) {
            memory.pss = kib * 1024;
        } else if (sscanf(line, "Private_Clean: %llu", &kib) == 1 ||
                   sscanf(line, "Private_Dirty: %llu", &kib) == 1) {
            memory.private_bytes += kib * 1024;
        }
    }
    fclose(file);
    const struct mallinfo2 heap = mallinfo2();
    memory.heap = heap.uordblks + heap.hblkhd;
    return memory;
}

static void report(const char* event, long open, const struct cost* cost) {
    const struct memory memory = measure_memory();
    printf(
        "{\"event\":\"%s\",\"connections\":%ld,\"rss_bytes\":%llu,\"pss_bytes\":%llu,\"private_bytes\":%llu,"
        "\"heap_bytes\":%llu,\"handshakes\":%lld,\"handshake_thread_cpu_ns\":%lld,"
        "\"handshake_process_cpu_ns\":%lld,\"handshake_wall_ns\":%lld}\n",
        event, open, memory.rss, memory.pss, memory.private_bytes, memory.heap, cost->handshakes,
        cost->handshake_thread_cpu, cost->handshake_process_cpu, cost->wall);
    fflush(stdout);
}

// True: a line came. False: standard input ended.
static bool read_line(void) {
    int byte = 0;
    do {
        byte = getchar();
    } while (byte != '\n' && byte != EOF);
    return byte == '\n';
}

int main(int argc, char** argv) {
    struct settings settings = parse_arguments(argc, argv);
    const long all = settings.warmup + settings.connections;
    signal(SIGPIPE, SIG_IGN);
    need_open_files((rlim_t)all + 64);

    const size_t context_count = settings.identities.count > 0 ? settings.identities.count : 1;
    SSL_CTX** contexts = calloc(context_count, sizeof(SSL_CTX*));
    struct connection* connections = calloc((size_t)all, sizeof *connections);
    if (contexts == NULL || connections == NULL) {
        fail("out of memory");
    }
    for (size_t i = 0; i < context_count; ++i) {
        contexts[i] =
            make_context(&settings, settings.identities.count > 0 ? &settings.identities.items[i] : NULL);
    }

    struct cost cost = {0};
    long open = 0;
    bool input_ended = false;
    for (long target = settings.warmup;;
         target = target + settings.every < all ? target + settings.every : all) {
        for (; open < target; ++open) {
            connections[open] = open_connection(contexts[(size_t)open % context_count], &settings, &cost);
            if (settings.request) {
                make_request(connections[open].ssl, settings.name);
            }
        }
        if (target == settings.warmup) {
            cost = (struct cost){0};
        }
        report(open == all ? "held" : "sample", open, &cost);
        input_ended = settings.paced && open < all && !read_line();
        if (input_ended || open == all) {
            break;
        }
    }
    while (!input_ended) {
        input_ended = !read_line();
    }

    for (long i = 0; i < open; ++i) {
        (void)SSL_shutdown(connections[i].ssl);
        SSL_free(connections[i].ssl);
        close(connections[i].fd);
    }
    report("closed", 0, &cost);
    for (size_t i = 0; i < context_count; ++i) {
        SSL_CTX_free(contexts[i]);
    }
    free(contexts);
    free(connections);
    free(settings.identities.items);
    return 0;
}
