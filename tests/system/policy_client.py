"""A client of the policy port that behaves as smtpd does (SMTPD_POLICY_README)."""

import itertools
import time

from door_client import DoorClient

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


class PolicyClient(DoorClient):
    def receive(self):
        """The next action; None if the server has closed."""
        answer = self._receive_until(b"\n\n")
        if answer is None:
            return None
        lines = dict(line.split("=", 1) for line in answer.decode().split("\n"))
        return lines["action"]

    def ask(self, recipient, **attributes):
        """(action, seconds)."""
        start = time.monotonic()
        self.send(request_text(recipient, **attributes))
        return self.receive(), time.monotonic() - start
