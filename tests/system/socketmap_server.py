"""A server of socketmap_table(5) on a thread of its own, for tables of the test."""

import socketserver
import threading


class SocketmapServer:
    """`tables`: {name: {key: value}}. `asked`: the keys that were looked up, in order."""

    def __init__(self, address, port, tables):
        self.endpoint = f"{address}:{port}"
        self.asked = []
        server = self

        class Connection(socketserver.StreamRequestHandler):
            def handle(self):
                while length := self._length():
                    request = self.rfile.read(length).decode()
                    self.rfile.read(1)  # the comma
                    name, _, key = request.partition(" ")
                    server.asked.append(key)
                    value = tables.get(name, {}).get(key)
                    answer = "NOTFOUND " if value is None else f"OK {value}"
                    self.wfile.write(f"{len(answer)}:{answer},".encode())

            def _length(self):
                digits = b""
                while (byte := self.rfile.read(1)) not in (b"", b":"):
                    digits += byte
                return int(digits or 0)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server((address, port), Connection)
        threading.Thread(target=self._server.serve_forever, name="socketmap", daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
