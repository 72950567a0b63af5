"""Invalid addresses, mailboxes that a tenant removes, and words that reverse the text of terminals. A real Postfix in
front asks verifyd, beside its own verify(8); a real Postfix is behind."""

import concurrent.futures
import os
import socket
import time

import postfix
from hostile_world import HostileWorldTestCase
from lookup_client import LINE_PORT, SOCKETMAP_PORT, TCP_TABLE_PORT
from loopback import MILTER_PORT, POLICY_PORT, SMTP_PORT
from milter_client import MilterClient, packet
from postfix import GATEWAY_PORTS
from smtp_target import SmtpTarget
from verify_client import VerifyClient

REMOVED = ["gone1", "gone2", "gone3"]


class SmtpClient:
    """Sends bytes unchanged."""

    def __init__(self, address, port, options=b""):
        self._socket = socket.create_connection((address, port), timeout=40)
        self._lines = self._socket.makefile("rb")
        self.say(None)
        self.say(b"EHLO client.test")
        self.say(b"MAIL FROM:<someone@client.test>" + options)

    def say(self, command):
        """Sends the command, if there is one. Returns the last line of the reply."""
        if command is not None:
            self._socket.sendall(command + b"\r\n")
        while (line := self._lines.readline())[3:4] == b"-":
            pass
        return line.rstrip(b"\r\n")

    def rcpt(self, address):
        return self.say(b"RCPT TO:<" + address + b">")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._lines.close()
        self._socket.close()


