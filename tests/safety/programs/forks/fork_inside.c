// SPDX-License-Identifier: Apache-2.0
//
// fork inside a call, and both processes continue: fork_inside WHERE. The child continues the parent's
// connections, makes its own, and ends them in another order. With THREADS as the second word, other threads
// do handshakes all the time. Such a thread may hold one of OpenSSL's own locks when the program forks. A
// child that hangs reports whether it waits for a lock of ibid.
#include "support.h"

#include <execinfo.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

static const char* where;
static SSL_CTX* server;
static SSL_CTX* client;
static atomic_int stop;
static pid_t parent;
static int forked;
static pid_t child = -1;

static void on_alarm(int number) {
    void* frames[64];
    const int count = backtrace(frames, 64);
    Dl_info here;
    int own = dladdr((void*)(size_t)on_alarm, &here) != 0;
    // Skips this function and the C library's frames, to find the caller that waits.
    for (int i = 0; i < count; ++i) {
        Dl_info at;
        if (!dladdr(frames[i], &at) || strstr(at.dli_fname, "libc.so") ||
            strstr(at.dli_fname, "libpthread") || (own && at.dli_fbase == here.dli_fbase)) {
            continue;
        }
        const char* const text =
            strstr(at.dli_fname, "ibid") ? "child waits in ibid\n" : "child waits elsewhere\n";
        own = write(1, text, strlen(text)) < 0;
        break;
    }
    signal(number, SIG_DFL);
    raise(number);
}

static void fork_once(void) {
    if (!forked && getpid() == parent) {
        forked = 1;
        fflush(stdout);
        child = fork();
        if (child == 0) {
            signal(SIGALRM, on_alarm);
            alarm(10);
        }
    }
}

static int on_verify(int ok, X509_STORE_CTX* c) {
    (void)c;
    fork_once();
    return ok;
}

static void on_info(const SSL* s, int at, int result) {
    (void)s, (void)result;
    if (at & SSL_CB_HANDSHAKE_DONE) {
        fork_once();
    }
}

static int on_certificate(SSL* s, void* unused) {
    (void)s, (void)unused;
    fork_once();
    return 1;
}

static void* busy(void* unused) {
    SSL_CTX* const c = client_context("trust.bundle.pem", "other");
    while (!atomic_load(&stop)) {
        visit(c, server);
        SSL_CTX* const again = client_context("crls.bundle.pem", NULL);
        SSL_CTX_free(again);
    }
    SSL_CTX_free(c);
    return unused;
}

static int play(const char* who) {
    struct tls kept[4];
    int done = 0;
    for (int i = 0; i < 4; ++i) {
        kept[i] = handshake(client, server);
        done += kept[i].done == 1;
    }
    if (strcmp(where, "between") == 0) {
        fork_once();
        who = getpid() == parent ? "parent" : "child";
    }
    for (int i = 3; i >= 0; --i) {
        if (kept[i].done == 1) {
            show(getpid() == parent ? "parent's" : "child's", SSL_get0_peer_certificate(kept[i].server));
            MUST(SSL_write(kept[i].client, who, 3) == 3);
            char in[4] = "";
            MUST(SSL_read(kept[i].server, in, 3) == 3);
        }
        finish(&kept[i]);
    }
    for (int i = 0; i < 4; ++i) {
        done += visit(client, server) == 1;
        SSL_CTX* const fresh = client_context("crls.bundle.pem", "client");
        done += visit(fresh, server) == 1;
        SSL_CTX_free(fresh);
    }
    return done;
}

int main(int argc, char** argv) {
    MUST(argc > 1);
    where = argv[1];
    parent = getpid();
    void* frames[4];
    backtrace(frames, 4); // makes it load its libraries now
    server = server_context("server");
    demand(server, "trust.bundle.pem");
    client = client_context("trust.bundle.pem", "client");
    MUST(visit(client, server) == 1);
    pthread_t threads[2];
    const int threaded = argc > 2;
    for (int i = 0; i < 2 && threaded; ++i) {
        pthread_create(&threads[i], NULL, busy, NULL);
    }
    if (strcmp(where, "verify") == 0) {
        SSL_CTX_set_verify(client, SSL_VERIFY_PEER, on_verify);
    } else if (strcmp(where, "server-verify") == 0) {
        SSL_CTX_set_verify(server, SSL_VERIFY_PEER, on_verify);
    } else if (strcmp(where, "info") == 0) {
        SSL_CTX_set_info_callback(client, on_info);
    } else if (strcmp(where, "certificate") == 0) {
        SSL_CTX_set_cert_cb(server, on_certificate, NULL);
    }
    if (threaded) {
        usleep(20000);
    }
    const int done = play("all");
    if (getpid() != parent) {
        printf("child: %d done\n", done);
        fflush(stdout);
        _exit(0);
    }
    int status = -1;
    if (child > 0) {
        waitpid(child, &status, 0);
    }
    atomic_store(&stop, 1);
    for (int i = 0; i < 2 && threaded; ++i) {
        pthread_join(threads[i], NULL);
    }
    printf("parent: %d done, forked %d, child's status %d\n", done, forked, status);
    tell_hits();
    return 0;
}
