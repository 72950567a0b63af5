"""A client of verify(8)'s socket that behaves as smtpd(8) does (verify_clnt.c)."""

import re
import time

from door_client import DoorClient

GREETING = b"protocol\0address_verification_prrotocol\0\0"


def query(address):
    return b"request\0query\0address\0" + address.encode() + b"\0\0"


def update(address, status, reason):
    return (
        b"request\0update\0address\0" + address.encode() + b"\0recipient_status\0" + str(status).encode() + b"\0reason\0"
        + reason.encode() + b"\0\0"
    )


class VerifyClient(DoorClient):
    def __init__(self, path, greeted=True, seconds=30):
        super().__init__(path, seconds)
        self.greeting = self._list() if greeted else b""

    def _list(self):
        """The bytes of the next list; None if the server has closed."""
        while not (whole := re.match(rb"(?:[^\0]+\0[^\0]*\0)*\0", self._buffer)):
            if not self._more():
                return None
        self._buffer = self._buffer[whole.end():]
        return whole.group()

    def receive(self):
        """{name: value}; None if the server has closed."""
        answer = self._list()
        if answer is None:
            return None
        texts = answer[:-1].decode().split("\0")[:-1]
        return dict(zip(texts[::2], texts[1::2]))

    def ask(self, address):
        """(recipient_status, reason, seconds)."""
        start = time.monotonic()
        self.send(query(address))
        answer = self.receive()
        assert answer["status"] == "0", answer
        return int(answer["recipient_status"]), answer["reason"], time.monotonic() - start
