# SPDX-License-Identifier: Apache-2.0
"""Run under ibid and stock, with an allocator preloaded: many threads connect at once, and it says what it has loaded.

Arguments: the CA file, the port, a part of the allocator's file name.
"""

import socket
import ssl
import sys
import threading
from pathlib import Path

trust, port, allocator = sys.argv[1], int(sys.argv[2]), sys.argv[3]
print("allocator is loaded:", allocator in Path("/proc/self/maps").read_text())
results: list[str] = []


def work() -> None:
    for _ in range(20):
        context = ssl.create_default_context(cafile=trust)
        raw = socket.create_connection(("127.0.0.1", port), timeout=20)
        with context.wrap_socket(raw, server_hostname="localhost") as connection:
            results.append(str(connection.getpeercert()))


threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(results), set(results))
