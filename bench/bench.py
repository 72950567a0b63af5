"""The base of the programs that print figures: processes of a bench on 127.0.0.1, and the CPU time they use."""

import os
import re
import resource
import shutil
import signal
import socket
import statistics
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
    """CPU time of all its threads that still exist, to the nanosecond."""
    total = 0
    for task in os.listdir(f"/proc/{process.pid}/task"):
        with open(f"/proc/{process.pid}/task/{task}/schedstat", encoding="ascii") as stat:
            total += int(stat.read().split()[0])
    return total / 1e9


def spread(values, digits=0):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def zone_of_own_servers(count):
    """The zone lines of `count` domains below test., each with an MX of its own, on 16 addresses."""
    for number in range(count):
        yield f"d{number} IN MX 10 mx.d{number}"
        yield f"mx.d{number} IN A 127.0.0.{1 + number % 16}"


def settings_for_own_servers(names, target_port):
    """The settings of a verifyd that probes those domains; `names` is their NameServer."""
    return [f"dns_servers = {names.endpoint}", f"smtp_tcp_port = {target_port}", "inet_protocols = ipv4",
            "probe_permit_networks = 127.0.0.0/8"]


class Bench:
    def __init__(self, build, rounds):
        self.build = build
        self.rounds = rounds
        self.folder = tempfile.mkdtemp(prefix="verifyd-figures-")
        self.running = []
        # Each session takes a descriptor of the daemon and one of the target.
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    def tool(self, name):
        return os.path.join(self.build, "bench", name)

    def start(self, *command, port=None, stdout=subprocess.DEVNULL):
        """Starts a process. With `port`, waits until it accepts a connection there."""
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

    def ended(self, process):
        """Waits for its end, which must have exit code 0."""
        if process.wait() != 0:
            raise SystemExit(f"{process.args[0]} ended with {process.returncode}")
        self.running.remove(process)

    def close(self):
        for process in list(self.running):
            self.stop(process)
        shutil.rmtree(self.folder)

    def control_socket(self, port):
        """The control socket of the verifyd that has this policy port."""
        return os.path.join(self.folder, f"control-{port}")

    def load(self, door, endpoint, connections, requests, users, distribution, *pace, wrapper=()):
        """The results of door_load: {"rate": answers a second, "p50_us": ...}; `wrapper`: a command that runs it."""
        numbers = [str(number) for number in (connections, requests, users)]
        command = [self.tool("door_load"), door, str(endpoint), *numbers, distribution, *[str(number) for number in pace]]
        line = subprocess.run([*wrapper, *command], capture_output=True, text=True, check=True).stdout
        return {name: float(value) for name, value in re.findall(r"(\w+)=([\d.]+)", line)}

    def verifyd(self, *settings, cache=None, port=None, wrapper=()):
        port = port or free_port()
        cache = cache or os.path.join(tempfile.mkdtemp(dir=self.folder), "verify_cache")
        lines = [f"policy_listen = inet:127.0.0.1:{port}", f"control_socket = {self.control_socket(port)}",
                 f"address_verify_map = lmdb:{cache}", "verify_domains = bench.test", "myhostname = gw.bench.test",
                 "address_verify_cache_cleanup_interval = 0", "client_new_probe_rate_limit = 0",
                 "message_new_probe_limit = 0", *settings]
        path = os.path.join(self.folder, f"verifyd-{port}.cf")
        with open(path, "w", encoding="ascii") as out:
            out.write("\n".join(lines) + "\n")
        daemon = self.start(*wrapper, os.path.join(self.build, "verifyd", "verifyd"), "-c", path, port=port)
        for _ in range(200):
            if os.path.exists(self.control_socket(port)):
                break
            time.sleep(0.05)
        return daemon, port

    def verifyctl(self, port, *arguments):
        """The command of a verifyctl that speaks to the verifyd with this policy port."""
        return [os.path.join(self.build, "verifyctl", "verifyctl"), "-s", self.control_socket(port), "--json", *arguments]

    def ask_list(self, port, addresses, *options, stdout=subprocess.DEVNULL):
        """A process that asks about all of them, in one stream."""
        path = os.path.join(self.folder, f"asked-{port}")
        with open(path, "w", encoding="ascii") as out:
            out.writelines(address + "\n" for address in addresses)
        with open(path, "rb") as questions:
            asker = subprocess.Popen(self.verifyctl(port, "verify", *options, "-"), stdin=questions, stdout=stdout)
        self.running.append(asker)
        return asker

    def target(self, *options):
        """(smtp_target, its port)"""
        port = free_port()
        return self.start(self.tool("smtp_target"), str(port), *options, port=port, stdout=subprocess.PIPE), port

    def counts(self, target):
        """Ends a target. Returns what it has counted."""
        self.stop(target)
        return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", target.stdout.read().decode())}
