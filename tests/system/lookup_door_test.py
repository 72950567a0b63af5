"""The doors for look-ups, asked by the real programs: postmap and smtpd, Exim, Sendmail, OpenSMTPD, a shell.

They are configured with packaging/snippets.
"""

import os
import shutil
import smtplib
import subprocess
import tempfile

from lookup_client import LINE_PORT, SOCKETMAP_PORT, TCP_TABLE_PORT, LineClient, SocketmapClient, lookup_settings
from mail_world import LOOKING_UP, TARGETS
from opensmtpd import OpenSmtpd
from postfix import LOOKUP_PORTS
from sendmail_session import SendmailSession
from snippets import FOLDER, snippet
from world_test_case import IN_PROGRESS, WorldTestCase, build_directory

REFUSED = "undeliverable address: host mx.good.test["


class LookupTestCase(WorldTestCase):
    # The probe of the slow server is in progress for a second.
    SETTINGS = {"unverified_recipient_reject_code": 550, "address_verify_poll_count": 2, "address_verify_poll_delay": "1s"}

    def setUp(self):
        super().setUp()
        self.address = self.world.block.address(1)

    def open_doors(self, **settings):
        return self.started(**{**lookup_settings(self.world), **self.SETTINGS, **settings})

    def rcpt_at(self, address, port, recipient):
        """(code, text) that a client of a server gets."""
        with smtplib.SMTP(address, port, "client.test", timeout=30) as client:
            client.ehlo()
            client.mail("someone@client.test")
            code, text = client.rcpt(recipient)
            return code, text.decode()


class PostmapTest(LookupTestCase):
    def setUp(self):
        super().setUp()
        self.open_doors()
        self.config = tempfile.mkdtemp(dir=self.world.directory)
        open(os.path.join(self.config, "main.cf"), "w", encoding="ascii").close()

    def postmap(self, table, key, keys=""):
        done = subprocess.run(
            ["/usr/sbin/postmap", "-c", self.config, "-q", key, table],
            input=keys,
            capture_output=True,
            text=True,
            timeout=30,
        )
        return done.returncode, done.stdout, done.stderr

    def socketmap(self, name):
        return f"socketmap:inet:{self.address}:{SOCKETMAP_PORT}:{name}"

    def test_the_map_verify_holds_who_is_refused(self):
        code, found, _ = self.postmap(self.socketmap("verify"), "nobody@good.test")
        self.assertEqual((code, found[:38]), (0, "550 5.1.1 undeliverable address: host "))
        self.assertEqual(self.postmap(self.socketmap("verify"), "alice@good.test"), (1, "", ""))
        code, found, _ = self.postmap(self.socketmap("verify"), "alice@slow.test")
        self.assertEqual((code, found), (0, f"DEFER_IF_PERMIT 4.1.1 {IN_PROGRESS}\n"))

    def test_the_map_status_holds_words_and_the_map_relay_recipients_who_may_be_there(self):
        for key, status, relayed in (
            ("alice@good.test", "deliverable\n", "OK\n"),
            ("nobody@good.test", "undeliverable\n", ""),
            ("alice@blocks.test", "unknown\n", "OK\n"),
        ):
            self.assertEqual(self.postmap(self.socketmap("status"), key), (0, status, ""))
            self.assertEqual(self.postmap(self.socketmap("relay_recipients"), key), (0 if relayed else 1, relayed, ""))

    def test_many_keys_come_over_one_connection(self):
        keys = ["alice@good.test", "nobody@good.test", "bob@good.test", "no address", "somebody@good.test"]
        _, found, _ = self.postmap(self.socketmap("verify"), "-", "".join(f"{key}\n" for key in keys))
        self.assertEqual([line.split("\t")[0] for line in found.splitlines()], ["nobody@good.test", "somebody@good.test"])
        _, found, _ = self.postmap(f"tcp:{self.address}:{TCP_TABLE_PORT}", "-", "".join(f"{key}\n" for key in keys))
        self.assertEqual([line.split("\t")[0] for line in found.splitlines()], ["nobody@good.test", "somebody@good.test"])

    def test_the_tcp_table_holds_who_is_refused(self):
        table = f"tcp:{self.address}:{TCP_TABLE_PORT}"
        code, found, _ = self.postmap(table, "nobody@good.test")
        self.assertEqual((code, found[:38]), (0, "550 5.1.1 undeliverable address: host "))
        self.assertIn("Recipient address rejected: User unknown (in reply to RCPT TO command)\n", found)
        self.assertEqual(self.postmap(table, "alice@good.test"), (1, "", ""))

    def test_a_map_that_is_not_there_is_an_error_that_says_which_are(self):
        code, found, said = self.postmap(self.socketmap("aliases"), "alice@good.test")
        self.assertEqual((code, found), (1, ""))
        self.assertIn("expected verify, status or relay_recipients", said)


