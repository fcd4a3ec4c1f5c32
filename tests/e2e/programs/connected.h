/* SPDX-License-Identifier: Apache-2.0
 * Connects to a port of this machine, or ends the program. Needs no OpenSSL. */
#ifndef IBID_TEST_CONNECTED_H
#define IBID_TEST_CONNECTED_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static int connected(int port) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr*)&address, sizeof address) != 0) {
        perror("connect");
        exit(1);
    }
    return fd;
}

#endif
