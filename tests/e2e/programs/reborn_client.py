# SPDX-License-Identifier: Apache-2.0
"""Run under ibid and stock: connects three times, then executes itself again, as often as the third argument says.

Arguments: the CA file, the port, the number of lives.
"""

import os
import socket
import ssl
import sys

trust, port, lives = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
context = ssl.create_default_context(cafile=trust)
for _ in range(3):
    raw = socket.create_connection(("127.0.0.1", port), timeout=20)
    with context.wrap_socket(raw, server_hostname="localhost") as connection:
        print(lives, connection.getpeercert(), flush=True)
if lives > 1:
    os.execv(sys.executable, [sys.executable, "-I", sys.argv[0], trust, str(port), str(lives - 1)])
