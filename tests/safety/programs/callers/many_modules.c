// SPDX-License-Identifier: Apache-2.0
//
// Many plugins have used OpenSSL: many_modules together|one-by-one COUNT PLUGIN. Opens copies of one plugin,
// and keeps or closes them; then measures handshakes and trust files. Figures: CPU time for each.
#include "support.h"

static void copy(const char* from, const char* to) {
    static unsigned char buffer[1 << 20];
    const long size = read_file(from, buffer, sizeof buffer);
    FILE* const f = fopen(to, "wb");
    MUST(f && fwrite(buffer, 1, (size_t)size, f) == (size_t)size);
    fclose(f);
}

int main(int argc, char** argv) {
    MUST(argc > 3);
    const int keep = strcmp(argv[1], "together") == 0;
    const int count = atoi(argv[2]);
    int sum = 0;
    for (int i = 0; i < count; ++i) {
        char path[64];
        snprintf(path, sizeof path, "./plugin-%d.so", i);
        copy(argv[3], path);
        void* const plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        MUST(plugin);
        sum += ((int (*)(const char*))dlsym(plugin, "touch"))(pki("client.cert.pem"));
        if (!keep) {
            dlclose(plugin);
        }
    }
    printf("%d modules, %d\n", count, sum / (count ? count : 1));
    SSL_CTX* const server = server_context("server");
    SSL_CTX* const client = client_context("trust.bundle.pem", NULL);
    MUST(visit(client, server) == 1);
    double begin = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < 150; ++i) {
        MUST(visit(client, server) == 1);
    }
    figure("handshakes", cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - begin);
    begin = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < 300; ++i) {
        SSL_CTX_free(client_context("crls.bundle.pem", NULL));
    }
    figure("trust_files", cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - begin);
    puts("end");
    return 0;
}
