# SPDX-License-Identifier: Apache-2.0
"""Run under ibid: opens COUNT connections to a server and leaves at once, without any clean-up, when WHEN has come:
`open`: all connections are open. `closed`: all are closed, the TLS context is still there. `gone`: that, too, is gone.

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
