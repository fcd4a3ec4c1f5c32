// SPDX-License-Identifier: Apache-2.0
//
// A TLS server for loopback: one thread, epoll, thousands of connections, and a fixed answer to each HTTP/1.1
// request. It is independent of ibid. Programs under test connect to it, or it is itself the program under
// test.
//
// Law: it prints exactly one JSON line on standard output when it listens (with the port that it got) and one
// when it stops; a client's error causes one line on standard error and never ends the server.
//
//     tls_server --cert chain.pem --key leaf.key [--client-ca root.pem] [--tls 1.3] [--listen 127.0.0.1:0]
#include "common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

// A request ends at its first empty line; bodies are not read. This many bytes are enough for each header
// that the tests send. A longer header is an error.
enum { most_header = 16 * 1024 };

struct settings {
    struct sockaddr_in address;
    struct identities identities;
    const char* client_ca;
    const char* version;
    const char* body_text;
    bool in_turn;
    bool until_eof;
};

// One SSL_CTX for each identity. The first is used if the client sends no name, or a name that no certificate
// has.
struct contexts {
    SSL_CTX** items;
    size_t count;
    size_t next; // with --in-turn: the next one
    bool in_turn;
};

enum state { handshaking, reading, writing, closing };

struct connection {
    SSL* ssl;
    int fd;
    enum state state;
    uint32_t events;      // what epoll watches now
    size_t header_bytes;  // bytes of the current request
    unsigned int matched; // how much of "\r\n\r\n" the last bytes were
    bool close_after;
    char tail[24]; // the last bytes of the header, to find "Connection: close" across reads
    struct connection* previous;
    struct connection* next;
};

struct server {
    int epoll;
    int listener;
    struct contexts contexts;
    struct connection* first;
    char* answer;
    char* last_answer; // the same with "Connection: close"
    unsigned long long accepted;
    unsigned long long failed;
    unsigned long long requests;
};

static void print_help(void) {
    puts("Usage: tls_server --cert CHAIN.PEM --key KEY.PEM [OPTION]...\n"
         "A TLS server for loopback that answers every HTTP request with the same page.\n"
         "\n"
         "  --listen ADDRESS:PORT  where to listen (default 127.0.0.1:0; 0 takes a free port)\n"
         "  --cert FILE            certificate chain, leaf first; may be given several times: the "
         "certificate\n"
         "                         that has the name the client asks for is used, else the first\n"
         "  --key FILE             private key of the certificate before it\n"
         "  --in-turn              with several certificates: the next one for each connection\n"
         "  --client-ca FILE       ask for a client certificate of these CAs and require it (mTLS)\n"
         "  --tls VERSION          1.2, 1.3 or any (default any)\n"
         "  --body TEXT            the page (default \"hello over TLS\\n\")\n"
         "  --until-eof            stop when standard input ends\n"
         "  --help                 show this\n"
         "\n"
         "Prints a JSON line with its port when it listens, and one with its counts when it stops (SIGTERM, "
         "SIGINT).");
}

static struct settings parse_arguments(int argc, char** argv) {
    enum {
        opt_listen = 1000,
        opt_cert,
        opt_key,
        opt_in_turn,
        opt_client_ca,
        opt_tls,
        opt_body,
        opt_until_eof,
        opt_help
    };
    static const struct option options[] = {
        {"listen", required_argument, NULL, opt_listen},
        {"cert", required_argument, NULL, opt_cert},
        {"key", required_argument, NULL, opt_key},
        {"in-turn", no_argument, NULL, opt_in_turn},
        {"client-ca", required_argument, NULL, opt_client_ca},
        {"tls", required_argument, NULL, opt_tls},
        {"body", required_argument, NULL, opt_body},
        {"until-eof", no_argument, NULL, opt_until_eof},
        {"help", no_argument, NULL, opt_help},
        {NULL, 0, NULL, 0},
    };
    struct settings settings = {.version = "any", .body_text = "hello over TLS\n"};
    settings.address = parse_address("--listen", "127.0.0.1:0");
    int option = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case opt_listen:
            settings.address = parse_address("--listen", optarg);
            break;
        case opt_cert:
            add_certificate(&settings.identities, optarg);
            break;
        case opt_key:
            add_key(&settings.identities, optarg);
            break;
        case opt_in_turn:
            settings.in_turn = true;
            break;
        case opt_client_ca:
            settings.client_ca = optarg;
            break;
        case opt_tls:
            settings.version = optarg;
            break;
        case opt_body:
            settings.body_text = optarg;
            break;
        case opt_until_eof:
            settings.until_eof = true;
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
    if (settings.identities.count == 0) {
        fail_usage("needs --cert and --key");
    }
    complete_keys(&settings.identities);
    return settings;
}

