// SPDX-License-Identifier: Apache-2.0
//
// The operations of scenes, by name.
#pragma once

#include "certificates.h"
#include "connections.h"
#include "contexts.h"
#include "surroundings.h"

static void release(unsigned a, unsigned b) {
    switch (a % 5) {
    case 0:
        finish(&PICK(connections, b));
        break;
    case 1:
        SSL_SESSION_free(PICK(sessions, b));
        PICK(sessions, b) = NULL;
        break;
    case 2:
        put(b, NULL, 0);
        break;
    case 3:
        X509_STORE_free(PICK(stores, b));
        PICK(stores, b) = NULL;
        break;
    default:
        if (b & 64) {
            SSL_CTX_free(PICK(clients, b));
            PICK(clients, b) = NULL;
        } else {
            SSL_CTX_free(PICK(servers, b));
            PICK(servers, b) = NULL;
        }
    }
}

static void show_all(unsigned a) {
    show_connection((int)(a % connection_count));
    show("held", PICK(held, a).x);
    show_data(PICK(held, a).x);
}

enum operation {
    op_client,
    op_server,
    op_connect,
    op_session,
    op_load,
    op_check,
    op_parse,
    op_hold,
    op_show,
    op_store,
    op_release,
    op_provider,
    op_plugin,
    op_fork,
    op_complain,
    op_exchange,
    op_attach_held,
    op_attach_peer,
    op_write_held,
    op_write_peer,
    op_write_object,
    op_write_list,
    op_count
};

static const struct {
    const char* name;
    unsigned weight; // of 1000
} operations[op_count] = {{"client", 60},       {"server", 45},      {"connect", 130},   {"session", 60},
                          {"load", 90},         {"check", 130},      {"parse", 120},     {"hold", 90},
                          {"show", 60},         {"store", 30},       {"release", 90},    {"provider", 12},
                          {"plugin", 20},       {"fork", 8},         {"complain", 25},   {"exchange", 25},
                          {"attach_held", 40},  {"attach_peer", 40}, {"write_held", 40}, {"write_peer", 40},
                          {"write_object", 30}, {"write_list", 20}};

#ifdef WRITES
enum { known = op_count };
#elif defined(ATTACHES)
enum { known = op_write_held };
#else
enum { known = op_attach_held };
#endif

struct step {
    enum operation operation;
    unsigned a, b, c;
    int in_thread;
};

static void play_rest(void);

static void fork_scene(void) {
    int pipes[2];
    MUST(pipe(pipes) == 0);
    const pid_t child = fork();
    if (child == 0) {
        alarm(20);
        is_child = 1;
        text_size = 0;
        play_rest();
        close(pipes[0]);
        for (size_t at = 0; at < text_size;) {
            const ssize_t n = write(pipes[1], text + at, text_size - at);
            MUST(n > 0);
            at += (size_t)n;
        }
        _exit(0);
    }
    close(pipes[1]);
    emit("child: ");
    ssize_t n;
    while ((n = read(pipes[0], text + text_size, sizeof text - text_size - 1)) > 0) {
        text_size += (size_t)n;
    }
    close(pipes[0]);
    int status;
    waitpid(child, &status, 0);
    emit("child's end %d\n", status);
}

static void perform(const struct step* s) {
    give_back();
    callback_slot = s->c;
    switch (s->operation) {
    case op_client:
        new_client(s->a, s->b, s->c);
        break;
    case op_server:
        new_server(s->a, s->b, s->c);
        break;
    case op_connect:
        connect_pair(s->a, s->b, s->c);
        break;
    case op_session:
        take_session(s->a, s->b, s->c);
        break;
    case op_load:
        load(s->a, s->b, s->c);
        break;
    case op_check:
        check(s->a, s->b, s->c);
        break;
    case op_parse:
        parse(s->a, s->b, s->c);
        break;
    case op_hold:
        hold(s->a, s->b, s->c);
        break;
    case op_show:
        show_all(s->a);
        break;
    case op_store:
        if (some_store(s->a)) {
            show_store(some_store(s->a));
        }
        break;
    case op_release:
        release(s->a, s->b);
        break;
    case op_provider:
        providers(s->a, s->b);
        break;
    case op_plugin:
        plugins(s->a, s->b);
        break;
    case op_fork:
        if (!is_child) {
            fork_scene();
        }
        break;
    case op_complain: { // an error that stays in the queue during the next operations
        BIO* const in = BIO_new_file("/nowhere", "r");
        emit("complained %d\n", in != NULL);
        return;
    }
    case op_exchange:
        exchange_session(s->a, s->b, s->c);
        break;
#if defined(ATTACHES) || defined(WRITES)
    case op_attach_held:
        if (PICK(held, s->a).x) {
            attach(PICK(held, s->a).x, s->b, s->c);
        }
        break;
    case op_attach_peer: {
        const struct tls* const t = &PICK(connections, s->a);
        X509* const x =
            t->client && t->done == 1 ? SSL_get0_peer_certificate(s->a & 64 ? t->server : t->client) : NULL;
        if (x) {
            attach(x, s->b, s->c);
        }
        break;
    }
#endif
#ifdef WRITES
    case op_write_held:
        if (PICK(held, s->a).x) {
            write_to(PICK(held, s->a).x, s->b, s->c);
        }
        break;
    case op_write_peer: {
        const struct tls* const t = &PICK(connections, s->a);
        X509* const x =
            t->client && t->done == 1 ? SSL_get0_peer_certificate(s->a & 64 ? t->server : t->client) : NULL;
        if (x) {
            write_to(x, s->b, s->c);
        }
        break;
    }
    case op_write_object: {
        X509_STORE* const store = some_store(s->a);
        STACK_OF(X509_OBJECT)* const all = store ? X509_STORE_get0_objects(store) : NULL;
        X509* const x =
            sk_X509_OBJECT_num(all) > 0
                ? X509_OBJECT_get0_X509(sk_X509_OBJECT_value(all, (int)s->a % sk_X509_OBJECT_num(all)))
                : NULL;
        if (x) {
            write_to(x, s->b, s->c);
        }
        break;
    }
    case op_write_list:
        if (some_store(s->a)) {
            write_list(some_store(s->a), s->b);
        }
        break;
#endif
    default:
        return;
    }
    show_errors("queue");
}
