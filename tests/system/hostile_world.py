"""The base of the tests of a hostile world: a world of their own, and innocent users who are asked about meanwhile.

The figure of each test is the share of innocent new real users who were deferred, or judged wrongly, during the attack.
"""

import asyncio
import itertools
import os
import shutil
import tempfile
import time
import unittest

import daemon
from loopback import POLICY_PORT, SMTP_PORT, AddressBlock
from name_server import NameServer
from policy_client import request_text
from smtp_target import SmtpTarget, TargetLoop

_clients = itertools.count()


def client_address():
    """Another address each time, so that no budget of a client is used up."""
    number = next(_clients)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


class Innocents:
    """New real users of `domain`, `rate` a second, each asked about once by a client that waits for the answer.

    `answers` are (seconds since the start, address, action); `put_off` and `refused` are parts of them.
    """

    def __init__(self, loop, endpoint, domain, rate=2, name="user", attributes=None):
        self.answers = []
        self._loop = loop
        self._endpoint = endpoint
        self._domain = domain
        self._pause = 1 / rate
        self._name = name
        self._attributes = attributes or {}
        self._asking = set()
        self._begin = time.monotonic()
        self._task = loop.run(self._start())

    async def _start(self):
        return asyncio.get_running_loop().create_task(self._ask_on())

    async def _ask_on(self):
        for number in itertools.count():
            task = asyncio.get_running_loop().create_task(self._ask(f"{self._name}{number}@{self._domain}"))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
            await asyncio.sleep(self._pause)

    async def _ask(self, address):
        action = await ask(self._endpoint, address, **self._attributes)
        self.answers.append((time.monotonic() - self._begin, address, action))

    def stop(self):
        """Asks about no new users, and waits for the answers that are still to come."""
        self._loop.run(self._stop())
        return self

    async def _stop(self):
        self._task.cancel()
        await asyncio.gather(*self._asking)

    def since(self, seconds):
        """The answers that came at least `seconds` after the start."""
        return [answer for answer in self.answers if answer[0] >= seconds]

    @property
    def put_off(self):
        return [answer for answer in self.answers if answer[2].startswith("450") or "defer" in answer[2].lower()]

    @property
    def refused(self):
        return [answer for answer in self.answers if answer[2].startswith("5")]

    def __str__(self):
        return f"{len(self.put_off)} put off, {len(self.refused)} refused of {len(self.answers)} in {self._domain}"


async def ask(endpoint, recipient, **attributes):
    """The action, as a policy client of its own is told."""
    attributes.setdefault("client_address", client_address())
    reader, writer = await asyncio.open_connection(*endpoint)
    try:
        writer.write(request_text(recipient, **attributes).encode())
        answer = await asyncio.wait_for(reader.readuntil(b"\n\n"), 60)
    finally:
        writer.transport.abort()
    return answer.decode().split("action=", 1)[1].split("\n", 1)[0]


class HostileWorldTestCase(unittest.TestCase):
    """Each test has its own addresses, names, scripted servers and daemon; all are gone at its end."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="verifyd-hostile-")
        os.chmod(self.folder, 0o755)
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.block = AddressBlock()
        self.addCleanup(self.block.close)
        self.loop = TargetLoop()
        self.addCleanup(self.loop.close)

    def names(self, *lines):
        """A name server with these lines of the zone test.; "{2}" is the address of that number."""
        zone = []
        for line in lines:
            head, brace, number = line.partition("{")
            zone.append(head + self.block.address(int(number.rstrip("}"))) if brace else line)
        self.name_server = NameServer(os.path.join(self.folder, "names"), self.block.address(1), zone)
        self.addCleanup(self.name_server.close)
        return self.name_server

    def server(self, number, name, **manner):
        """A scripted mail server at the address of this number."""
        target = SmtpTarget(self.loop, name, self.block.address(number), SMTP_PORT, **manner)
        self.addCleanup(target.close)
        return target

    def verifyd(self, **settings):
        """A started daemon at the policy port of address 3; behind `names`."""
        folder = os.path.join(self.folder, "verifyd")
        self.daemon = daemon.Verifyd(
            os.path.abspath(os.environ["VERIFYD_BUILD"]),
            folder,
            {
                "policy_listen": f"inet:{self.block.address(3)}:{POLICY_PORT}",
                "control_socket": os.path.join(folder, "control"),
                "data_directory": os.path.join(folder, "data"),
                "dns_servers": self.name_server.endpoint,
                "smtp_tcp_port": str(SMTP_PORT),
                "myhostname": "gateway.test",
                "verify_domains": "*",
                "probe_permit_networks": self.block.network,
                "unverified_recipient_reject_code": "550",
                "unverified_sender_reject_code": "550",
                "disclose_probe_details": "yes",
                **settings,
            },
        ).start()
        self.addCleanup(self.daemon.stop)
        return self.daemon

    def routes(self, **routes):
        """The setting for routes of the operator; domain (its label below test.) = number of an address."""
        path = os.path.join(self.folder, "transport")
        with open(path, "w", encoding="ascii") as file:
            for label, number in routes.items():
                file.write(f"{label}.test smtp:[{self.block.address(number)}]:{SMTP_PORT}\n")
        return {"address_verify_transport_maps": f"texthash:{path}"}

    @property
    def endpoint(self):
        return self.block.address(3), POLICY_PORT

    def innocents(self, domain, **how):
        """Innocents of `domain`, who are asked about from now on."""
        innocents = Innocents(self.loop, self.endpoint, domain, **how)
        self.addCleanup(innocents.stop)
        return innocents

    def ask(self, recipient, **attributes):
        return self.loop.run(ask(self.endpoint, recipient, **attributes))

    def later(self, recipient, **attributes):
        """Asks about `recipient`, without waiting for the answer."""

        async def start():
            task = asyncio.get_running_loop().create_task(ask(self.endpoint, recipient, **attributes))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())

        self.loop.run(start())

    def ask_all(self, recipients, **attributes):
        """Asks about all at once. Returns the actions in their order."""

        async def gather():
            return await asyncio.gather(*[ask(self.endpoint, recipient, **attributes) for recipient in recipients])

        return self.loop.run(gather(), 55)

    def assertUnharmed(self, innocents, share=0.01):
        """None is judged wrongly, and hardly any is deferred."""
        innocents.stop()
        self.assertGreater(len(innocents.answers), 0)
        self.assertEqual(innocents.refused, [])
        self.assertLessEqual(len(innocents.put_off), share * len(innocents.answers), f"{innocents}: {innocents.put_off[:3]}")