static SSL_CTX* make_context(const struct settings* settings, const struct identity* who) {
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    if (context == NULL) {
        fail_openssl("cannot make an SSL_CTX");
    }
    set_tls_version(context, settings->version);
    use_identity(context, who);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    if (settings->client_ca != NULL) {
        static const unsigned char session_context[] = "tls_server";
        STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(settings->client_ca);
        if (names == NULL || SSL_CTX_load_verify_locations(context, settings->client_ca, NULL) != 1) {
            fail_openssl("cannot load the client CA '%s'", settings->client_ca);
        }
        SSL_CTX_set_client_CA_list(context, names);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        SSL_CTX_set_session_id_context(context, session_context, sizeof session_context - 1);
    }
    return context;
}

static int choose_by_name(SSL* ssl, int* alert, void* argument) {
    (void)alert;
    const struct contexts* contexts = argument;
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == NULL || contexts->in_turn) {
        return SSL_TLSEXT_ERR_OK;
    }
    for (size_t i = 0; i < contexts->count; ++i) {
        if (X509_check_host(SSL_CTX_get0_certificate(contexts->items[i]), name, 0, 0, NULL) == 1) {
            SSL_set_SSL_CTX(ssl, contexts->items[i]);
            break;
        }
    }
    return SSL_TLSEXT_ERR_OK;
}

static struct contexts make_contexts(const struct settings* settings) {
    struct contexts contexts = {.count = settings->identities.count, .in_turn = settings->in_turn};
    contexts.items = calloc(contexts.count, sizeof *contexts.items);
    if (contexts.items == NULL) {
        fail("out of memory");
    }
    for (size_t i = 0; i < contexts.count; ++i) {
        contexts.items[i] = make_context(settings, &settings->identities.items[i]);
    }
    return contexts;
}

static char* make_answer(const char* body, const char* connection) {
    char* answer = NULL;
    if (asprintf(
            &answer,
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\nConnection: %s\r\n\r\n%s",
            strlen(body), connection, body) < 0) {
        fail("out of memory");
    }
    return answer;
}

static int listen_on(struct sockaddr_in address) {
    int yes = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        bind(fd, (const struct sockaddr*)&address, sizeof address) != 0 || listen(fd, SOMAXCONN) != 0) {
        char host[INET_ADDRSTRLEN];
        inet_ntop(AF_INET, &address.sin_addr, host, sizeof host);
        fail("cannot listen on %s:%u: %s", host, ntohs(address.sin_port), strerror(errno));
    }
    return fd;
}

static void announce(int listener) {
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    char host[INET_ADDRSTRLEN];
    if (getsockname(listener, (struct sockaddr*)&address, &size) != 0) {
        fail("cannot read the address: %s", strerror(errno));
    }
    inet_ntop(AF_INET, &address.sin_addr, host, sizeof host);
    printf("{\"event\":\"listening\",\"address\":\"%s\",\"port\":%u,\"pid\":%ld}\n", host,
           ntohs(address.sin_port), (long)getpid());
    fflush(stdout);
}

static void watch(const struct server* server, int fd, uint32_t events, void* what) {
    struct epoll_event event = {.events = events, .data.ptr = what};
    if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        fail("cannot watch a file descriptor: %s", strerror(errno));
    }
}

