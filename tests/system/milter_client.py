"""A client of the milter door that behaves as Postfix does (its milter8.c)."""

import struct

from door_client import DoorClient

# Version 6, with all actions and steps that Postfix 3.7 offers.
OFFER = struct.pack(">III", 6, 0x1FF, 0x1FFFFF)
CLIENT = b"client.test\x004" + struct.pack(">H", 41234) + b"192.0.2.7\0"


def packet(command, data=b""):
    return struct.pack(">I", len(data) + 1) + command + data


class MilterClient(DoorClient):
    """A session with a client in which a sender has been named. The first answer is about a recipient, because verifyd
    negotiates that it answers no earlier step."""

    def __init__(self, endpoint, seconds=30):
        super().__init__(endpoint, seconds)
        self.send(packet(b"O", OFFER))
        command, _ = self.receive()
        assert command == b"O", command
        self.send(packet(b"D", b"Cv\0Postfix 3.7.11\0") + packet(b"C", CLIENT) + packet(b"H", b"client.test\0"))
        self.send(packet(b"M", b"<someone@client.test>\0"))

    def receive(self):
        """A letter, and its data."""
        (length,) = struct.unpack(">I", self._receive(4))
        whole = self._receive(length)
        return whole[:1], whole[1:]

    def ask(self, recipient):
        """Returns "continue", or the reply to the SMTP client."""
        self.send(packet(b"R", b"<%s>\0" % recipient.encode()))
        while (answer := self.receive())[0] == b"p":
            pass
        command, data = answer
        return "continue" if command == b"c" else data.rstrip(b"\0").decode().replace("%%", "%")
