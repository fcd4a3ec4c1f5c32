# SPDX-License-Identifier: Apache-2.0
"""Run under ibid and stock: forks while threads are in handshakes; each child does handshakes with new contexts and with
the one that it inherited. A child that hangs is killed by its alarm.

A few may hang, also in stock: OpenSSL does not handle its own locks around fork (above all, that of ex_data), so a child may
inherit a lock that is never released. The unit test Process.ForksWhileThreadsAreAtWork finds out whose lock it is.

Arguments: the CA file, the port.
"""

import os
import signal
import socket
import ssl
import sys
import threading

trust, port = sys.argv[1], int(sys.argv[2])
inherited = ssl.create_default_context(cafile=trust)
stop = threading.Event()


def connect(context: ssl.SSLContext) -> ssl.SSLSocket:
    raw = socket.create_connection(("127.0.0.1", port), timeout=20)
    return context.wrap_socket(raw, server_hostname="localhost")


def work() -> None:
    while not stop.is_set():
        connect(ssl.create_default_context(cafile=trust)).close()


held = connect(inherited)
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads:
    thread.start()
good_ones = hung = 0
while good_ones < 20 and hung <= 3:
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(15)
        good = held.getpeercert() is not None
        for context in (inherited, ssl.create_default_context(cafile=trust)):
            for _ in range(3):
                with connect(context) as connection:
                    good = good and connection.getpeercert() == held.getpeercert()
        os._exit(0 if good else 1)
    status = os.waitpid(child, 0)[1]
    if status == 0:
        good_ones += 1
    elif os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM:
        hung += 1
    else:
        break
stop.set()
for thread in threads:
    thread.join()
print(good_ones, "children ended well")
sys.exit(good_ones < 20)
