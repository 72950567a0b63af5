"""A real name server (nsd) that serves the zone test. on loopback, on a port of its own and, for programs that use no
other port, on 53.

Names it does not know under test., invalid. and 127.in-addr.arpa. do not exist (NXDOMAIN), names of another top-level
domain are REFUSED, and the zones in `broken_zones` are configured without a zone file, which nsd answers with SERVFAIL.
"""

import os
import struct
import socket

from child import Child
from loopback import DNS_PORT

ZONE_HEAD = """$ORIGIN {name}.
$TTL 60
@ IN SOA ns.test. hostmaster.test. 1 3600 600 86400 60
@ IN NS ns.test.
"""


class NameServer:
    """`zone_lines` are for test., `reverse_lines` for 127.in-addr.arpa."""

    def __init__(self, directory, address, zone_lines, reverse_lines=(), broken_zones=()):
        self.address = address
        self.port = DNS_PORT
        self._directory = directory
        os.makedirs(directory)
        self._zones = []
        self._write_zone("test", [f"ns IN A {address}", *zone_lines])
        self._write_zone("127.in-addr.arpa", reverse_lines)
        self._write_zone("invalid", ())
        config = os.path.join(directory, "nsd.conf")
        with open(config, "w", encoding="ascii") as file:
            file.write(self._config(broken_zones))
        self._child = Child("nsd", ["/usr/sbin/nsd", "-d", "-c", config], os.path.join(directory, "output"))
        self._child.wait_until(self._answers, 10, "answer a question")

    def _write_zone(self, name, lines):
        self._zones.append(name)
        with open(os.path.join(self._directory, f"{name}.zone"), "w", encoding="ascii") as zone:
            zone.write(ZONE_HEAD.format(name=name))
            zone.writelines(line + "\n" for line in lines)

    @property
    def endpoint(self):
        return f"{self.address}:{self.port}"

    def _config(self, broken_zones):
        files = {**{name: f"{name}.zone" for name in self._zones}, **{name: f"{name}.absent" for name in broken_zones}}
        zones = "".join(f'zone:\n  name: "{name}"\n  zonefile: "{file}"\n' for name, file in files.items())
        return f"""server:
  ip-address: {self.address}@{self.port}
  ip-address: {self.address}@53
  server-count: 1
  username: ""
  database: ""
  pidfile: ""
  zonesdir: "{self._directory}"
  zonelistfile: "{self._directory}/zone.list"
  xfrdfile: "{self._directory}/xfrd.state"
  xfrdir: "{self._directory}"
  cookie-secret-file: ""
  rrl-ratelimit: 0
remote-control:
  control-enable: no
{zones}"""

    def _answers(self):
        question = struct.pack("!6H", 1, 0x100, 1, 0, 0, 0) + b"\x04test\x00" + struct.pack("!2H", 6, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(0.2)
            try:
                client.connect((self.address, self.port))
                client.send(question)
                return len(client.recv(512)) > 12
            except OSError:
                return False

    def close(self):
        self._child.stop()
