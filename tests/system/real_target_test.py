"""Real mail servers of several makes as targets: the habits of each must lead to the right verdict."""

import socket
import time

from child import wait_until
from mail_world import GREYLIST_SECONDS
from postfix import GREET_SECONDS
from world_test_case import WorldTestCase

DELIVERABLE, UNDELIVERABLE, RISKY, UNKNOWN = 0, 1, 3, 75
DEFER = "DEFER_IF_PERMIT 4.1.1 unverified address: "


class TargetTestCase(WorldTestCase):
    def assert_verified(self, verifyd, address, code, *words):
        """Checks the exit code of `verifyctl verify --trace`, and words that its output must have. Returns the output."""
        result = verifyd.ctl("verify", "--trace", address)
        self.assertEqual(result.returncode, code, f"{result.stdout}{result.stderr}")
        for word in words:
            self.assertIn(word, result.stdout)
        return result.stdout

    def assert_knows_its_users(self, verifyd, known, unknown, refusal):
        self.assert_verified(verifyd, known, DELIVERABLE)
        self.assert_verified(verifyd, unknown, UNDELIVERABLE, "no_such_user", refusal)
        self.assertEqual(self.ask(verifyd, known), "DUNNO")
        self.assertTrue(self.ask(verifyd, unknown).startswith("550 5.1.1 undeliverable address: host "))


class EximTest(TargetTestCase):
    def test_exim_is_asked_about_its_recipient_list(self):
        self.world.exim
        verifyd = self.started(unverified_recipient_reject_code=550)
        self.assert_knows_its_users(verifyd, "erin@exim.test", "nobody@exim.test", "550 Unrouteable address")

    def test_exim_that_does_not_relay_says_nothing_about_the_user(self):
        self.world.exim
        verifyd = self.routed(f"elsewhere.test smtp:[{self.world.exim.address}]:{self.world.smtp_port}")
        self.assert_verified(verifyd, "erin@elsewhere.test", UNKNOWN, "relay_denied", "550 relay not permitted")


class DovecotTest(TargetTestCase):
    REFUSAL = "550 5.1.1 <nobody@dovecot.test> User doesn't exist: nobody@dovecot.test"

    def test_lmtp_over_tcp(self):
        server = self.world.dovecot
        verifyd = self.routed(
            f"dovecot.test lmtp:inet:{server.address}:{server.port}", unverified_recipient_reject_code=550
        )
        self.assert_knows_its_users(verifyd, "grace@dovecot.test", "nobody@dovecot.test", self.REFUSAL)

    def test_lmtp_over_a_unix_socket(self):
        server = self.world.dovecot
        verifyd = self.routed(f"dovecot.test lmtp:unix:{server.unix_socket}", unverified_recipient_reject_code=550)
        self.assert_knows_its_users(verifyd, "grace@dovecot.test", "nobody@dovecot.test", self.REFUSAL)
        self.assert_verified(verifyd, "judy@dovecot.test", DELIVERABLE, "LHLO gateway.test")

    def test_a_unix_socket_that_is_not_there_says_nothing_about_the_user(self):
        verifyd = self.routed(f"dovecot.test lmtp:unix:{self.world.directory}/absent")
        self.assert_verified(verifyd, "grace@dovecot.test", UNKNOWN, "connect_", "No such file or directory")


class TlsRequiredTest(TargetTestCase):
    def test_with_tls_its_users_are_known(self):
        self.world.tempers
        verifyd = self.started(smtp_tls_security_level="may", unverified_recipient_reject_code=550)
        refusal = "550 5.1.1 <nobody@encrypt.test>"
        self.assert_knows_its_users(verifyd, "ivan@encrypt.test", "nobody@encrypt.test", refusal)
        self.assert_verified(verifyd, "kim@encrypt.test", DELIVERABLE, "STARTTLS")
        self.world.tempers.wait_for_log(r"TLS connection established from unknown\[127\.0\.0\.1\]: TLSv1\.[23]")

    def test_tls_may_be_required_by_us(self):
        self.world.tempers
        verifyd = self.started(smtp_tls_security_level="encrypt")
        self.assert_verified(verifyd, "ivan@encrypt.test", DELIVERABLE, "STARTTLS")
        self.assert_verified(verifyd, "alice@good.test", UNKNOWN)
        self.assertEqual(self.target("good.test").commands["MAIL"], 0, "nothing may be asked in the clear")

    def test_without_tls_its_refusal_is_about_the_session(self):
        self.world.tempers
        verifyd = self.started(smtp_tls_security_level="none")
        self.assert_verified(verifyd, "nobody@encrypt.test", UNKNOWN, "530 5.7.0 Must issue a STARTTLS command first")


