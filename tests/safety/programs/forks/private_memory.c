// SPDX-License-Identifier: Apache-2.0
//
// A server that forks a child for each connection: private_memory warm|cold LAYOUT. Figure: the private
// memory that a child has written to after it has served one connection, in KiB, the median of 25 children.
// LAYOUT, a number, decides how the heap is laid out: which pages OpenSSL writes to depends on that.
#include "support.h"

#include <sys/wait.h>

static long private_dirty(void) {
    FILE* const f = fopen("/proc/self/smaps_rollup", "r");
    MUST(f);
    char line[256];
    long kib = -1;
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "Private_Dirty: %ld", &kib) == 1) {
            break;
        }
    }
    fclose(f);
    return kib;
}

static int compare(const void* a, const void* b) {
    return (int)(*(const long*)a - *(const long*)b);
}

static void lay_out(unsigned next) {
    void* blocks[40];
    next = next * 2654435761u + 12345u;
    for (int i = 0; i < 40; ++i) {
        next = next * 1664525u + 1013904223u;
        blocks[i] = malloc(16 + (next >> 16) % 2000);
    }
    for (int i = 0; i < 40; i += 3) {
        free(blocks[i]);
    }
}

int main(int argc, char** argv) {
    MUST(argc > 2);
    lay_out((unsigned)atoi(argv[2]));
    SSL_CTX* const server = server_context("server");
    demand(server, "trust.bundle.pem");
    SSL_CTX* const client = client_context("trust.bundle.pem", "client");
    for (int i = 0; strcmp(argv[1], "warm") == 0 && i < 3; ++i) {
        MUST(visit(client, server) == 1);
    }
    long kib[25];
    for (int i = 0; i < 25; ++i) {
        int pipes[2];
        MUST(pipe(pipes) == 0);
        const pid_t child = fork();
        if (child == 0) {
            struct tls t = handshake(client, server);
            MUST(t.done == 1);
            finish(&t);
            const long now = private_dirty();
            MUST(write(pipes[1], &now, sizeof now) == sizeof now);
            _exit(0);
        }
        MUST(read(pipes[0], &kib[i], sizeof kib[i]) == sizeof kib[i]);
        close(pipes[0]);
        close(pipes[1]);
        waitpid(child, NULL, 0);
    }
    qsort(kib, 25, sizeof kib[0], compare);
    figure("private_kib", (double)kib[12]);
    puts("done");
    return 0;
}