static void drop(struct server* server, struct connection* connection) {
    if (connection->previous != NULL) {
        connection->previous->next = connection->next;
    } else {
        server->first = connection->next;
    }
    if (connection->next != NULL) {
        connection->next->previous = connection->previous;
    }
    SSL_free(connection->ssl);
    close(connection->fd);
    free(connection);
}

// Makes epoll wait for the event that the call needs. False: the connection has ended.
static bool wait_for(const struct server* server, struct connection* connection, int result) {
    uint32_t events = 0;
    switch (SSL_get_error(connection->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        events = EPOLLIN;
        break;
    case SSL_ERROR_WANT_WRITE:
        events = EPOLLOUT;
        break;
    default:
        return false;
    }
    if (events != connection->events) {
        struct epoll_event event = {.events = events, .data.ptr = connection};
        if (epoll_ctl(server->epoll, EPOLL_CTL_MOD, connection->fd, &event) != 0) {
            return false;
        }
        connection->events = events;
    }
    return true;
}

// Processes bytes of a header. True: the header has ended. Bytes behind it are dropped, because these clients
// do not pipeline.
static bool feed(struct connection* connection, const char* bytes, size_t count) {
    static const char end[] = "\r\n\r\n";
    static const char last[] = "connection: close\r\n";
    for (size_t i = 0; i < count; ++i) {
        memmove(connection->tail, connection->tail + 1, sizeof connection->tail - 1);
        connection->tail[sizeof connection->tail - 1] = bytes[i];
        const char* line = connection->tail + sizeof connection->tail - (sizeof last - 1);
        if (bytes[i] == '\n' && strncasecmp(line, last, sizeof last - 1) == 0) {
            connection->close_after = true;
        }
        if (bytes[i] == end[connection->matched]) {
            ++connection->matched;
        } else {
            connection->matched = bytes[i] == end[0] ? 1 : 0;
        }
        if (connection->matched == sizeof end - 1) {
            return true;
        }
    }
    connection->header_bytes += count;
    return false;
}

static void begin_request(struct connection* connection) {
    connection->state = reading;
    connection->header_bytes = 0;
    connection->matched = 0;
    connection->close_after = false;
    memset(connection->tail, 0, sizeof connection->tail);
}

// Continues a connection until it must wait. False: it has ended.
static bool advance(struct server* server, struct connection* connection) {
    char bytes[4096];
    int result = 0;
    ERR_clear_error();
    for (;;) {
        switch (connection->state) {
        case handshaking:
            result = SSL_accept(connection->ssl);
            if (result != 1) {
                if (wait_for(server, connection, result)) {
                    return true;
                }
                ++server->failed;
                fprintf(stderr, "tls_server: handshake failed: %s\n", openssl_reason());
                return false;
            }
            begin_request(connection);
            break;
        case reading:
            result = SSL_read(connection->ssl, bytes, sizeof bytes);
            if (result <= 0) {
                return wait_for(server, connection, result);
            }
            if (feed(connection, bytes, (size_t)result)) {
                connection->state = writing;
            } else if (connection->header_bytes > most_header) {
                fprintf(stderr, "tls_server: a request header of more than %d bytes\n", most_header);
                return false;
            }
            break;
        case writing: {
            // One SSL_write writes the whole answer or nothing, because the answer fits in one record (main()
            // checks it).
            const char* answer = connection->close_after ? server->last_answer : server->answer;
            result = SSL_write(connection->ssl, answer, (int)strlen(answer));
            if (result <= 0) {
                return wait_for(server, connection, result);
            }
            ++server->requests;
            if (connection->close_after) {
                connection->state = closing;
            } else {
                begin_request(connection);
            }
            break;
        }
        case closing:
            // Sends our close_notify. We need not wait for the peer's (RFC 8446, section 6.1).
            (void)SSL_shutdown(connection->ssl);
            return false;
        }
    }
}

static void accept_all(struct server* server) {
    for (;;) {
        int yes = 1;
        int fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EAGAIN || errno == EWOULDBLOCK) {
                return;
            }
            if (errno == ECONNABORTED || errno == EINTR) {
                continue;
            }
            fail("cannot accept: %s", strerror(errno));
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        struct contexts* contexts = &server->contexts;
        struct connection* connection = calloc(1, sizeof *connection);
        SSL* ssl = SSL_new(contexts->items[contexts->next]);
        if (connection == NULL || ssl == NULL || SSL_set_fd(ssl, fd) != 1) {
            fail_openssl("cannot make a connection");
        }
        if (contexts->in_turn) {
            contexts->next = (contexts->next + 1) % contexts->count;
        }
        SSL_set_accept_state(ssl);
        *connection = (struct connection){.ssl = ssl, .fd = fd, .events = EPOLLIN, .next = server->first};
        if (server->first != NULL) {
            server->first->previous = connection;
        }
        server->first = connection;
        ++server->accepted;
        watch(server, fd, EPOLLIN, connection);
    }
}

