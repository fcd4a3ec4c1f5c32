// SPDX-License-Identifier: Apache-2.0
//
// A scene: made from its seed, played from its first step to its last.
#pragma once

#include "turns.h"

enum { most_steps = 64 };

static struct step steps[most_steps];
static int step_count;
static int step_at;
static int left_out[op_count];

static unsigned long long state;

static unsigned next_number(void) { // splitmix64
    state += 0x9e3779b97f4a7c15ULL;
    unsigned long long z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return (unsigned)((z ^ (z >> 31)) >> 16);
}

static void make_scene(unsigned long long seed) {
    state = seed * 0x2545f4914f6cdd1dULL + 7;
    unsigned total = 0;
    for (int i = 0; i < known; ++i) {
        total += operations[i].weight;
    }
    step_count = 3 + (int)(next_number() % 7);
    const int threaded = next_number() % 4 == 0;
    for (int i = 0; i < step_count; ++i) {
        unsigned at = next_number() % total;
        int operation = 0;
        while (at >= operations[operation].weight) {
            at -= operations[operation++].weight;
        }
        const unsigned arguments = next_number();
        steps[i] = (struct step){(enum operation)operation, arguments & 255, (arguments >> 8) & 255,
                                 (arguments >> 16) & 255, threaded && (arguments >> 24) % 2};
    }
}

static void play_rest(void) {
    while (step_at < step_count) {
        const struct step* const s = &steps[step_at++];
        if (!left_out[s->operation]) {
            emit("%s %u %u %u:\n", operations[s->operation].name, s->a, s->b, s->c);
            in_turn(s);
        }
    }
}

// The start of a scene: contexts that the previous scene may have left, read as they are.
static void furnish(void) {
    if (!servers[0]) {
        new_server(0, 0, 1 | 4);
    }
    if (!clients[0]) {
        new_client(0, 1, 0);
    }
}

static void clear(unsigned long long seed) {
    give_back();
    for (int i = 0; i < connection_count; ++i) {
        finish(&connections[i]);
    }
    for (int i = 0; i < session_count; ++i) {
        SSL_SESSION_free(sessions[i]);
        sessions[i] = NULL;
    }
    for (int i = 0; i < store_count; ++i) {
        X509_STORE_free(stores[i]);
        stores[i] = NULL;
    }
    for (int i = 0; i < held_count; ++i) {
        put((unsigned)i, NULL, 0);
    }
    if (legacy) {
        OSSL_PROVIDER_unload(legacy);
        legacy = NULL;
    }
    if (plugin) {
        dlclose(plugin);
        plugin = NULL;
    }
    EVP_set_default_properties(NULL, "");
    // Contexts stay for some scenes, with all that they hold.
    for (int i = 0; i < context_count && seed % 8 == 0; ++i) {
        SSL_CTX_free(clients[i]);
        SSL_CTX_free(servers[i]);
        clients[i] = servers[i] = NULL;
    }
    ERR_clear_error();
}

static void play_scene(unsigned long long seed) {
    text_size = 0;
    step_at = 0;
    furnish();
    text_size = 0;
    play_rest();
    clear(seed);
}
