"""The base of the clients of all doors: a connection, and the bytes that have come on it."""

import socket


class DoorClient:
    def __init__(self, endpoint, seconds=30):
        """`endpoint`: the path of a UNIX socket, or a pair of an address and a port."""
        self.socket = socket.socket(socket.AF_UNIX if isinstance(endpoint, str) else socket.AF_INET)
        self.socket.settimeout(seconds)
        self.socket.connect(endpoint)
        self._buffer = b""

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def _more(self):
        """Waits for bytes. Returns False if the server has closed."""
        try:
            more = self.socket.recv(65536)
        except ConnectionResetError:
            return False
        self._buffer += more
        return more != b""

    def _receive_until(self, end):
        """The bytes before `end`; None if the server has closed."""
        while end not in self._buffer:
            if not self._more():
                return None
        part, _, self._buffer = self._buffer.partition(end)
        return part

    def _receive(self, count):
        """`count` bytes; None if the server has closed."""
        while len(self._buffer) < count:
            if not self._more():
                return None
        part, self._buffer = self._buffer[:count], self._buffer[count:]
        return part

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
