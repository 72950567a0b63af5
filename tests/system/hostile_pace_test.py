"""Words about one recipient, and the server's behaviour when it is asked about, harm no other recipient.

The attacker chooses what a server says about a mailbox (a tenant), or how often it is asked about
unknown ones (a stranger), while clients ask about innocent new users of the server.
"""

import time
import unittest

import postfix
from hostile_world import HostileWorldTestCase
from loopback import SMTP_PORT
from smtp_target import DROP, SILENT, SmtpTarget

ATTACK_SECONDS = 14


class OddTarget(SmtpTarget):
    """A server of several domains: `odd` is its answer to RCPT of a mailbox whose name begins with "odd"."""

    odd = "250 2.1.5 Ok"

    async def _reply(self, writer, stage, text):
        return await super()._reply(writer, stage, self.odd if text == "odd" else text)

    def _rcpt(self, address):
        return "odd" if address.startswith("odd") else super()._rcpt(address)


class HostilePaceTest(HostileWorldTestCase):
    """Two servers with a tenant each: one is found by its MX, the other is the operator's own route."""

    def setUp(self):
        super().setUp()
        self.names("ours IN MX 10 mx.hoster", "tenant IN MX 10 mx.hoster", "mx.hoster IN A {5}")
        self.servers = [OddTarget(self.loop, f"mx{number}.test", self.block.address(number), SMTP_PORT)
                        for number in (5, 6)]
        for server in self.servers:
            self.addCleanup(server.close)
        self.verifyd(**self.routes(routed=6, neighbour=6))

    def attacked(self, odd, burst=4, every=4.0):
        """Sends bursts of questions about odd mailboxes of the tenants, without waiting for the answers."""
        for server in self.servers:
            server.odd = odd
        innocents = [self.innocents(domain, rate=3) for domain in ("ours.test", "routed.test")]
        end = time.monotonic() + ATTACK_SECONDS
        number = 0
        while time.monotonic() < end:
            for _ in range(burst):
                self.later(f"odd{number}@tenant.test")
                self.later(f"odd{number}@neighbour.test")
                number += 1
            time.sleep(every)
        for group in innocents:
            self.assertUnharmed(group)

    def test_a_tenants_block_is_his_mailboxes_own(self):
        self.attacked("550 5.7.1 Service unavailable; blocked using zen.spamhaus.org")

    def test_a_tenants_421_ends_a_session_and_nothing_else(self):
        self.attacked("421 4.7.0 Try again later")

    def test_a_tenants_rate_limit_slows_nobody_else_down(self):
        self.attacked("450 4.7.1 Too many connections, slow down")

    def test_a_hang_up_at_a_tenants_mailbox_is_his_own(self):
        self.attacked(DROP)

    def test_garbage_about_a_tenants_mailbox_is_his_own(self):
        self.attacked("what do you want?")

    def test_silence_about_a_tenants_mailbox_keeps_nobody_waiting(self):
        self.attacked(SILENT)


class HostileErrorLimitTest(HostileWorldTestCase):
    """An unmodified Postfix that closes a session after one unknown recipient, as by its defaults under stress."""

    def test_each_unknown_recipient_ends_its_session_and_nothing_else(self):
        users = [f"user{number}" for number in range(200)]
        self.names("ours IN MX 10 mx.ours", "mx.ours IN A {5}")
        server = postfix.recipient_table_target(
            f"{self.folder}/backend", self.block.address(5), SMTP_PORT, "ours.test", users,
            smtpd_hard_error_limit="1", max_use="100")
        self.addCleanup(server.close)
        self.verifyd(relay_domains="ours.test", **self.routes(ours=5))
        self.assertEqual(self.ask("user199@ours.test"), "DUNNO")
        innocents = self.innocents("ours.test", rate=3)
        end = time.monotonic() + ATTACK_SECONDS
        number = 0
        while time.monotonic() < end:
            self.later(f"nobody{number}@ours.test")
            number += 1
            time.sleep(0.5)
        self.assertUnharmed(innocents)
        self.assertTrue(self.ask("nobody@ours.test").startswith("550"))
        # No effect of it outlasts the attack, or a restart.
        self.daemon.stop()
        self.daemon.start()
        self.assertEqual(self.ask("user198@ours.test"), "DUNNO")


if __name__ == "__main__":
    unittest.main()
