#!/usr/bin/python3
"""Runs the system tests: run.py [--build DIR] [NAME...]

A NAME is a part of a test's name (gateway_test.GatewayTest.test_...). One line a test; the last line is
`N passed, N failed`. Needs root and the packages of `scripts/install-packages test targets`; everything stays on loopback
and below a temporary folder.
"""

import argparse
import faulthandler
import os
import signal
import sys
import time
import traceback
import unittest

FOLDER = os.path.dirname(os.path.abspath(__file__))
SECONDS_PER_TEST = 60


class TooSlow(Exception):
    pass


def raise_too_slow(*_):
    raise TooSlow(f"the test took more than {SECONDS_PER_TEST} s")


class LineResult(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.passed = 0
        self.failed = []
        self._start = 0.0

    def startTest(self, test):
        super().startTest(test)
        self._start = time.monotonic()
        signal.alarm(SECONDS_PER_TEST)

    def stopTest(self, test):
        signal.alarm(0)
        super().stopTest(test)

    def _line(self, word, test):
        print(f"{word} {time.monotonic() - self._start:6.2f} s  {test.id()}", flush=True)

    def addSuccess(self, test):
        self.passed += 1
        self._line("ok  ", test)

    def addFailure(self, test, error):
        if not self.failed or self.failed[-1] != test.id():
            self.failed.append(test.id())
        self._line("FAIL", test)
        print("      " + "".join(traceback.format_exception(*error)).rstrip().replace("\n", "\n      "), flush=True)

    addError = addFailure


def tests_in(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from tests_in(item)
        else:
            yield item


def main():
    parser = argparse.ArgumentParser(description="Runs the system tests.")
    parser.add_argument("--build", default=os.path.join(FOLDER, "..", "..", "build", "release"))
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    os.environ["VERIFYD_BUILD"] = os.path.abspath(options.build)
    faulthandler.enable()
    signal.signal(signal.SIGALRM, raise_too_slow)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))

    sys.path.insert(0, FOLDER)
    found = unittest.defaultTestLoader.discover(FOLDER, pattern="*_test.py")
    chosen = [test for test in tests_in(found) if not options.names or any(name in test.id() for name in options.names)]
    result = LineResult()
    unittest.TestSuite(chosen).run(result)
    for name in result.failed:
        print(f"failed: {name}")
    print(f"{result.passed} passed, {len(result.failed)} failed")
    return 1 if result.failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
