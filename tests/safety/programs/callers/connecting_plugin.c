// SPDX-License-Identifier: Apache-2.0
//
// A plugin that makes two connections.
#include "support.h"

void plugin_connect(void) {
    for (int i = 0; i < 2; ++i) {
        struct tls tls = handshake(client_context("root.cert.pem", NULL), server_context("server"));
        show_result("connection", &tls);
        finish(&tls);
    }
    tell_hits();
}