class SmtpdTest(LookupTestCase):
    def at(self, name, recipient):
        return self.rcpt_at(self.world.block.address(LOOKING_UP["postfix"]), LOOKUP_PORTS[name], recipient)

    def setUp(self):
        super().setUp()
        self.world.lookup_postfix

    def test_check_recipient_access_refuses_in_the_words_of_reject_unverified_recipient(self):
        self.open_doors()
        for name in ("socketmap", "tcp-table"):
            self.assertEqual(self.at(name, "alice@good.test")[0], 250)
            code, text = self.at(name, "nobody@good.test")
            self.assertEqual(code, 550)
            self.assertTrue(text.startswith(f"5.1.1 <nobody@good.test>: Recipient address rejected: {REFUSED}"), text)
            self.world.lookup_postfix.wait_for_log(r"NOQUEUE: reject: RCPT from .*: 550 5\.1\.1 <nobody@good\.test>: ")

    def test_what_is_in_progress_is_deferred_and_no_configuration_error(self):
        self.open_doors()
        code, text = self.at("socketmap", "alice@slow.test")
        self.assertEqual((code, text), (450, f"4.1.1 <alice@slow.test>: Recipient address rejected: {IN_PROGRESS}"))

    def test_quoted_recipients_are_understood(self):
        self.target("good.test").users.add('"joe doe"')
        self.open_doors()
        for name in LOOKUP_PORTS:
            self.assertEqual(self.at(name, '"joe doe"@good.test')[0], 250)
            self.assertEqual(self.at(name, '"jane doe"@good.test')[0], 550)

    def test_relay_recipient_maps_know_who_is_there(self):
        self.open_doors()
        self.assertEqual(self.at("relay-recipients", "alice@good.test")[0], 250)
        code, text = self.at("relay-recipients", "nobody@good.test")
        self.assertEqual(code, 550)
        self.assertIn("Recipient address rejected: User unknown in relay recipient table", text)
        self.assertEqual(self.at("relay-recipients", "alice@slow.test")[0], 250)

    def test_a_dry_run_accepts_and_warns_in_the_log_of_postfix(self):
        self.open_doors(dry_run="yes")
        self.assertEqual(self.at("socketmap", "nobody@good.test")[0], 250)
        self.world.lookup_postfix.wait_for_log(r"NOQUEUE: warn: RCPT from .*: would reject: 550 5\.1\.1 undeliverable address")
        self.assertEqual(self.at("relay-recipients", "nobody@good.test")[0], 250)

    def test_without_verifyd_postfix_defers_what_it_can_not_look_up(self):
        self.assertEqual(self.at("socketmap", "alice@good.test")[0], 451)


class EximTest(LookupTestCase):
    def rcpt(self, recipient):
        return self.rcpt_at(self.world.lookup_exim.address, self.world.smtp_port, recipient)

    def test_an_expansion_reads_the_line(self):
        self.open_doors()
        question = "${readsocket{inet:%s:%d}{rcpt %s\\n}{10s}{}{unknown}}"
        exim = self.world.lookup_exim
        self.assertEqual(exim.expand(question % (self.address, LINE_PORT, "alice@good.test")), "accept\n")
        refused = exim.expand(question % (self.address, LINE_PORT, "nobody@good.test"))
        self.assertTrue(refused.startswith(f"deny 550 5.1.1 {REFUSED}"), refused)

    def test_the_acl_refuses_defers_and_accepts(self):
        self.open_doors()
        self.assertEqual(self.rcpt("alice@good.test")[0], 250)
        code, text = self.rcpt("nobody@good.test")
        self.assertEqual(code, 550)
        self.assertTrue(text.startswith(f"5.1.1 {REFUSED}"), text)
        self.assertEqual(self.rcpt("alice@slow.test"), (450, f"4.1.1 {IN_PROGRESS}"))

    def test_a_quoted_recipient_is_understood(self):
        self.target("good.test").users.add('"joe doe"')
        self.open_doors()
        self.assertEqual(self.rcpt('"joe doe"@good.test')[0], 250)
        self.assertEqual(self.rcpt('"jane doe"@good.test')[0], 550)

    def test_a_dry_run_accepts_and_is_logged_by_exim(self):
        self.open_doors(dry_run="yes")
        self.assertEqual(self.rcpt("nobody@good.test")[0], 250)
        self.world.lookup_exim.wait_for_log("verifyd: would reject: 550 5.1.1 undeliverable address: host mx.good.test[")

    def test_without_verifyd_mail_goes_on(self):
        self.assertEqual(self.rcpt("nobody@good.test")[0], 250)


