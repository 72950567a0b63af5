"""Clients of the doors for look-ups: socketmap, tcp_table, and lines."""

import socket
import urllib.parse

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


class LookupClient:
    def __init__(self, endpoint, seconds=30):
        self.socket = socket.create_connection(endpoint, timeout=seconds)
        self._buffer = b""

    def send(self, data):
        self.socket.sendall(data)

    def _receive_until(self, end):
        """What comes before `end`; None when the server has closed."""
        while end not in self._buffer:
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                return None
            self._buffer += more
        part, _, self._buffer = self._buffer.partition(end)
        return part

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


class SocketmapClient(LookupClient):
    """Of one map."""

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
        while len(self._buffer) < int(length) + 1:
            self._buffer += self.socket.recv(65536)
        text, comma = self._buffer[: int(length)], self._buffer[int(length) : int(length) + 1]
        assert comma == b",", self._buffer
        self._buffer = self._buffer[int(length) + 1 :]
        return text.decode()


class TcpTableClient(LookupClient):
    def ask(self, key):
        self.send(f"get {urllib.parse.quote(key)}\n".encode())
        return urllib.parse.unquote(self._receive_until(b"\n").decode())


class LineClient(LookupClient):
    def ask(self, address):
        self.send(f"rcpt {address}\n".encode())
        return self.receive()

    def receive(self):
        line = self._receive_until(b"\n")
        return line if line is None else line.decode()
