"""A block of loopback addresses of our own.

Every world takes one /24 below 127.0.0.0/8 and keeps it by holding a socket in it, so that several runs on one machine,
and other programs there, never meet: ports are fixed, addresses are chosen. Connections to the block leave from
127.0.0.1, so no outgoing connection takes a port in it either.
"""

import errno
import random
import socket

DNS_PORT = 5353
SMTP_PORT = 2525
POLICY_PORT = 10090
MILTER_PORT = 10091
LOCK_PORT = 9


class AddressBlock:
    def __init__(self):
        chooser = random.SystemRandom()
        for _ in range(100):
            prefix = f"127.{chooser.randint(16, 250)}.{chooser.randint(1, 254)}"
            lock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                lock.bind((f"{prefix}.254", LOCK_PORT))
            except OSError as error:
                lock.close()
                if error.errno != errno.EADDRINUSE:
                    raise
                continue
            self._lock = lock
            self.prefix = prefix
            return
        raise RuntimeError("no free block of loopback addresses found in 100 tries")

    def address(self, number):
        return f"{self.prefix}.{number}"

    @property
    def network(self):
        return f"{self.prefix}.0/24"

    def close(self):
        self._lock.close()


def free_port():
    """A port of 127.0.0.1 on which no program listens now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as chooser:
        chooser.bind(("127.0.0.1", 0))
        return chooser.getsockname()[1]


def free_ipv6_port():
    """A port of ::1 on which no program listens now."""
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as chooser:
        chooser.bind(("::1", 0))
        return chooser.getsockname()[1]