class SendmailTest(LookupTestCase):
    def setUp(self):
        super().setUp()
        directory = tempfile.mkdtemp(dir=self.world.directory)
        self.sendmail = SendmailSession(directory, TARGETS, snippet("sendmail.mc", self.address))

    def test_its_ruleset_refuses_whom_the_map_does_not_hold(self):
        self.open_doors()
        known, unknown, slow = self.sendmail.rcpt("alice@good.test", "nobody@good.test", "alice@slow.test")
        self.assertTrue(known.startswith("250 "), known)
        self.assertTrue(unknown.startswith("550 5.1.1 "), unknown)
        self.assertIn("undeliverable address", unknown)
        self.assertTrue(slow.startswith("250 "), slow)

    def test_without_verifyd_mail_goes_on(self):
        (reply,) = self.sendmail.rcpt("nobody@good.test")
        self.assertTrue(reply.startswith("250 "), reply)


class OpenSmtpdTest(LookupTestCase):
    PORT = 2525

    def setUp(self):
        super().setUp()
        directory = tempfile.mkdtemp(dir=self.world.directory)
        os.chmod(directory, 0o755)
        # An unprivileged user may not be able to reach the build folder.
        program = shutil.copy(os.path.join(build_directory(), "opensmtpd", "verifyd-opensmtpd-filter"), directory)
        text = snippet("smtpd.conf", self.address).replace("/usr/sbin/verifyd-opensmtpd-filter", program)
        self.host = self.world.block.address(43)
        text = text.replace("listen on 127.0.0.1 port 25", f"listen on {self.host} port {self.PORT}")
        self.smtpd = OpenSmtpd(os.path.join(directory, "smtpd"), self.host, self.PORT, text, TARGETS)
        self.addCleanup(self.smtpd.close)

    def test_the_filter_refuses_defers_and_accepts(self):
        self.open_doors()
        self.assertEqual(self.rcpt_at(self.host, self.PORT, "alice@good.test")[0], 250)
        code, text = self.rcpt_at(self.host, self.PORT, "nobody@good.test")
        self.assertEqual(code, 550)
        self.assertTrue(text.startswith(f"5.1.1 {REFUSED}"), text)
        self.assertEqual(self.rcpt_at(self.host, self.PORT, "alice@slow.test"), (450, f"4.1.1 {IN_PROGRESS}"))

    def test_without_verifyd_mail_goes_on_and_with_it_again_is_asked_about(self):
        self.assertEqual(self.rcpt_at(self.host, self.PORT, "nobody@good.test")[0], 250)
        self.assertIn("verifyd can not be asked: Connection refused: recipients are accepted unasked", self.smtpd.log())
        self.open_doors()
        self.assertEqual(self.rcpt_at(self.host, self.PORT, "nobody@good.test")[0], 550)


