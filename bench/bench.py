"""What the programs that print figures share: processes of a bench on 127.0.0.1, and what they use."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


def cpu_seconds(process):
    """Of all its threads that still are, to the nanosecond."""
    total = 0
    for task in os.listdir(f"/proc/{process.pid}/task"):
        with open(f"/proc/{process.pid}/task/{task}/schedstat", encoding="ascii") as stat:
            total += int(stat.read().split()[0])
    return total / 1e9


class Bench:
    def __init__(self, build, rounds):
        self.build = build
        self.rounds = rounds
        self.folder = tempfile.mkdtemp(prefix="verifyd-figures-")
        self.running = []

    def tool(self, name):
        return os.path.join(self.build, "bench", name)

    def start(self, *command, port=None, stdout=subprocess.DEVNULL):
        """With `port`: connected to once, to see that it listens."""
        process = subprocess.Popen(command, stdout=stdout, stderr=subprocess.DEVNULL)
        self.running.append(process)
        if port:
            wait_for(port)
        return process

    def stop(self, process):
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self.running.remove(process)

    def close(self):
        for process in list(self.running):
            self.stop(process)
        shutil.rmtree(self.folder)

    def control_socket(self, port):
        """Of the verifyd whose policy port this is."""
        return os.path.join(self.folder, f"control-{port}")

    def load(self, door, port, connections, requests, users, distribution):
        """What door_load measures: {"rate": answers a second, "p50_us": ...}."""
        line = subprocess.run([self.tool("door_load"), door, str(port), str(connections), str(requests), str(users),
                               distribution], capture_output=True, text=True, check=True).stdout
        return {name: float(value) for name, value in re.findall(r"(\w+)=([\d.]+)", line)}

    def verifyd(self, *settings, cache=None, port=None):
        port = port or free_port()
        cache = cache or os.path.join(tempfile.mkdtemp(dir=self.folder), "verify_cache")
        lines = [f"policy_listen = inet:127.0.0.1:{port}", f"control_socket = {self.control_socket(port)}",
                 f"address_verify_map = lmdb:{cache}", "verify_domains = bench.test", "myhostname = gw.bench.test",
                 "address_verify_cache_cleanup_interval = 0", "client_new_probe_rate_limit = 0",
                 "message_new_probe_limit = 0", *settings]
        path = os.path.join(self.folder, f"verifyd-{port}.cf")
        with open(path, "w", encoding="ascii") as out:
            out.write("\n".join(lines) + "\n")
        daemon = self.start(os.path.join(self.build, "verifyd", "verifyd"), "-c", path, port=port)
        for _ in range(200):
            if os.path.exists(self.control_socket(port)):
                break
            time.sleep(0.05)
        return daemon, port
