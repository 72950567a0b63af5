"""A client of the policy port, as smtpd is one (SMTPD_POLICY_README)."""

import itertools
import socket
import time

_messages = itertools.count()


def request_text(recipient, sender="someone@client.test", **attributes):
    values = {
        "request": "smtpd_access_policy",
        "protocol_state": "RCPT",
        "protocol_name": "ESMTP",
        "client_address": "127.0.0.1",
        "client_name": "unknown",
        "helo_name": "client.test",
        "sender": sender,
        "recipient": recipient,
        "recipient_count": "0",
        "queue_id": "",
        "instance": f"123.456.{next(_messages):x}.0",
        "size": "0",
        "stress": "",
    }
    values.update(attributes)
    return "".join(f"{name}={value}\n" for name, value in values.items()) + "\n"


class PolicyClient:
    def __init__(self, endpoint, seconds=30):
        if isinstance(endpoint, str):
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        else:
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.settimeout(seconds)
        self.socket.connect(endpoint)
        self._buffer = b""

    def send(self, text):
        self.socket.sendall(text.encode() if isinstance(text, str) else text)

    def receive(self):
        """The next action; None when the server has closed."""
        while b"\n\n" not in self._buffer:
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                return None
            self._buffer += more
        answer, self._buffer = self._buffer.split(b"\n\n", 1)
        lines = dict(line.split("=", 1) for line in answer.decode().split("\n"))
        return lines["action"]

    def ask(self, recipient, **attributes):
        """(action, seconds)."""
        start = time.monotonic()
        self.send(request_text(recipient, **attributes))
        return self.receive(), time.monotonic() - start

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
