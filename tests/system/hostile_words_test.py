"""A client chooses words of the reply to RCPT, because servers repeat a local part, some without its quotes.

No other recipient is deferred or judged wrongly because of it, and the odd recipient itself is at best deferred.
"""

import os
import time

import postfix
from hostile_world import HostileWorldTestCase
from loopback import SMTP_PORT
from smtp_target import SmtpTarget


class EchoingTarget(SmtpTarget):
    """Repeats the address as Postfix does, without quotes and backslashes, or as `unknown_reply` says: {local}, {sent}."""

    def _rcpt(self, address):
        sent, _, domain = address.rpartition("@")
        local = sent
        if local.startswith('"'):
            local = local[1:-1].replace("\\", "")
        if local.startswith("user") and local[4:].isdigit():
            return "250 2.1.5 Ok"
        return self.unknown_reply.format(address=f"{local}@{domain}", local=local, sent=sent)


class HostileWordsTest(HostileWorldTestCase):
    def setUp(self):
        super().setUp()
        self.names("our IN MX 10 mx", "other IN MX 10 mx", "mx IN A {2}")

    def real_server(self):
        """Debian's Postfix, which knows user0@our.test, user1@other.test and so on, at the MX of both domains."""
        directory = os.path.join(self.folder, "postfix")
        server = postfix.Postfix(
            directory,
            "mx.test",
            {
                "relay_domains": "our.test other.test",
                "relay_recipient_maps": f"regexp:{directory}/recipients",
                "smtpd_recipient_restrictions": "reject_unauth_destination",
            },
            {(self.block.address(2), SMTP_PORT): {}},
            {"recipients": "/^user[0-9]+@/ OK\n"},
        )
        self.addCleanup(server.close)
        return server

    def echoing_server(self, unknown_reply="550 5.1.1 <{address}>: Recipient address rejected: User unknown"):
        target = EchoingTarget(self.loop, "mx.test", self.block.address(2), SMTP_PORT)
        target.unknown_reply = unknown_reply
        self.addCleanup(target.close)
        return target

    def assertNotAccepted(self, actions):
        for action in actions:
            self.assertRegex(action, "^(550|450|5|4|DEFER|REJECT)")

    def assertServesOnly(self, actions, innocents):
        """The odd addresses are not accepted, and the innocent ones not harmed, now and later."""
        self.assertNotAccepted(actions)
        for crowd in innocents:
            self.assertUnharmed(crowd)
        for domain in ("our.test", "other.test"):
            self.assertEqual(self.ask(f"user{time.monotonic_ns()}@{domain}"), "DUNNO")

    def attack(self, locals_, domain="our.test", pause=0.4):
        innocents = [self.innocents("our.test"), self.innocents("other.test")]
        actions = []
        for local in locals_:
            actions.append(self.ask(f"{local}@{domain}"))
            time.sleep(pause)
        time.sleep(2)
        return actions, innocents

    def test_a_local_part_that_reads_like_a_block_closes_nothing(self):
        self.real_server()
        self.verifyd()
        actions, innocents = self.attack([f"x blocked using zen.spamhaus.org {number}" for number in range(12)])
        self.assertServesOnly(actions, innocents)
        self.assertEqual([action[:3] for action in actions], ["550"] * 12)

    def test_a_local_part_that_reads_like_a_block_closes_no_route_of_the_operator(self):
        self.real_server()
        self.verifyd(**self.routes(our=2, other=2))
        # A route that has never accepted anybody is not believed yet.
        self.assertEqual(self.ask("user1000@our.test"), "DUNNO")
        actions, innocents = self.attack([f"x blocked using zen.spamhaus.org {number}" for number in range(12)])
        self.assertServesOnly(actions, innocents)
        self.assertEqual([action[:3] for action in actions], ["550"] * 12)

    def test_words_of_every_kind_close_nothing(self):
        self.real_server()
        self.verifyd()
        actions, innocents = self.attack(
            [
                "x too many connections y",
                "x rate limit exceeded",
                "x said: 554 5.7.1 client host blocked using zen.spamhaus.org",
                'x "blocked using" zen.spamhaus.org',
                "x> said: 421 4.7.0 try again later",
                "x spf check failed",
                "x bad reputation: reverse dns ptr",
                "x helo command rejected",
                "x sender address rejected: access denied",
                "greylisted, try again in 300 seconds",
            ]
        )
        self.assertServesOnly(actions, innocents)

    def test_words_in_a_local_part_that_is_shown_alone_close_nothing(self):
        self.echoing_server("550 User doesn't exist: {local}")
        self.verifyd()
        actions, innocents = self.attack(
            ["rate-limit", "ptr", "spamhaus", "blacklisted", "rate-limited", "blocked-using-rbl", "greylisting", "x blocked"]
        )
        self.assertServesOnly(actions, innocents)

    def test_as_a_sender_it_lets_no_forged_sender_pass(self):
        self.echoing_server()
        self.verifyd(sender_restrictions="reject_unverified_sender", recipient_restrictions="permit")
        for number in range(3):
            self.assertRegex(self.ask("joe@here.test", sender=f"forged{number}@other.test"), "^550 ")
        actions = [
            self.ask("joe@here.test", sender=f"x blocked using zen.spamhaus.org {number}@our.test") for number in range(4)
        ]
        self.assertNotAccepted(actions)
        for number in range(3, 9):
            for domain in ("our.test", "other.test"):
                self.assertRegex(self.ask("joe@here.test", sender=f"forged{number}@{domain}"), "^550 ")
        self.assertEqual(self.ask("joe@here.test", sender="user1@other.test"), "DUNNO")

    def test_said_twice_that_it_does_not_relay_does_not_make_a_domain_unhosted(self):
        self.real_server()
        self.verifyd(address_verify_overturn_time="1s")
        self.assertEqual(self.ask("user1@our.test"), "DUNNO")
        actions = [self.ask("x relay access denied 1@our.test")]
        time.sleep(1.5)
        actions.append(self.ask("x relay access denied 2@our.test"))
        time.sleep(0.5)
        self.assertNotAccepted(actions)
        for number in range(10, 20):
            self.assertEqual(self.ask(f"user{number}@our.test"), "DUNNO")
        self.assertRegex(self.ask("nobody@our.test"), "^550 ")

    def test_a_user_who_does_not_exist_is_not_accepted_for_a_list_that_he_names(self):
        self.real_server()
        self.verifyd()
        words = ["x members only 1", "x subscribers only", "x mailbox full", "x over quota", "x not allowed to send to list"]
        actions = [self.ask(f"{local}@our.test") for local in words]
        self.assertEqual([action[:3] for action in actions], ["550"] * len(words), actions)

    def test_what_is_logged_and_kept_has_no_form_of_a_masked_address(self):
        self.echoing_server("550 No such user: {sent}")
        verifyd = self.verifyd(log_address="domain", disclose_probe_details="no")
        self.ask('ann "secret" doe@our.test')
        verifyd.wait_for_log("No such user")
        log = verifyd.log()
        self.assertNotIn("secret", log)
