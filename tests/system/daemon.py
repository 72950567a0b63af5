"""verifyd and verifyctl as an operator runs them."""

import os
import signal
import socket
import subprocess
import sys

from child import Child, wait_until
from policy_client import PolicyClient

# Passes the descriptor of the first argument as descriptor 3, with the name of the second, as systemd passes its sockets.
SOCKET_ACTIVATION = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES=sys.argv[2])
os.execv(sys.argv[3], sys.argv[3:])
"""


class NotifySocket:
    """Receives what a service tells systemd."""

    def __init__(self, path):
        self.path = path
        self.said = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        os.chmod(path, 0o777)
        self._socket.setblocking(False)

    def has_said(self, line):
        try:
            while True:
                self.said += self._socket.recv(4096).decode().split("\n")
        except BlockingIOError:
            pass
        return line in self.said

    def close(self):
        self._socket.close()


def settings_for(world, directory):
    return {
        "policy_listen": f"inet:{world.policy_endpoint}",
        "control_socket": os.path.join(directory, "control"),
        "data_directory": os.path.join(directory, "data"),
        "dns_servers": world.names.endpoint,
        "smtp_tcp_port": str(world.smtp_port),
        "myhostname": "gateway.test",
        "myorigin": "gateway.test",
        "verify_domains": "*",
        "probe_permit_networks": world.block.network,
        "disclose_probe_details": "yes",
    }


class Verifyd:
    """A daemon with its own directory. It may be stopped and started again: the cache stays."""

    def __init__(self, build, directory, settings, arguments=()):
        self.program = os.path.join(build, "verifyd", "verifyd")
        self.ctl_program = os.path.join(build, "verifyctl", "verifyctl")
        self.directory = directory
        self.settings = dict(settings)
        self.arguments = list(arguments)
        self.config_path = os.path.join(directory, "verifyd.cf")
        self.child = None
        self.notify = None
        self._starts = 0
        os.makedirs(directory, exist_ok=True)
        os.makedirs(self.settings["data_directory"], exist_ok=True)
        self.write_config()

    def write_config(self, text=None):
        with open(self.config_path, "w", encoding="utf-8") as file:
            file.write(text or "".join(f"{name} = {value}\n" for name, value in self.settings.items()))

    def command(self, *arguments):
        return [self.program, "-c", self.config_path, *self.arguments, *arguments]

    def start(self, listener=None, listener_name="policy"):
        self._starts += 1
        self.notify = NotifySocket(os.path.join(self.directory, f"notify{self._starts}"))
        command = self.command()
        if listener is not None:
            command = [sys.executable, "-c", SOCKET_ACTIVATION, str(listener.fileno()), listener_name, *command]
        self.child = Child(
            "verifyd",
            command,
            os.path.join(self.directory, f"log{self._starts}"),
            env={**os.environ, "NOTIFY_SOCKET": self.notify.path},
            pass_fds=() if listener is None else (listener.fileno(),),
        )
        self.child.wait_until(lambda: self.notify.has_said("READY=1"), 20, "say READY=1")
        return self

    def run(self, *arguments, seconds=20):
        """Runs the program to its end: for --check and the like."""
        return subprocess.run(
            self.command(*arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds
        )

    def ctl(self, *arguments, seconds=60, text=""):
        """Runs verifyctl, with `text` as its standard input."""
        return subprocess.run(
            [self.ctl_program, "-c", self.config_path, *arguments],
            input=text,
            capture_output=True,
            text=True,
            timeout=seconds,
        )

    def policy(self, endpoint=None):
        if endpoint is None:
            host, port = self.settings["policy_listen"].split()[0].removeprefix("inet:").rstrip(",").rsplit(":", 1)
            endpoint = (host, int(port))
        return PolicyClient(endpoint)

    def log(self):
        return self.child.output()

    def wait_for_log(self, text, seconds=5):
        wait_until(lambda: text in self.log(), seconds, f"{text!r} in the log of verifyd")

    def reload(self):
        self.child.signal(signal.SIGHUP)

    def stop(self):
        """Sends SIGTERM. Returns its exit code, or None if it had ended before."""
        if self.child is None:
            return None
        code = self.child.stop()
        self.child = None
        self.notify.close()
        return code

    def kill(self):
        self.child.kill()
        self.child = None
        self.notify.close()
