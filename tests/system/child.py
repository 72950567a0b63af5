"""A child process that is always ended by its own id, with its output in a file."""

import os
import signal
import socket
import subprocess
import time


class ChildFailed(Exception):
    pass


def wait_until(condition, seconds, what):
    """Polls `condition` until its result is true, and returns that result."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise ChildFailed(f"{what}: not within {seconds} s")
        time.sleep(0.01)


def accepts_connections(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, port)) == 0


class Child:
    """Runs in a session of its own: the terminal's Ctrl-C reaches us only, and we end it."""

    def __init__(self, name, command, output_path, env=None, pass_fds=(), preexec_fn=None):
        self.name = name
        self.output_path = output_path
        with open(output_path, "ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=env,
                pass_fds=pass_fds,
                preexec_fn=preexec_fn,
                start_new_session=True,
            )

    @property
    def pid(self):
        return self._process.pid

    @property
    def exit_code(self):
        """None while it runs; negative when a signal ended it."""
        return self._process.poll()

    def output(self):
        with open(self.output_path, encoding="utf-8", errors="replace") as output:
            return output.read()

    def wait_until(self, condition, seconds, what):
        def alive_and_true():
            value = condition()
            if not value and self.exit_code is not None:
                raise ChildFailed(f"{self.name} ended with {self.exit_code} before: {what}\n{self.output()[-3000:]}")
            return value

        try:
            return wait_until(alive_and_true, seconds, f"{self.name}: {what}")
        except ChildFailed as error:
            if self.exit_code is None:
                raise ChildFailed(f"{error}\n{self.output()[-3000:]}") from None
            raise

    def signal(self, number):
        self._process.send_signal(number)

    def wait(self, seconds):
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise ChildFailed(f"{self.name} still runs after {seconds} s\n{self.output()[-3000:]}") from None

    def stop(self, seconds=15):
        """Sends SIGTERM, then SIGKILL to it and to all that it left in the process group of its session."""
        if self.exit_code is None:
            self.signal(signal.SIGTERM)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                pass
        self.kill()
        return self.exit_code

    def kill(self):
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
