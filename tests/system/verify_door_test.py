"""verifyd in place of Postfix's verify(8): a real gateway that names it in main.cf, and clients other than Postfix."""

import os
import pwd
import random
import re
import smtplib
import socket
import stat
import threading
import time

from child import wait_until
from mail_world import BLOCKED, SLOW_SECONDS, VERIFY_GATEWAY
from postfix import GATEWAY_PORTS
from verify_client import GREETING, VerifyClient, query, update
from world_test_case import IN_PROGRESS, WorldTestCase

NOT_UNDERSTOOD = {"status": "4294967294", "recipient_status": "1", "reason": "the request was not understood"}


class VerifyDoorTestCase(WorldTestCase):
    def verify_daemon(self, **settings):
        """A daemon, not started, whose socket is where the gateway looks for it."""
        path = self.world.verify_gateway.private_socket("verifyd")
        verifyd = self.verifyd(
            verify_listen=f"{{ unix:{path}, mode=0600, owner=postfix }}", verify_domains="", **settings
        )
        verifyd.socket_path = path
        return verifyd

    def session(self, port="native_550"):
        address = self.world.block.address(VERIFY_GATEWAY)
        client = smtplib.SMTP(address, GATEWAY_PORTS[port], "client.test", timeout=40)
        client.ehlo()
        return client

    def gateway_says(self, recipient, port="native_550", sender="someone@client.test"):
        """(code, text, seconds)."""
        with self.session(port) as client:
            start = time.monotonic()
            client.mail(sender)
            code, text = client.rcpt(recipient)
            return code, text.decode(), time.monotonic() - start

    def assert_no_smtpd_died(self):
        self.assertNotRegex(self.world.verify_gateway.log(), r"fatal|panic|killed by signal|bad command startup")


class GatewayTest(VerifyDoorTestCase):
    def refusal(self):
        address = self.target("good.test").address
        return (
            f"host mx.good.test[{address}] said: 550 5.1.1 <nobody@good.test>: Recipient address rejected: User unknown"
            " (in reply to RCPT TO command)"
        )

    def test_a_known_user_is_accepted_at_once(self):
        self.verify_daemon().start()
        code, _, seconds = self.gateway_says("alice@good.test")
        self.assertEqual(code, 250)
        self.assertLess(seconds, 0.9)
        self.assertEqual(self.target("good.test").recipients, ["alice@good.test"])
        self.assertEqual(self.gateway_says("alice@good.test")[0], 250)
        self.assertEqual(self.target("good.test").commands["RCPT"], 1)

    def test_an_unknown_user_is_refused_with_the_code_and_the_words_of_postfix(self):
        self.verify_daemon().start()
        expected = f"5.1.1 <nobody@good.test>: Recipient address rejected: undeliverable address: {self.refusal()}"
        self.assertEqual(self.gateway_says("nobody@good.test")[:2], (550, expected))
        self.world.verify_gateway.wait_for_log(
            rf"NOQUEUE: reject: RCPT from unknown\[127\.0\.0\.1\]: 550 {re.escape(expected)}; "
        )
        expected = f"4.1.1 <nobody@good.test>: Recipient address rejected: unverified address: {self.refusal()}"
        self.assertEqual(self.gateway_says("nobody@good.test", "native")[:2], (450, expected))

    def test_an_unknown_sender_is_refused_too(self):
        self.verify_daemon().start()
        code, text, _ = self.gateway_says("alice@good.test", "native_sender", sender="nobody@good.test")
        self.assertEqual(code, 550)
        self.assertIn("5.1.7 <nobody@good.test>: Sender address rejected: undeliverable address: host mx.good.test", text)

    def test_a_refusal_about_us_defers(self):
        self.verify_daemon().start()
        code, text, _ = self.gateway_says("alice@blocks.test")
        self.assertEqual(code, 450)
        self.assertIn(f"unverified address: host mx.blocks.test[{self.target('blocks.test').address}] said: {BLOCKED}", text)

    def test_a_slow_server_is_waited_for_once(self):
        self.verify_daemon().start()
        code, _, seconds = self.gateway_says("alice@slow.test")
        self.assertEqual(code, 250)
        self.assertLess(seconds, SLOW_SECONDS + 1)

    def test_beyond_the_patience_verification_is_in_progress(self):
        self.verify_daemon(verify_service_patience="1s").start()
        code, text, seconds = self.gateway_says("alice@slow.test")
        self.assertEqual((code, text), (450, f"4.1.1 <alice@slow.test>: Recipient address rejected: {IN_PROGRESS}"))
        self.assertGreater(seconds, 0.9)
        self.assertLess(seconds, 2)

    def test_a_reload_changes_what_is_answered_on_connections_that_stay(self):
        verifyd = self.verify_daemon().start()
        with self.session() as client:
            client.mail("someone@client.test")
            self.assertEqual(client.rcpt("nobody@good.test")[0], 550)
            verifyd.settings["dry_run"] = "yes"
            verifyd.write_config()
            verifyd.reload()
            verifyd.wait_for_log("reload: the new settings are in force")
            self.assertEqual(client.rcpt("nobody@good.test")[0], 250)
        self.assert_no_smtpd_died()


