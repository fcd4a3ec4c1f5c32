# SPDX-License-Identifier: Apache-2.0
"""Run under ibid: opens COUNT connections to a server and exits without any clean-up in the state WHEN:
`open`: all connections are open. `closed`: all are closed, but the TLS context still exists. `gone`: it is freed, too.

Arguments: the CA file, the port, COUNT, WHEN.
"""

import gc
import os
import socket
import ssl
import sys

trust, port, count, when = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
context = ssl.create_default_context(cafile=trust)
connections = []
for _ in range(count):
    raw = socket.create_connection(("127.0.0.1", port), timeout=20)
    connections.append(context.wrap_socket(raw, server_hostname="localhost"))
if when != "open":
    while connections:
        connections.pop().close()
if when == "gone":
    del raw, context
gc.collect()
os._exit(0)
