"""Clients of the doors for look-ups: socketmap, tcp_table, and lines."""

import urllib.parse

from door_client import DoorClient

SOCKETMAP_PORT = 10092
TCP_TABLE_PORT = 10093
LINE_PORT = 10095


def lookup_settings(world):
    """Settings that open these doors."""
    address = world.block.address(1)
    return {
        "socketmap_listen": f"inet:{address}:{SOCKETMAP_PORT}",
        "tcp_table_listen": f"inet:{address}:{TCP_TABLE_PORT}",
        "line_listen": f"inet:{address}:{LINE_PORT}",
    }


class SocketmapClient(DoorClient):
    """A client of one map."""

    def __init__(self, endpoint, name="verify"):
        super().__init__(endpoint)
        self.name = name

    def ask(self, key):
        request = f"{self.name} {key}".encode()
        self.send(b"%d:%s," % (len(request), request))
        return self.receive()

    def receive(self):
        length = self._receive_until(b":")
        if length is None:
            return None
        text, comma = self._receive(int(length)), self._receive(1)
        assert comma == b",", comma
        return text.decode()


class TcpTableClient(DoorClient):
    def ask(self, key):
        self.send(f"get {urllib.parse.quote(key)}\n".encode())
        return urllib.parse.unquote(self._receive_until(b"\n").decode())


class LineClient(DoorClient):
    def ask(self, address):
        self.send(f"rcpt {address}\n".encode())
        return self.receive()

    def receive(self):
        line = self._receive_until(b"\n")
        return line if line is None else line.decode()
