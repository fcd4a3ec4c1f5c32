# SPDX-License-Identifier: Apache-2.0
"""Runs one unittest module of CPython's and writes a line `OUTCOME<tab>TEST` to a file as each test ends.

A separate program, started as `python3.11 unittest_runner.py FILE MODULE`. The outcomes go to a file, so the output of
tests cannot garble them.
"""

import sys
import unittest

from test import support


class Outcomes(unittest.TextTestResult):
    file = None  # set below

    def startTest(self, test):
        super().startTest(test)
        self.outcome = "pass"

    def stopTest(self, test):
        super().stopTest(test)
        self.file.write(f"{self.outcome}\t{test.id()}\n")
        self.file.flush()

    def addError(self, test, error):
        super().addError(test, error)
        self.outcome = "fail"
        if not isinstance(test, unittest.TestCase):  # setUpClass, setUpModule
            self.file.write(f"fail\t{test}\n")

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.outcome = "fail"

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error is not None:
            self.outcome = "fail"

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.outcome = "fail"

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        if not isinstance(test, unittest.TestCase):
            self.file.write(f"skip\t{test}\n")
        elif self.outcome == "pass":
            self.outcome = "skip"


def main() -> int:
    path, module = sys.argv[1:]
    support.use_resources = ["cpu", "tzdata"]  # no network
    with open(path, "w") as Outcomes.file:
        suite = unittest.defaultTestLoader.loadTestsFromName(module)
        result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Outcomes).run(suite)
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