class NoAddressTest(HostileWorldTestCase):
    """The server behind the gateway is a Postfix that knows its users by a table."""

    # None of them is a user; all of them can be sent to Postfix.
    ODD = {
        "65 octets": b"x" * 65 + b"@our.test",
        "200 octets": b"x" * 200 + b"@our.test",
        "700 octets": b"x" * 700 + b"@our.test",
        "UTF-8": "jörg@our.test".encode(),
        "octets that are no UTF-8": b"j\xf6rg@our.test",
        "nothing before the @": b"\"\"@our.test",
        "control characters": b"\"j\x01rg\x7f\"@our.test",
    }

    def setUp(self):
        super().setUp()
        self.names("our IN MX 10 mx.our", "mx.our IN A {2}", "other IN MX 10 mx.our")
        self.users = ["postmaster", "y" * 200, *(f"user{number}" for number in range(300))]
        self.backend = postfix.recipient_table_target(
            os.path.join(self.folder, "backend"), self.block.address(2), SMTP_PORT, "our.test", self.users
        )
        self.addCleanup(self.backend.close)

    def started_gateway(self, smtputf8="no", **settings):
        """With smtputf8_enable = yes Postfix itself refuses invalid UTF-8; without it all octets pass."""
        self.gateway = postfix.gateway(
            os.path.join(self.folder, "gateway"),
            self.block.address(25),
            f"{self.block.address(3)}:{POLICY_PORT}",
            _Server(self.block.address(2), SMTP_PORT),
            ["our.test", "other.test"],
            smtputf8_enable=smtputf8,
        )
        self.addCleanup(self.gateway.close)
        self.verifyd(verify_domains="our.test", **settings)

    def gateway_says(self, address, port="policy"):
        with SmtpClient(self.block.address(25), GATEWAY_PORTS[port]) as client:
            return client.rcpt(address)

    def test_what_stock_verify_refuses_the_gateway_refuses(self):
        self.started_gateway()
        innocents = self.innocents("our.test")
        with concurrent.futures.ThreadPoolExecutor(len(self.ODD)) as clients:  # verify(8) is slow
            ours = list(clients.map(self.gateway_says, self.ODD.values()))
            stock = list(clients.map(lambda address: self.gateway_says(address, "native_550"), self.ODD.values()))
        for name, our_reply, stock_reply in zip(self.ODD, ours, stock):
            with self.subTest(name):
                self.assertRegex(our_reply, rb"^550 5\.1\.[13] ")
                self.assertEqual(our_reply[:3], stock_reply[:3], (our_reply, stock_reply))
        self.assertEqual(self.gateway_says(b"y" * 200 + b"@our.test")[:3], b"250", "it is there")
        self.assertUnharmed(innocents)

    def test_what_can_not_be_asked_is_no_address_and_is_not_asked(self):
        self.started_gateway()
        for name in ("700 octets", "octets that are no UTF-8", "control characters"):
            with self.subTest(name):
                self.assertIn(b"undeliverable address: bad address syntax", self.gateway_says(self.ODD[name]))
                self.assertRegex(self.gateway_says(self.ODD[name]), rb"^550 5\.1\.3 ")
        self.daemon.wait_for_log("action=reject code=550 dsn=5.1.3 result=undeliverable reason=bad_address_syntax")
        self.assertNotIn("probe: to=", self.daemon.log())

    def test_with_smtputf8_the_same_is_refused(self):
        self.started_gateway(smtputf8="yes")
        for name in ("65 octets", "UTF-8", "control characters"):
            with self.subTest(name):
                self.assertRegex(self.gateway_says(self.ODD[name]), rb"^550 5\.1\.[13] ")

    def test_where_users_are_deferred_so_is_what_is_no_address(self):
        self.verifyd(verify_domains="our.test", unverified_recipient_reject_code="450")
        for address in (self.ODD["65 octets"], self.ODD["octets that are no UTF-8"]):
            self.assertRegex(self.policy_says(address), rb"^action=DEFER_IF_PERMIT 4\.1\.[13] ")

    def test_the_operator_may_have_it_let_through(self):
        self.verifyd(verify_domains="our.test", decision_table="inline:{ bad_address_syntax=permit }")
        self.assertEqual(self.policy_says(self.ODD["octets that are no UTF-8"]), b"action=DUNNO\n\n")

    def test_a_dry_run_only_tells(self):
        self.verifyd(verify_domains="our.test", dry_run_domains="our.test")
        self.assertIn(b"action=WARN would reject: 550 5.1.3 ", self.policy_says(self.ODD["octets that are no UTF-8"]))
        self.daemon.wait_for_log("action=warn code=550 dsn=5.1.3")

    def test_of_other_domains_and_of_senders_nothing_is_said(self):
        self.verifyd(verify_domains="our.test")
        self.assertEqual(self.policy_says(b"j\xf6rg@other.test"), b"action=DUNNO\n\n")
        self.assertEqual(self.ask("", sender="x@our.test"), "DUNNO")
        self.assertEqual(self.ask("user1@our.test", sender="j\x01rg@our.test", policy_context="sender"), "DUNNO")

    def test_every_door_refuses_it(self):
        address = self.block.address(3)
        path = os.path.join(self.folder, "verify")
        self.verifyd(
            verify_domains="our.test",
            milter_listen=f"inet:{address}:{MILTER_PORT}",
            socketmap_listen=f"inet:{address}:{SOCKETMAP_PORT}",
            tcp_table_listen=f"inet:{address}:{TCP_TABLE_PORT}",
            line_listen=f"inet:{address}:{LINE_PORT}",
            verify_listen=f"unix:{path}",
        )
        for odd in (b"j\xf6rg@our.test", b"j\x01rg@our.test", b"x" * 65 + b"@our.test", b"x" * 700 + b"@our.test"):
            for door, said in {
                "policy": self.policy_says(odd),
                "milter": self.milter_says(odd),
                "socketmap": self.said(SOCKETMAP_PORT, b"%d:verify %s," % (7 + len(odd), odd), b","),
                "tcp_table": self.said(TCP_TABLE_PORT, b"get %s\n" % odd, b"\n"),
                "line": self.said(LINE_PORT, b"rcpt %s\n" % odd, b"\n"),
                "verify": self.verify_says(path, odd),
            }.items():
                with self.subTest(door, address=odd):
                    self.assertRegex(said, rb"550[ %20]+5\.1\.|^2: ")

    def policy_says(self, recipient):
        attributes = b"request=smtpd_access_policy\nprotocol_state=RCPT\nclient_address=192.0.2.1\nrecipient="
        return self.said(POLICY_PORT, attributes + recipient + b"\n\n", b"\n\n")

    def milter_says(self, recipient):
        with MilterClient((self.block.address(3), MILTER_PORT)) as client:
            client.send(packet(b"R", b"<" + recipient + b">\0"))
            while (answer := client.receive())[0] == b"p":
                pass
            return answer[1]

    def verify_says(self, path, recipient):
        """Its recipient_status, and its reason."""
        with VerifyClient(path) as client:
            client.send(b"request\0query\0address\0" + recipient + b"\0\0")
            answer = client.receive()
            return f"{answer['recipient_status']}: {answer['reason']}".encode()

    def said(self, port, request, end):
        with socket.create_connection((self.block.address(3), port), timeout=20) as client:
            client.sendall(request)
            answer = b""
            while not answer.endswith(end):
                more = client.recv(4096)
                if not more:
                    break
                answer += more
            return answer