class OpenSmtpdFilterTest(LookupTestCase):
    """The filter alone, with the input that an OpenSMTPD gives it."""

    HANDSHAKE = (
        "config|smtpd-version|6.8.0p2\nconfig|smtp-session-timeout|300\nconfig|subsystem|smtp-in\nconfig|admd|gw.test\n"
        "config|ready\n"
    )

    def run_filter(self, text, place=None):
        """Its output for this input, until it is answered and its input ends."""
        program = os.path.join(build_directory(), "opensmtpd", "verifyd-opensmtpd-filter")
        place = place or f"inet:{self.address}:{LINE_PORT}"
        with subprocess.Popen(
            [program, "--socket", place], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            process.stdin.write(text)
            process.stdin.flush()
            lines = [process.stdout.readline() for _ in range(2 + text.count("filter|"))]
            process.stdin.close()
            self.assertEqual(process.stdout.read(), "")
            self.assertEqual(process.wait(10), 0)
        return "".join(lines[:2]), sorted(lines[2:])

    def test_a_recorded_session_is_answered(self):
        self.open_doors()
        ask = "filter|0.6|1576146008.006099|smtp-in|rcpt-to|7641df9771b4ed00|1ef1c203cc57600{}|{}@{}.test\n"
        session = "".join(
            ask.format(*question)
            for question in ((1, "alice", "slow"), (2, "alice", "good"), (3, "nobody", "good"), (4, "alice", "slow"))
        )
        registration, results = self.run_filter(self.HANDSHAKE + session)
        self.assertEqual(registration, "register|filter|smtp-in|rcpt-to\nregister|ready\n")
        begin = "filter-result|7641df9771b4ed00|1ef1c203cc57600"
        self.assertEqual(results[0], f"{begin}1|reject|450 4.1.1 {IN_PROGRESS}\n")
        self.assertEqual(results[1], f"{begin}2|proceed\n")
        self.assertTrue(results[2].startswith(f"{begin}3|reject|550 5.1.1 {REFUSED}"), results[2])
        self.assertEqual(results[3], f"{begin}4|reject|450 4.1.1 {IN_PROGRESS}\n")

    def test_an_old_opensmtpd_is_given_the_token_first(self):
        self.open_doors()
        _, results = self.run_filter(self.HANDSHAKE + "filter|0.4|1.2|smtp-in|rcpt-to|S|T|alice@good.test\n")
        self.assertEqual(results, ["filter-result|T|S|proceed\n"])

    def test_a_unix_socket_is_asked_too(self):
        path = os.path.join(tempfile.mkdtemp(dir=self.world.directory), "line")
        self.open_doors(line_listen=f"unix:{path}")
        _, results = self.run_filter(self.HANDSHAKE + "filter|0.6|1.2|smtp-in|rcpt-to|S|T|nobody@good.test\n", f"unix:{path}")
        self.assertTrue(results[0].startswith("filter-result|S|T|reject|550 5.1.1 "), results)


class ShellTest(LookupTestCase):
    def verify(self, recipient):
        script = snippet("verify-recipient", self.address)
        done = subprocess.run(
            ["bash", "-c", script, "verify-recipient", recipient], capture_output=True, text=True, timeout=30
        )
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout

    def test_a_script_asks_by_line(self):
        self.assertTrue(os.access(os.path.join(FOLDER, "verify-recipient"), os.X_OK))
        self.open_doors()
        self.assertEqual(self.verify("alice@good.test"), (0, "accept\n"))
        code, said = self.verify("nobody@good.test")
        self.assertEqual((code, said[:48]), (1, "deny 550 5.1.1 undeliverable address: host mx.go"))
        self.assertEqual(self.verify("alice@slow.test"), (75, f"defer 450 4.1.1 {IN_PROGRESS}\n"))

    def test_a_recipient_of_two_lines_is_one_question(self):
        self.open_doors()
        code, said = self.verify("alice@good.test\nrcpt nobody@good.test")
        self.assertEqual((code, said.count("\n")), (1, 1))
        self.assertEqual(self.target("good.test").recipients, ['"alice@good.testrcpt nobody"@good.test'])

    def test_without_verifyd_nothing_is_known(self):
        self.assertEqual(self.verify("alice@good.test"), (0, "unknown\n"))


class LookupLimitsTest(LookupTestCase):
    def test_over_the_rate_of_requests_clients_are_kept_waiting(self):
        verifyd = self.open_doors(line_request_rate_limit=2)
        with LineClient((self.address, LINE_PORT)) as client:
            self.assertEqual([client.ask("alice@good.test") for _ in range(4)], ["accept"] * 4)
        verifyd.wait_for_log("line: more than 2 requests a second (line_request_rate_limit)")

    def test_over_the_limit_of_connections_known_addresses_are_answered(self):
        self.open_doors(socketmap_connection_limit=1)
        with SocketmapClient((self.address, SOCKETMAP_PORT)) as first:
            self.assertEqual(first.ask("alice@good.test"), "NOTFOUND ")
            with SocketmapClient((self.address, SOCKETMAP_PORT)) as second:
                self.assertEqual(second.ask("alice@good.test"), "NOTFOUND ")
                self.assertEqual(
                    second.ask("bob@good.test"),
                    "OK DEFER_IF_PERMIT 4.1.1 unverified address: Too many address verification requests",
                )

    def test_a_restart_under_a_client_that_stays_is_seen_as_an_end(self):
        verifyd = self.open_doors()
        with LineClient((self.address, LINE_PORT)) as client:
            self.assertEqual(client.ask("alice@good.test"), "accept")
            self.assertEqual(verifyd.stop(), 0)
            self.assertIsNone(client.receive())
