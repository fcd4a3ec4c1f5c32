# SPDX-License-Identifier: Apache-2.0
"""Opens COUNT connections to a server. Each is held by an object on a reference cycle and dropped without being closed, so
that nothing but the cyclic collector, which runs when it pleases, ends it. At most OPEN at once are still reachable.

Prints a line a tenth: how many were opened, resident memory in KB. The last line is that after the last collection. Leaves
at once, so that what ibid counts is what the collector has left.

Arguments: the CA file, the port, COUNT, OPEN.
"""

import gc
import os
import socket
import ssl
import sys
import warnings

trust, port, count, reachable = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
warnings.simplefilter("ignore", ResourceWarning)  # that nobody closes them is the point


class Connection:
    """Refers to itself by way of its peer."""

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


# Without reference counts' help, a connection ends with its cycle: not before the collector has found it.
work()
gc.collect()
print(count, resident(), flush=True)
os._exit(0)