class GreetPauseTest(TargetTestCase):
    def postscreen_lines(self, word):
        return [line for line in self.world.tempers.log().splitlines() if "postscreen" in line and f": {word} " in line]

    def test_we_do_not_talk_before_the_greeting(self):
        self.world.tempers
        verifyd = self.started(unverified_recipient_reject_code=550)
        start = time.monotonic()
        self.assert_knows_its_users(verifyd, "ivan@pause.test", "nobody@pause.test", "550 5.1.1 <nobody@pause.test>")
        self.assertGreater(time.monotonic() - start, GREET_SECONDS)
        self.world.tempers.wait_for_log(r"postscreen\[\d+\]: PASS NEW \[127\.0\.0\.1\]")
        self.assertEqual(self.postscreen_lines("PREGREET"), [])

    def test_this_server_notices_who_does(self):
        self.world.tempers
        with socket.create_connection((self.world.address_of("pause.test"), self.world.smtp_port)) as client:
            client.sendall(b"EHLO client.test\r\n")
            wait_until(lambda: self.postscreen_lines("PREGREET"), 5, "a line about early talk")


class SoftBounceTest(TargetTestCase):
    def test_its_refusals_never_make_an_address_undeliverable(self):
        self.world.tempers
        verifyd = self.started(unverified_recipient_reject_code=550)
        self.assert_verified(verifyd, "ivan@soft.test", DELIVERABLE)
        self.assert_verified(verifyd, "nobody@soft.test", UNKNOWN, "450 4.1.1 <nobody@soft.test>")
        self.assertTrue(self.ask(verifyd, "nobody@soft.test").startswith(DEFER))


class PostgreyTest(TargetTestCase):
    def test_a_greylisted_address_is_deferred_and_known_once_the_server_takes_it(self):
        self.world.tempers
        verifyd = self.started(unverified_recipient_reject_code=550)
        self.assert_verified(verifyd, "ivan@postgrey.test", UNKNOWN, "greylisted", "450 4.2.0 <ivan@postgrey.test>")
        action = self.ask(verifyd, "ivan@postgrey.test")
        self.assertTrue(action.startswith(DEFER), action)
        self.assertIn("Greylisted", action)
        time.sleep(GREYLIST_SECONDS + 0.2)
        self.assert_verified(verifyd, "ivan@postgrey.test", DELIVERABLE)
        self.assertEqual(self.ask(verifyd, "ivan@postgrey.test"), "DUNNO")

    def test_an_unknown_user_is_not_hidden_by_it(self):
        self.world.tempers
        verifyd = self.started(unverified_recipient_reject_code=550)
        self.assert_verified(verifyd, "nobody@postgrey.test", UNDELIVERABLE, "no_such_user")


class Ipv6Test(TargetTestCase):
    def test_an_mx_with_nothing_but_an_ipv6_address(self):
        self.world.tempers
        verifyd = self.started(
            smtp_tcp_port=self.world.ipv6_port, probe_permit_networks="::1/128", unverified_recipient_reject_code=550
        )
        self.assert_knows_its_users(verifyd, "ivan@six.test", "nobody@six.test", "550 5.1.1 <nobody@six.test>")
        self.world.tempers.wait_for_log(r"smtpd\[\d+\]: connect from unknown\[::1\]")

    def test_a_route_to_an_ipv6_address(self):
        self.world.tempers
        for next_hop in ("[IPv6:::1]", "[::1]"):
            verifyd = self.routed(
                f"six.test smtp:{next_hop}:{self.world.ipv6_port}", unverified_recipient_reject_code=550
            )
            self.assert_knows_its_users(verifyd, "ivan@six.test", "nobody@six.test", "550 5.1.1 <nobody@six.test>")
            verifyd.stop()

    def test_where_only_ipv4_is_wanted_it_is_not_contacted(self):
        self.world.tempers
        verifyd = self.started(
            smtp_tcp_port=self.world.ipv6_port, probe_permit_networks="::1/128", inet_protocols="ipv4"
        )
        result = verifyd.ctl("verify", "ivan@six.test")
        self.assertNotEqual(result.returncode, DELIVERABLE, result.stdout)
        self.assertNotIn("connect from unknown[::1]", self.world.tempers.log())


class SinkTest(TargetTestCase):
    def test_smtp_sink_on_a_route_takes_everybody(self):
        self.world.sink
        verifyd = self.routed(f"elsewhere.test smtp:[{self.world.address_of('sink.test')}]:{self.world.smtp_port}")
        self.assert_verified(verifyd, "anybody@elsewhere.test", RISKY, "catch_all")
