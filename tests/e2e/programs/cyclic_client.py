# SPDX-License-Identifier: Apache-2.0
"""Opens COUNT connections to a server. An object on a reference cycle holds each connection and is dropped without closing it,
so only the cyclic collector, which runs at any time, ends the connection. At most OPEN connections are reachable at once.

Prints a line for each tenth: the number of opened connections, and resident memory in KB. The last line is printed after the
last collection. Then it exits at once, so that ibid's counters show what the collector has left.

Arguments: the CA file, the port, COUNT, OPEN.
"""

import gc
import os
import socket
import ssl
import sys
import warnings

trust, port, count, reachable = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
warnings.simplefilter("ignore", ResourceWarning)  # they are deliberately never closed


class Connection:
    """Refers to itself through its peer."""

    def __init__(self, context: ssl.SSLContext) -> None:
        raw = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.tls = context.wrap_socket(raw, server_hostname="localhost")
        self.certificate = self.tls.getpeercert(True)
        self.peer = {"seen by": self}


def resident() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024


def work() -> None:
    context = ssl.create_default_context(cafile=trust)
    ring: list[Connection | None] = [None] * reachable
    for i in range(count):
        ring[i % reachable] = Connection(context)
        if (i + 1) % max(1, count // 10) == 0:
            print(i + 1, resident(), flush=True)


# Reference counts alone cannot end a connection: it ends when the collector has found its cycle.
work()
gc.collect()
print(count, resident(), flush=True)
os._exit(0)
