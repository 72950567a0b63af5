#!/usr/bin/python3
"""Runs the system tests: run.py [--build DIR] [--tests DIR] [--jobs N] [NAME...]

A NAME is a part of a test's name (gateway_test.GatewayTest.test_...). It prints one line a test; the last line is
`N passed, N failed`. With N jobs N classes run at a time, each job in a mail world of its own. It needs root and the
packages of `scripts/install-packages test targets`; everything stays on loopback and below a temporary folder. The tests of
tests/package need `package package-test`, too, and the network, from which they take a bare Debian.
"""

import argparse
import faulthandler
import itertools
import json
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

    def _line(self, word, test, more=""):
        # One write, because another job may be writing.
        sys.stdout.write(f"{word} {time.monotonic() - self._start:6.2f} s  {test.id()}\n{more}")
        sys.stdout.flush()

    def addSuccess(self, test):
        self.passed += 1
        self._line("ok  ", test)

    def addFailure(self, test, error):
        if not self.failed or self.failed[-1] != test.id():
            self.failed.append(test.id())
        trace = "".join(traceback.format_exception(*error)).rstrip().replace("\n", "\n      ")
        self._line("FAIL", test, f"      {trace}\n")

    addError = addFailure

    def addSubTest(self, test, subtest, error):
        """Only a subtest that fails is reported. The test goes on, and does not count as passed."""
        if error is not None:
            self.addFailure(test, (error[0], error[1].with_traceback(None), None))
            print(f"      {subtest._subDescription()}", flush=True)


def tests_in(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from tests_in(item)
        else:
            yield item


class Job:
    """A child that takes one class of tests after the other from a pipe that all jobs share."""

    def __init__(self, classes, queue):
        self._results, results = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            result = LineResult()
            while taken := os.read(queue, 1):
                unittest.TestSuite(classes[taken[0]]).run(result)
            os.write(results, json.dumps([result.passed, result.failed]).encode())
            sys.exit()  # so that its world is closed
        os.close(results)

    def results(self):
        """The number of passed tests and the names of the failed ones, once it has ended."""
        with open(self._results, "rb") as results:
            written = results.read()
        _, status = os.waitpid(self._pid, 0)
        self._pid = None
        passed, failed = json.loads(written) if written else (0, [])
        return passed, failed if status == 0 else [*failed, f"a job ended with {os.waitstatus_to_exitcode(status)}"]

    def stop(self):
        if self._pid is not None:
            os.kill(self._pid, signal.SIGTERM)
            os.waitpid(self._pid, 0)


def run_classes(tests, count):
    """Runs `count` classes at a time. Returns the number of passed tests and the names of the failed ones."""
    classes = [list(group) for _, group in itertools.groupby(tests, type)]
    queue, classes_to_do = os.pipe()
    os.write(classes_to_do, bytes(range(len(classes))))
    os.close(classes_to_do)
    jobs = [Job(classes, queue) for _ in range(count)]
    try:
        passed, failed = zip(*[job.results() for job in jobs])
    finally:
        for job in jobs:
            job.stop()
    return sum(passed), list(itertools.chain(*failed))


def main():
    parser = argparse.ArgumentParser(description="Runs the system tests.")
    parser.add_argument("--build", default=os.path.join(FOLDER, "..", "..", "build", "release"))
    parser.add_argument("--tests", default=FOLDER, help="the folder that they are in")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    os.environ["VERIFYD_BUILD"] = os.path.abspath(options.build)
    faulthandler.enable()
    signal.signal(signal.SIGALRM, raise_too_slow)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))

    sys.path.insert(0, FOLDER)
    found = unittest.defaultTestLoader.discover(options.tests, pattern="*_test.py")
    chosen = [test for test in tests_in(found) if not options.names or any(name in test.id() for name in options.names)]
    passed, failed = run_classes(chosen, options.jobs)
    for name in failed:
        print(f"failed: {name}")
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
