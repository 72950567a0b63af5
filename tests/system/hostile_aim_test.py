"""A hostile zone aims us: it takes all sessions, leads us to somebody else's server, or has the name of ours."""

import asyncio
import json
import time
import unittest

from hostile_world import HostileWorldTestCase, ask
from loopback import SMTP_PORT, AddressBlock
from smtp_target import SILENT, SmtpTarget


class HostileAimTestCase(HostileWorldTestCase):
    def evil_names(self, count, address):
        """A zone of `count` domains, each with an exchange of its own."""
        lines = []
        for number in range(count):
            lines.append(f"n{number}.evil IN MX 10 mx.n{number}.evil")
            lines.append(f"mx.n{number}.evil IN A {address(number)}")
        return lines

    def begin_to_ask_evil(self, count):
        """Many clients ask, each about a domain of its own; the test does not wait for their answers."""

        async def begin():
            for number in range(count):
                task = asyncio.get_running_loop().create_task(ask(self.endpoint, f"joe@n{number}.evil.test"))
                tasks.append(task)

        async def end():
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        tasks = []
        self.loop.run(begin())
        self.addCleanup(lambda: self.loop.run(end()))


class HostileSlotsTest(HostileAimTestCase):
    """Servers that accept and stay silent hold a session for five minutes."""

    NAMES = 400

    def test_a_wildcard_zone_leaves_sessions_for_others(self):
        self.names(
            "good IN MX 10 mx.good",
            "mx.good IN A {4}",
            *self.evil_names(self.NAMES, lambda number: self.block.address(10 + number % 200)),
        )
        self.server(4, "mx.good.test")
        self.server(5, "mx.ours.test")
        silent = [self.server(10 + number, "mx.evil.test", replies={"banner": SILENT}) for number in range(200)]
        # The limits by address are not tested here.
        self.verifyd(
            probe_session_limit="200",
            probe_public_concurrency_limit="300",
            probe_public_session_rate="0",
            **self.routes(ours=5),
        )
        self.begin_to_ask_evil(self.NAMES)
        time.sleep(3)
        own = self.innocents("ours.test", rate=4)
        others = self.innocents("good.test", rate=4)
        time.sleep(15)
        self.assertUnharmed(own)
        self.assertUnharmed(others)
        held = sum(target.most_sessions for target in silent)
        self.assertLessEqual(held, 100)
        self.assertGreater(held, 50, "with room to spare nobody is cut short")


class ReflectorTest(HostileAimTestCase):
    """The victim's server is not ours, and has not asked for our probes."""

    NAMES = 250

    def setUp(self):
        super().setUp()
        self.elsewhere = AddressBlock()
        self.addCleanup(self.elsewhere.close)
        self.names(
            "good IN MX 10 mx.good",
            "mx.good IN A {4}",
            *self.evil_names(self.NAMES, lambda number: self.elsewhere.address(2)),
        )
        self.server(4, "mx.good.test")

    def victim(self, **manner):
        victim = SmtpTarget(self.loop, "mx.victim.test", self.elsewhere.address(2), SMTP_PORT, **manner)
        self.addCleanup(victim.close)
        self.verifyd(probe_permit_networks=f"{self.block.network} {self.elsewhere.network}")
        return victim

    def test_many_names_are_one_visitor_at_once(self):
        victim = self.victim(replies={"banner": SILENT})
        innocents = self.innocents("good.test", rate=4)
        self.begin_to_ask_evil(self.NAMES)
        time.sleep(12)
        self.assertUnharmed(innocents)
        self.assertLessEqual(victim.most_sessions, 5)
        self.assertGreater(victim.most_sessions, 0)

    def test_many_names_are_one_visitor_by_the_second(self):
        victim = self.victim()
        innocents = self.innocents("good.test", rate=4)
        begin = time.monotonic()
        self.begin_to_ask_evil(self.NAMES)
        time.sleep(10)
        sessions, seconds = victim.sessions, time.monotonic() - begin
        self.assertUnharmed(innocents)
        self.assertLessEqual(sessions, 5 * (seconds + 2))
        self.assertGreater(sessions, 5)


class HostileNamesCollideTest(HostileAimTestCase):
    def setUp(self):
        super().setUp()
        self.names(
            "isp IN MX 0 isp",
            "isp IN A {5}",
            "evil IN MX 0 isp",
        )
        self.server(5, "isp.test")

    def start(self):
        return self.verifyd(
            address_verify_transport_maps="inline:{ {ours.test = smtp:isp.test} }", smtp_tcp_port=str(SMTP_PORT)
        )

    def test_what_is_said_of_a_public_server_is_not_said_of_the_operators_route_of_that_name(self):
        verifyd = self.start()
        self.assertEqual(self.ask("joe@evil.test").upper()[:5], "DUNNO")
        self.assertEqual(self.ask("joe@ours.test").upper()[:5], "DUNNO")
        names = {shown["destination"] for shown in json.loads(verifyd.ctl("--json", "destinations").stdout)["destinations"]}
        self.assertLessEqual({"isp.test", "smtp:isp.test"}, names)
        verifyd.ctl("hold", "isp.test")
        self.assertIn("on hold", self.ask("jane@evil.test"))
        innocents = self.innocents("ours.test", rate=10)
        time.sleep(2)
        self.assertUnharmed(innocents)
        verifyd.ctl("hold", "smtp:isp.test")
        self.assertIn("on hold", self.ask("jim@ours.test"))


if __name__ == "__main__":
    unittest.main()