static int open_signals(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    signal(SIGPIPE, SIG_IGN);
    int fd = -1;
    if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0 || (fd = signalfd(-1, &signals, SFD_CLOEXEC)) < 0) {
        fail("cannot watch signals: %s", strerror(errno));
    }
    return fd;
}

// True: standard input has ended.
static bool input_ended(void) {
    char bytes[256];
    ssize_t count = read(STDIN_FILENO, bytes, sizeof bytes);
    return count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN);
}

int main(int argc, char** argv) {
    static char listener_mark, signals_mark, input_mark; // only their addresses matter
    struct settings settings = parse_arguments(argc, argv);
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        need_open_files(limit.rlim_max);
    }

    struct server server = {.epoll = epoll_create1(EPOLL_CLOEXEC)};
    int signals = open_signals();
    server.contexts = make_contexts(&settings);
    for (size_t i = 0; i < server.contexts.count; ++i) {
        SSL_CTX_set_tlsext_servername_callback(server.contexts.items[i], choose_by_name);
        SSL_CTX_set_tlsext_servername_arg(server.contexts.items[i], &server.contexts);
    }
    server.answer = make_answer(settings.body_text, "keep-alive");
    server.last_answer = make_answer(settings.body_text, "close");
    if (strlen(server.answer) > SSL3_RT_MAX_PLAIN_LENGTH) {
        fail_usage("--body: the page has to fit into one TLS record, 16 KiB with its header");
    }
    server.listener = listen_on(settings.address);
    watch(&server, server.listener, EPOLLIN, &listener_mark);
    watch(&server, signals, EPOLLIN, &signals_mark);
    if (settings.until_eof) {
        watch(&server, STDIN_FILENO, EPOLLIN, &input_mark);
    }
    announce(server.listener);

    bool running = true;
    while (running) {
        struct epoll_event events[256];
        int count = epoll_wait(server.epoll, events, sizeof events / sizeof *events, -1);
        if (count < 0 && errno != EINTR) {
            fail("epoll_wait: %s", strerror(errno));
        }
        for (int i = 0; i < count; ++i) {
            void* what = events[i].data.ptr;
            if (what == &listener_mark) {
                accept_all(&server);
            } else if (what == &signals_mark || (what == &input_mark && input_ended())) {
                running = false;
            } else if (what != &input_mark && !advance(&server, what)) {
                drop(&server, what);
            }
        }
    }

    while (server.first != NULL) {
        drop(&server, server.first);
    }
    for (size_t i = 0; i < server.contexts.count; ++i) {
        SSL_CTX_free(server.contexts.items[i]);
    }
    free(server.contexts.items);
    free(settings.identities.items);
    free(server.answer);
    free(server.last_answer);
    printf("{\"event\":\"stopped\",\"accepted\":%llu,\"failed\":%llu,\"requests\":%llu}\n", server.accepted,
           server.failed, server.requests);
    return 0;
}