class ShortLinesTest(HostileWorldTestCase):
    """A server that does not read lines of the permitted length."""

    class _Target(SmtpTarget):
        def _rcpt(self, address):
            return "500 5.5.2 Line too long" if len(address) > 200 else super()._rcpt(address)

    def test_what_is_too_long_for_a_server_is_refused_and_closes_it_to_nobody(self):
        self.names("our IN MX 10 mx.our", "mx.our IN A {2}", "other IN MX 10 mx.our")
        target = self._Target(self.loop, "mx.our.test", self.block.address(2), SMTP_PORT)
        self.addCleanup(target.close)
        self.verifyd()
        innocents = [self.innocents(domain, rate=5) for domain in ("our.test", "other.test")]
        for action in self.ask_all([f"{number:0300}@our.test" for number in range(40)]):
            self.assertRegex(action, "^550 5.1.1 undeliverable address: .* said: 500 5.5.2 Line too long")
        for each in innocents:
            self.assertUnharmed(each)


class LearnTest(HostileWorldTestCase):
    """A log of a Postfix before 3.5, which does not quote local parts."""

    # The log's form of a recipient that the client has named otherwise, and that the server does not know.
    IMITATED = {
        '"joe@our.test>, orig_to=<joe"@our.test': "joe@our.test>, orig_to=<joe@our.test",
        '"\\"ann\\""@our.test': '"ann"@our.test',
    }

    def test_a_local_part_that_imitates_another_mailbox_teaches_nothing_of_it(self):
        self.names("our IN MX 10 mx.our", "mx.our IN A {2}")
        self.server(2, "mx.our.test", users=["joe", "ann", "postmaster"])
        self.verifyd()
        relay = f"mx.our.test[{self.block.address(2)}]"
        now = time.strftime("%b %e %H:%M:%S")
        path = os.path.join(self.folder, "mail.log")
        with open(path, "w", encoding="ascii") as log:
            for recipient in (*self.IMITATED.values(), "gone@our.test"):
                log.write(
                    f"{now} gw postfix/smtp[12]: 4bX: to=<{recipient}>, relay={relay}:{SMTP_PORT}, delay=0.1, "
                    f"delays=0/0/0.1/0, dsn=5.1.1, status=bounced (host {relay} said: 550 5.1.1 User unknown "
                    "(in reply to RCPT TO command))\n"
                )
        self.assertIn("learned 1 of 1 deliveries in 3 lines", self.daemon.ctl("learn", path).stdout)
        self.assertEqual(self.ask_all(["joe@our.test", "ann@our.test"]), ["DUNNO", "DUNNO"])
        self.assertRegex(self.ask("gone@our.test"), "^550 ")


class _Server:
    def __init__(self, address, port):
        self.address = address
        self.port = port


class RemovedMailboxesTest(HostileWorldTestCase):
    """Two tenants have their domains at one server; one of them removes mailboxes."""

    def setUp(self):
        super().setUp()
        self.names("mx IN A {2}", "one IN MX 10 mx", "two IN MX 10 mx")
        self.target = self.server(2, "mx.test", users=["postmaster", *REMOVED, *(f"user{number}" for number in range(300))])
        self.verifyd()

    def asked(self, *addresses):
        """The results of verifyctl for them, each from a new probe."""
        return [self.daemon.ctl("verify", "--fresh", address).stdout for address in addresses]

    def removed(self, domain="one.test"):
        """Its users are known at first, and then removed."""
        gone = [f"{user}@{domain}" for user in REMOVED]
        for address in gone:
            self.assertEqual(self.ask(address), "DUNNO")
        self.target.users -= set(REMOVED)
        return gone

    def test_one_removed_mailbox_that_is_asked_about_again_and_again_raises_no_alarm(self):
        gone = self.removed()
        self.asked(*[gone[0]] * 4)
        self.assertNotIn("ALARM", self.daemon.log())
        self.assertRegex(self.ask("nobody@one.test"), "^550 ")

    def test_three_removed_mailboxes_of_a_tenant_are_no_matter_of_the_others(self):
        innocents = self.innocents("two.test")
        gone = self.removed()
        self.asked(*gone)
        self.daemon.wait_for_log("ALARM: domain one.test at mx.test is not believed")
        self.assertRegex(self.ask("nobody@one.test"), "^DEFER_IF_PERMIT 4")
        self.assertRegex(self.ask("nobody@two.test"), "^550 ")
        self.assertUnharmed(innocents)

    def test_a_doubt_ends_when_others_are_accepted_again_and_again(self):
        self.asked(*self.removed())
        self.assertRegex(self.ask("nobody@one.test"), "^DEFER_IF_PERMIT 4")
        for number in range(10):
            self.assertEqual(self.ask(f"user{number}@one.test"), "DUNNO")
        self.daemon.wait_for_log("domain one.test at mx.test is believed again")
        self.assertRegex(self.ask("nobody2@one.test"), "^550 ")

    def test_the_operator_ends_the_doubt_of_a_domain_by_the_name_that_he_is_shown(self):
        self.asked(*self.removed())
        shown = self.daemon.ctl("destinations").stdout
        self.assertIn("mx.test one.test: NOT BELIEVED", shown)
        self.assertIn("mx.test: believed", shown)
        self.assertEqual(self.daemon.ctl("trust", "mx.test one.test").returncode, 0)
        self.assertRegex(self.ask("nobody@one.test"), "^550 ")

    def test_trust_in_a_destination_ends_the_doubts_of_its_domains_and_they_stay_ended(self):
        gone = self.removed()
        self.asked(*gone)
        self.assertEqual(self.daemon.ctl("trust", "mx.test").returncode, 0)
        self.asked(*gone)
        self.assertRegex(self.ask("nobody@one.test"), "^550 ")

    def test_a_doubt_outlives_a_restart(self):
        self.asked(*self.removed())
        self.daemon.stop()
        self.daemon.start()
        self.assertRegex(self.ask("nobody@one.test"), "^DEFER_IF_PERMIT 4")

    def test_a_directory_that_is_gone_is_doubted_as_a_whole(self):
        known = [f"{user}@{domain}" for domain in ("one.test", "two.test") for user in ("user1", "user2", "user3")]
        for address in known:
            self.assertEqual(self.ask(address), "DUNNO")
        self.target.users = {"postmaster"}
        self.asked(*known)
        self.daemon.wait_for_log("ALARM: destination mx.test is not believed")
        self.assertRegex(self.ask("user9@two.test"), "^DEFER_IF_PERMIT 4")
        self.assertEqual([self.ask(address) for address in known], ["DUNNO"] * len(known))


