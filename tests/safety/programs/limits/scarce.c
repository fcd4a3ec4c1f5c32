// SPDX-License-Identifier: Apache-2.0
//
// A process that lacks a resource: scarce WHAT. No file descriptors, a file size limit of 0, privileges
// dropped before OpenSSL's first use, another working directory, or all descriptors closed.
#include "support.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/resource.h>

static void work(const char* label) {
    for (int i = 0; i < 2; ++i) {
        SSL_CTX* const c = SSL_CTX_new(TLS_client_method());
        printf("%s: trust %d", label, SSL_CTX_load_verify_locations(c, pki("trust.bundle.pem"), NULL));
        printf(" lists %d", SSL_CTX_load_verify_locations(c, pki("crls.bundle.pem"), NULL));
        printf(" folder %d", SSL_CTX_load_verify_locations(c, NULL, pki("trust.d")));
        printf(" chain %d\n", SSL_CTX_use_certificate_chain_file(c, pki("client.chain.pem")));
        show_errors(label);
        SSL_CTX_free(c);
    }
}

static int open_descriptors(void) {
    int count = 0;
    for (int fd = 0; fd < 1024; ++fd) {
        count += fcntl(fd, F_GETFD) >= 0;
    }
    return count;
}

int main(int argc, char** argv) {
    MUST(argc > 1);
    const char* const what = argv[1];
    struct rlimit limit = {0, 0};
    if (strcmp(what, "descriptors") == 0) {
        SSL_CTX* const server = server_context("server");
        SSL_CTX* const client = client_context("trust.bundle.pem", NULL);
        work("before");
        const int highest = dup(0);
        close(highest);
        limit.rlim_cur = limit.rlim_max = (rlim_t)highest;
        MUST(setrlimit(RLIMIT_NOFILE, &limit) == 0);
        work("none left");
        printf("handshake %d\n", visit(client, server));
    } else if (strcmp(what, "descriptors-first") == 0) {
        limit.rlim_cur = limit.rlim_max = 3;
        MUST(setrlimit(RLIMIT_NOFILE, &limit) == 0);
        work("from the first");
    } else if (strcmp(what, "file-size") == 0) {
        setvbuf(stdout, NULL, _IONBF, 0);
        limit.rlim_cur = limit.rlim_max = 0;
        work("before");
        fflush(stdout);
        const int sink = open("/dev/null", O_WRONLY);
        MUST(sink >= 0 && setrlimit(RLIMIT_FSIZE, &limit) == 0);
        SSL_CTX* const server = server_context("server");
        SSL_CTX* const client = client_context("trust.bundle.pem", NULL);
        return visit(client, server) == 1 ? 11 : 12;
    } else if (strcmp(what, "file-size-first") == 0) {
        puts("from the first");
        fflush(stdout);
        MUST(setrlimit(RLIMIT_FSIZE, &limit) == 0);
        return visit(client_context("trust.bundle.pem", NULL), server_context("server")) == 1 ? 11 : 12;
    } else if (strcmp(what, "nobody") == 0) {
        if (getuid() == 0) {
            MUST(setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0);
        }
        SSL_CTX* const c = SSL_CTX_new(TLS_client_method());
        printf("trust %d\n", SSL_CTX_load_verify_locations(c, "/etc/passwd", NULL));
        show_errors("trust");
    } else if (strcmp(what, "closed") ==
               0) { // standard descriptors are closed: the program's next descriptors get their numbers
        close(0);
        close(2);
        work("closed");
        const int a = open("/dev/null", O_RDONLY);
        const int b = open("/dev/null", O_RDONLY);
        printf("next descriptors %d %d\n", a, b);
        printf("handshake %d\n", visit(client_context("trust.bundle.pem", NULL), server_context("server")));
        printf("open %d\n", open_descriptors());
    } else if (strcmp(what, "folder") == 0) {
        SSL_CTX* const c = SSL_CTX_new(TLS_client_method());
        MUST(chdir(pki(".")) == 0);
        for (int i = 0; i < 2; ++i) {
            printf("here %d", SSL_CTX_load_verify_locations(c, "trust.bundle.pem", NULL));
            MUST(chdir("/") == 0);
            printf(" there %d\n", SSL_CTX_load_verify_locations(c, "trust.bundle.pem", NULL));
            show_errors("folder");
            MUST(chdir(pki(".")) == 0);
        }
    } else if (strcmp(what, "all-closed") == 0) { // daemons close all descriptors that they do not know
        SSL_CTX* const server = server_context("server");
        SSL_CTX* const client = client_context("trust.bundle.pem", NULL);
        printf("handshake %d\n", visit(client, server));
        for (int fd = 3; fd < 1024; ++fd) {
            close(fd);
        }
        const int mine = open(pki("root.cert.pem"), O_RDONLY);
        printf("handshake %d\n", visit(client, server));
        work("closed");
        char first[11] = "";
        printf("%ld %s\n", (long)read(mine, first, 10), first);
        printf("open %d\n", open_descriptors());
    }
    return 0;
}
