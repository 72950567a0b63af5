"""Imitates a recursive name server: it serves the mail hosts of a few domains with a TTL of one second, and
does not answer for all other names, as if their servers were silent.
"""

import asyncio
import ipaddress
import struct

TYPES = {"A": 1, "MX": 15}


def _wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def _name(message):
    labels, at = [], 12
    while message[at]:
        labels.append(message[at + 1 : at + 1 + message[at]].decode("latin-1").lower())
        at += 1 + message[at]
    return ".".join(labels), at + 1


class SilentNames(asyncio.DatagramProtocol):
    """`mail_hosts`: {domain: address of its mail host}."""

    def __init__(self, loop, address, port, mail_hosts, ttl=1):
        self.endpoint = f"{address}:{port}"
        self.in_vain = 0
        self._ttl = ttl
        self._records = {}
        for domain, host in mail_hosts.items():
            self._records[domain, TYPES["MX"]] = struct.pack("!H", 10) + _wire(f"mx.{domain}")
            self._records[f"mx.{domain}", TYPES["A"]] = ipaddress.ip_address(host).packed
        self._loop = loop
        self._transport = loop.run(self._start(address, port))

    async def _start(self, address, port):
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, local_addr=(address, port)
        )
        return transport

    def datagram_received(self, data, addr):
        name, end = _name(data)
        kind = struct.unpack("!H", data[end : end + 2])[0]
        if not any(known == name for known, _ in self._records):
            self.in_vain += 1
            return
        value = self._records.get((name, kind))
        count = 0 if value is None else 1
        answer = data[:2] + struct.pack("!5H", 0x8180, 1, count, 0, 0) + data[12 : end + 4]
        if value is not None:
            answer += b"\xc0\x0c" + struct.pack("!2HIH", kind, 1, self._ttl, len(value)) + value
        self._transport.sendto(answer, addr)

    def close(self):
        self._loop.run(self._stop())

    async def _stop(self):
        self._transport.close()