class WordsTest(HostileWorldTestCase):
    """A server's words go to clients and to terminals."""

    UNKNOWN = "550 5.1.1 Benutzer unbekannt für \u202egnp.exe\u2066 \u2028\u200f\u061c hier"

    def setUp(self):
        super().setUp()
        self.names("our IN MX 10 mx.our", "mx.our IN A {2}")
        self.server(2, "mx.our.test", replies={"RCPT": self.UNKNOWN})
        self.address = self.block.address(3)
        self.verifyd(
            milter_listen=f"inet:{self.address}:{MILTER_PORT}",
            line_listen=f"inet:{self.address}:{LINE_PORT}",
            verify_listen=f"unix:{self.folder}/verify",
        )

    def test_who_did_not_ask_for_smtputf8_gets_ascii(self):
        self.assertIn("unbekannt f?r ?gnp.exe? ??? hier", self.ask("joe@our.test"))
        with MilterClient((self.address, MILTER_PORT)) as client:
            self.assertIn("unbekannt f?r ?gnp.exe? ??? hier", client.ask("joe@our.test"))
        with VerifyClient(os.path.join(self.folder, "verify")) as client:
            self.assertIn("unbekannt f?r ?gnp.exe? ??? hier", client.ask("joe@our.test")[1])

    def test_who_asked_for_it_gets_utf8_without_what_turns_lines_round(self):
        with MilterClient((self.address, MILTER_PORT)) as client:
            client.send(packet(b"M", b"<someone@client.test>\0SIZE=100\0SMTPUTF8\0"))
            self.assertIn("unbekannt für ?gnp.exe? ??? hier", client.ask("joe@our.test"))

    def test_through_a_gateway_it_is_the_same(self):
        milter = {"smtpd_milters": f"{{ inet:{self.address}:{MILTER_PORT}, default_action=accept }}"}
        policy = {
            "smtpd_recipient_restrictions": "reject_unauth_destination, "
            f"check_policy_service {{ inet:{self.address}:{POLICY_PORT}, default_action=DUNNO }}"
        }
        ports = {2601: milter, 2606: policy}
        gateway = postfix.Postfix(
            os.path.join(self.folder, "gateway"),
            "gateway.test",
            {"relay_domains": "our.test", "smtpd_recipient_restrictions": "reject_unauth_destination"},
            {(self.block.address(25), port): settings for port, settings in ports.items()},
        )
        self.addCleanup(gateway.close)
        for port in ports:
            with SmtpClient(self.block.address(25), port) as client:
                self.assertIn(b"unbekannt f?r ?gnp.exe?", client.rcpt(b"joe@our.test"))
        with SmtpClient(self.block.address(25), 2601, b" SMTPUTF8") as client:
            self.assertIn("unbekannt für ?gnp.exe?".encode(), client.rcpt(b"joe@our.test"))

    def test_terminals_and_the_log_have_utf8_without_it(self):
        shown = self.daemon.ctl("verify", "joe@our.test").stdout
        self.assertIn("unbekannt für ?gnp.exe? ??? hier", shown)
        self.daemon.wait_for_log("unbekannt für ?gnp.exe? ??? hier")
