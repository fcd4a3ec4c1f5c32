// SPDX-License-Identifier: Apache-2.0
//
// Plays random scenes: little programs of operations on contexts, connections, sessions, stores,
// certificates, threads, children, plugins and providers. After each step everything that can be read is
// printed; stock and ibid must print the same.
//
//     player bulk FROM COUNT RELATIONS     plays the scenes of these seeds; prints a hash for each
//     player print FROM COUNT RELATIONS    prints their scripts: `scene SEED`, then a line for each operation
//     player play RELATIONS <SCRIPT        plays a script, and prints all
//
// RELATIONS: 1, or 0 if addresses of objects that the program parsed itself must not be compared (with
// IBID_SCOPE=all two such objects may be one). The environment variable SCENES_WITHOUT lists operations to
// leave out, separated by commas: those with known differences. The functions that the program *references*
// decide its class (-DATTACHES: of those that write, only X509_set_ex_data; -DWRITES: all): operations of
// another class are neither made nor played. -DLEASES: an attacher that gets peers only by
// SSL_get1_peer_certificate, as nginx does.
//
// Law: in stock the output depends only on the script. So it contains no address, time, random number or
// length of a ticket; it contains only relations between addresses that stock guarantees, such as: a
// connection's peer is the first of its chain.
#include "scene.h"

static void write_out(const char* bytes, size_t size) {
    MUST(fwrite(bytes, 1, size, stdout) == size);
}

static void print_scene(unsigned long long seed) {
    fprintf(stdout, "scene %llu\n", seed);
    for (int i = 0; i < step_count; ++i) {
        const struct step* const s = &steps[i];
        fprintf(stdout, "%s %u %u %u %d\n", operations[s->operation].name, s->a, s->b, s->c, s->in_thread);
    }
}

static void flush_scene(unsigned long long seed) {
    play_scene(seed);
    fprintf(stdout, "scene %llu\n", seed);
    write_out(text, text_size);
    fflush(stdout);
}

static void play_script(void) {
    char line[128];
    unsigned long long seed = 0;
    int any = 0;
    step_count = 0;
    while (fgets(line, sizeof line, stdin)) {
        char name[32];
        struct step s = {op_count, 0, 0, 0, 0};
        unsigned long long next;
        if (sscanf(line, "scene %llu", &next) == 1) {
            if (any) {
                flush_scene(seed);
            }
            seed = next;
            any = 1;
            step_count = 0;
        } else if (sscanf(line, "%31s %u %u %u %d", name, &s.a, &s.b, &s.c, &s.in_thread) == 5) {
            for (int i = 0; i < known; ++i) {
                if (strcmp(operations[i].name, name) == 0) {
                    s.operation = (enum operation)i;
                }
            }
            if (s.operation != op_count && step_count < most_steps) {
                steps[step_count++] = s;
            }
        }
    }
    if (any) {
        flush_scene(seed);
    }
}

int main(int argc, char** argv) {
    MUST(argc > 2);
    relations = atoi(argv[argc - 1]);
    char without[256];
    const char* const named = getenv("SCENES_WITHOUT");
    snprintf(without, sizeof without, ",%s,", named ? named : "");
    for (int i = 0; i < op_count; ++i) {
        char word[32];
        snprintf(word, sizeof word, ",%s,", operations[i].name);
        left_out[i] = strstr(without, word) != NULL;
    }
    const int printing = strcmp(argv[1], "print") == 0;
    if (!printing) { // OpenSSL's one-time initialization must not depend on a scene's properties
        unsigned char random[16];
        MUST(RAND_bytes(random, sizeof random) == 1);
        SSL_CTX* const server = server_context("server");
        SSL_CTX* const client = client_context("trust.bundle.pem", NULL);
        MUST(visit(client, server) == 1);
        SSL_CTX_free(server);
        SSL_CTX_free(client);
    }
    if (strcmp(argv[1], "play") == 0) {
        play_script();
    } else {
        MUST(argc > 4);
        const unsigned long long from = strtoull(argv[2], NULL, 10);
        const unsigned long long count = strtoull(argv[3], NULL, 10);
        for (unsigned long long seed = from; seed < from + count; ++seed) {
            make_scene(seed);
            if (printing) {
                print_scene(seed);
            } else {
                play_scene(seed);
                fprintf(stdout, "%llu %016llx\n", seed, fingerprint(text, text_size));
            }
        }
    }
    fflush(stdout);
    tell_hits();
    return 0;
}
