// SPDX-License-Identifier: Apache-2.0
//
// Two threads by turns.
#pragma once

#include "operations.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn = PTHREAD_COND_INITIALIZER;
static const struct step* given;
static int worker_runs;

static void* work(void* unused) {
    pthread_mutex_lock(&mutex);
    for (;;) {
        while (!given) {
            pthread_cond_wait(&turn, &mutex);
        }
        perform(given);
        given = NULL;
        pthread_cond_broadcast(&turn);
    }
    return unused;
}

static void in_turn(const struct step* s) {
    if (!s->in_thread || is_child || s->operation == op_fork) {
        perform(s);
        return;
    }
    if (!worker_runs) {
        pthread_t thread;
        MUST(pthread_create(&thread, NULL, work, NULL) == 0);
        pthread_detach(thread);
        worker_runs = 1;
    }
    pthread_mutex_lock(&mutex);
    given = s;
    pthread_cond_broadcast(&turn);
    while (given) {
        pthread_cond_wait(&turn, &mutex);
    }
    pthread_mutex_unlock(&mutex);
}
