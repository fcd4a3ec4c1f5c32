# SPDX-License-Identifier: Apache-2.0
"""A plain script that fetches pages, each with a TLS context of its own, as many short scripts and jobs do.

    fetch_pages.py COUNT CA_BUNDLE URL

Prints for each page: its number and the CPU time that context and fetch took in nanoseconds.
"""

import ssl
import sys
import time
import urllib.request


def main() -> None:
    count, bundle, url = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    for number in range(1, count + 1):
        before = time.thread_time_ns()
        context = ssl.create_default_context(cafile=bundle)
        with urllib.request.urlopen(url, context=context) as answer:
            page = answer.read()
        took = time.thread_time_ns() - before
        assert page, "an empty page"
        print(number, took, flush=True)


main()