class RestartTest(VerifyDoorTestCase):
    """Restarts that no gateway may suffer from."""

    CLIENTS = 8

    def under_load(self, disturb):
        """Runs disturb(answered) while clients ask one question after another. Returns the codes that they got.

        answered() returns when as many answers have come as there are clients.
        """
        codes, lost, done = [], [], threading.Event()

        def ask(number):
            try:
                while not done.is_set():
                    with self.session() as client:
                        for address in ("alice@good.test", f"user{number}-{len(codes)}@any.test", "nobody@good.test"):
                            client.mail("someone@client.test")
                            codes.append(client.rcpt(address)[0])
                            client.rset()
            except (OSError, smtplib.SMTPException) as error:
                lost.append(error)

        def answered():
            enough = len(codes) + self.CLIENTS
            wait_until(lambda: len(codes) >= enough or lost, 30, "answers to all clients")

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(self.CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            disturb(answered)
        finally:
            done.set()
            for thread in threads:
                thread.join(40)
        self.assertEqual(lost, [])
        self.assert_no_smtpd_died()
        return codes

    def test_while_systemd_holds_the_socket_a_restart_under_load_is_not_noticed(self):
        verifyd = self.verify_daemon()
        verifyd.settings["verify_listen"] = ""
        verifyd.write_config()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            self.addCleanup(os.unlink, verifyd.socket_path)
            listener.bind(verifyd.socket_path)
            os.chmod(verifyd.socket_path, 0o666)
            listener.listen(1024)
            verifyd.start(listener, "verify")

            def restart(answered):
                for _ in range(3):
                    answered()
                    self.assertEqual(verifyd.stop(), 0)
                    verifyd.start(listener, "verify")
                answered()

            self.assertEqual(set(self.under_load(restart)), {250, 550})

    def test_without_it_clients_wait_until_verifyd_is_back(self):
        verifyd = self.verify_daemon().start()

        def crash(answered):
            answered()
            verifyd.kill()
            time.sleep(0.5)
            verifyd.start()
            answered()

        self.assertEqual(set(self.under_load(crash)), {250, 550})


class SocketTest(VerifyDoorTestCase):
    def test_the_socket_has_the_mode_and_owner_it_is_given(self):
        verifyd = self.verify_daemon().start()
        self.assertEqual(stat.S_IMODE(os.stat(verifyd.socket_path).st_mode), 0o600)
        self.assertEqual(os.stat(verifyd.socket_path).st_uid, pwd.getpwnam("postfix").pw_uid)

    def test_two_queries_that_come_at_once_are_both_answered(self):
        verifyd = self.verify_daemon().start()
        with VerifyClient(verifyd.socket_path) as client:
            self.assertEqual(client.greeting, GREETING)
            client.send(query("nobody@good.test") + query("alice@good.test"))
            self.assertEqual([client.receive()["recipient_status"] for _ in range(2)], ["2", "0"])

    def test_malformed_requests_are_answered_and_do_no_harm(self):
        verifyd = self.verify_daemon().start()
        with VerifyClient(verifyd.socket_path) as client:
            for request in (b"request\0zap\0\0", b"\0", b"request\0query\0\0", update("a@good.test", 3, "x"), b"a\0\0\0"):
                client.send(request)
                self.assertEqual(client.receive(), NOT_UNDERSTOOD)
            self.assertEqual(client.ask("alice@good.test")[0], 0)
        chooser = random.Random(3)
        for garbage in (
            b"GET / HTTP/1.0\r\n\r\n",
            b"\0" * 20000,
            b"x" * 100000,
            query("a" * 30000),
            query("\x01\x7f@\udcff".encode("utf-8", "surrogateescape").decode("latin-1")),
            bytes(chooser.randrange(256) for _ in range(20000)),
        ):
            with VerifyClient(verifyd.socket_path) as client:
                try:
                    client.send(garbage)
                    client.socket.shutdown(1)
                    while client.socket.recv(65536):
                        pass
                except (BrokenPipeError, ConnectionResetError):
                    pass
        self.assertIsNone(verifyd.child.exit_code)
        with VerifyClient(verifyd.socket_path) as client:
            self.assertEqual(client.ask("alice@good.test")[0], 0)

    def test_before_postfix_3_6_it_waits_to_be_spoken_to(self):
        verifyd = self.verify_daemon(verify_service_greeting="no").start()
        with VerifyClient(verifyd.socket_path, greeted=False) as client:
            client.socket.settimeout(0.2)
            with self.assertRaises(TimeoutError):
                client.socket.recv(1)
            client.socket.settimeout(30)
            self.assertEqual(client.ask("alice@good.test")[0], 0)

    def test_over_the_limit_of_connections_new_addresses_are_deferred_without_a_probe(self):
        verifyd = self.verify_daemon(verify_connection_limit=1).start()
        with VerifyClient(verifyd.socket_path) as first, VerifyClient(verifyd.socket_path) as second:
            self.assertEqual(first.ask("alice@good.test")[0], 0)
            self.assertEqual(second.ask("alice@good.test")[0], 0)
            self.assertEqual(second.ask("bob@good.test")[:2], (1, "Too many address verification requests"))
        self.assertEqual(self.target("good.test").recipients, ["alice@good.test"])

    def test_over_the_limit_of_probes_every_client_has_its_answer(self):
        verifyd = self.verify_daemon(address_verify_pending_request_limit=1).start()
        with VerifyClient(verifyd.socket_path) as waiting, VerifyClient(verifyd.socket_path) as other:
            waiting.send(query("alice@slow.test"))
            time.sleep(0.2)
            for _ in range(3):
                self.assertEqual(other.ask("bob@good.test")[:2], (1, "Too many address verification requests"))
            self.assertEqual(waiting.receive()["recipient_status"], "0")

    def test_only_domains_of_verify_domains_are_asked_about_where_that_is_wanted(self):
        verifyd = self.verify_daemon(verify_service_any_domain="no")
        verifyd.settings["verify_domains"] = "slow.test"
        verifyd.write_config()
        verifyd.start()
        with VerifyClient(verifyd.socket_path) as client:
            self.assertEqual(client.ask("nobody@good.test")[:2], (0, "domain good.test is not in verify_domains"))
        self.assertEqual(self.target("good.test").sessions, 0)


class UpdateTest(VerifyDoorTestCase):
    REFUSAL = "host mx[192.0.2.1] said: 550 5.1.1 User unknown (in reply to RCPT TO command)"

    def test_updates_are_answered_and_ignored(self):
        verifyd = self.verify_daemon().start()
        with VerifyClient(verifyd.socket_path) as client:
            client.send(update("alice@good.test", 2, self.REFUSAL))
            self.assertEqual(client.receive(), {"status": "0"})
            self.assertEqual(client.ask("alice@good.test")[0], 0)

    def test_updates_are_taken_in_where_that_is_wanted_their_text_judged_as_ours(self):
        verifyd = self.verify_daemon(verify_accept_updates="yes").start()
        with VerifyClient(verifyd.socket_path) as client:
            for address, reason in (("carol@good.test", self.REFUSAL), ("dave@good.test", f"host mx said: {BLOCKED}")):
                client.send(update(address, 2, reason))
                self.assertEqual(client.receive(), {"status": "0"})
            self.assertEqual(client.ask("carol@good.test")[:2], (2, self.REFUSAL))
            self.assertEqual(client.ask("dave@good.test")[0], 1)
        self.assertEqual(self.target("good.test").sessions, 0)
        self.assertIn("verify[update]", verifyd.ctl("show", "carol@good.test").stdout)

    def test_what_agents_of_postfix_report_of_its_own_probes_is_taken_in(self):
        verifyd = self.verify_daemon(verify_accept_updates="yes").start()
        target = self.target("good.test")
        with VerifyClient(self.world.verify_gateway.private_socket("verify")) as stock:
            for address in ("alice@good.test", "nobody@good.test"):
                self.assertEqual(stock.ask(address)[0], 3)
                verifyd.wait_for_log(f"update: to=<{address}>", seconds=10)
        self.assertEqual(target.recipients, ["alice@good.test", "nobody@good.test"])
        with VerifyClient(verifyd.socket_path) as client:
            self.assertEqual(client.ask("alice@good.test")[0], 0)
            status, reason, _ = client.ask("nobody@good.test")
        self.assertEqual(status, 2)
        self.assertIn("550 5.1.1 <nobody@good.test>: Recipient address rejected: User unknown", reason)
        self.assertEqual(len(target.recipients), 2, "nobody else has asked")
