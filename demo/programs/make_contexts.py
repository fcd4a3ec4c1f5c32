# SPDX-License-Identifier: Apache-2.0
"""A plain script that makes TLS contexts and keeps them, as a program does that makes a session for each request.

    make_contexts.py COUNT CA_BUNDLE

Prints for each context: its number, the CPU time that it took in nanoseconds, the RSS of this process in bytes.
"""

import ssl
import sys
import time


def resident_bytes() -> int:
    with open("/proc/self/smaps_rollup") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("Rss:"))


def main() -> None:
    count, bundle = int(sys.argv[1]), sys.argv[2]
    contexts = []
    for number in range(1, count + 1):
        before = time.thread_time_ns()
        contexts.append(ssl.create_default_context(cafile=bundle))
        took = time.thread_time_ns() - before
        print(number, took, resident_bytes(), flush=True)


main()
