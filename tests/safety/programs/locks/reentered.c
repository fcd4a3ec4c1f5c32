// SPDX-License-Identifier: Apache-2.0
//
// Getters that take no lock in stock: reentered HOW. In a signal handler that has interrupted such a getter
// (signal), or in a child of _Fork() while other threads are in one (child), no thread waits for ever. Built
// with -DATTACHES, or without it as a reader.
#include "support.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <sys/wait.h>

enum { threads = 3, forks = 100 };

static struct tls connections[threads + 1];
static atomic_int ready;
static atomic_int stop;
static atomic_long handled;

static void get_and_free(SSL* ssl) {
    X509* const peer = SSL_get1_peer_certificate(ssl);
    if (!peer || X509_up_ref(peer) != 1 || !X509_get0_notAfter(peer)) {
        _exit(98);
    }
    X509_free(peer);
    X509_free(peer);
}

static void on_signal(int number) {
    (void)number;
    get_and_free(connections[0].server);
    atomic_fetch_add(&handled, 1);
}

static void* get_always(void* mine) {
    atomic_fetch_add(&ready, 1);
    while (!stop) {
        get_and_free(((struct tls*)mine)->server);
    }
    return NULL;
}

static void interrupt(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = &on_signal;
    MUST(sigaction(SIGALRM, &action, NULL) == 0);
    const struct itimerval each = {{0, 50}, {0, 50}};
    MUST(setitimer(ITIMER_REAL, &each, NULL) == 0);
    while (handled < 3000) {
        get_and_free(connections[0].server);
    }
    const struct itimerval none = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &none, NULL);
    puts("signals handled");
}

static void leave_behind(void) {
    pthread_t all[threads];
    for (int i = 0; i < threads; ++i) {
        MUST(pthread_create(&all[i], NULL, &get_always, &connections[i + 1]) == 0);
    }
    while (ready < threads) {
        sched_yield();
    }
    int good = 0;
    for (int i = 0; i < forks; ++i) {
        const pid_t child = _Fork();
        MUST(child >= 0);
        if (child == 0) {
            alarm(3);
            get_and_free(connections[0].server);
            get_and_free(connections[1].server);
            _exit(7);
        }
        int status = 0;
        MUST(waitpid(child, &status, 0) == child);
        good += WIFEXITED(status) && WEXITSTATUS(status) == 7;
        if (good != i + 1) {
            break;
        }
    }
    printf("children that ended: %d\n", good);
    stop = 1;
    for (int i = 0; i < threads; ++i) {
        pthread_join(all[i], NULL);
    }
}

int main(int argc, char** argv) {
    MUST(argc > 1);
#ifdef ATTACHES
    NAME(X509_set_ex_data(NULL, 0, NULL));
#endif
    SSL_CTX* const server = server_context("server");
    demand(server, "trust.bundle.pem");
    SSL_CTX* const one = client_context("trust.bundle.pem", "client");
    SSL_CTX* const other = client_context("trust.bundle.pem", "other");
    for (int i = 0; i <= threads; ++i) {
        connections[i] = handshake(i % 2 ? one : other, server);
        show_result("tls", &connections[i]);
    }
    for (int i = 0; i <= threads; ++i) {
        get_and_free(connections[i].server);
    }
    if (strcmp(argv[1], "signal") == 0) {
        interrupt();
    } else {
        leave_behind();
    }
    puts("end");
    tell_hits();
    return 0;
}
