"""Compares each restriction of verifyd with Postfix's own of the same name: the same clients get the same answers.

A class of verifyd and an smtpd(8) of Postfix have the same list and the same tables. Each client asks both. A row is a
list and what a client says of itself. If verifyd refuses something else than the recipient, Postfix's words for the
recipient come before the text, because a policy service speaks of recipients.
"""

import collections
import io
import json
import os
import smtplib
import subprocess
import tarfile
import tempfile

from postfix import Postfix
from world_test_case import SOURCE, WorldTestCase

CLIENTS = """\
192.0.2.7 REJECT
192.0.3 550 5.7.25 not from there
client.test OK
bad.client.test REJECT bad client
"""
NETWORKS = """\
192.0.2.64/26 450 4.7.1 later
!192.0.0.0/8 REJECT abroad
192.0.2.1 OK
"""
HELO = """\
spammer.test REJECT
greeter.test 501 5.7.1 Go away
slow.test DEFER
fine.test DUNNO
"""
SENDERS = """\
<> 550 5.7.1 no bounces
nobody@client.test REJECT
bad.test REJECT bad domain
joe@ REJECT no joe
maybe@client.test DEFER_IF_PERMIT maybe
"""
RECIPIENTS = """\
alice@good.test OK
bob@good.test REJECT
carol@good.test 554 5.2.1 carol has left
dave@good.test DEFER
erin@good.test DEFER 4.2.1 erin is away
frank@good.test DEFER_IF_PERMIT
grace@good.test 450
heidi@good.test permit_mynetworks, reject
ivan@good.test warn_if_reject reject, permit
judy@good.test DUNNO
kim@good.test 250
leo@good.test reject_non_fqdn_sender
sub.good.test REJECT below
any.test DEFER_IF_REJECT later
"""
TABLES = {"clients": CLIENTS, "networks": NETWORKS, "helo": HELO, "senders": SENDERS, "recipients": RECIPIENTS}

# Name: list, with {table} for the path of a table. "permit" follows each, so that Postfix relays.
LISTS = {
    "permit_first": "permit, reject",
    "reject": "reject",
    "defer": "defer",
    "warned": "warn_if_reject reject",
    "defer_if_permit": "defer_if_permit",
    "defer_then_reject": "defer_if_permit, reject",
    "defer_if_reject": "defer_if_reject, reject",
    "mynetworks": "permit_mynetworks, reject",
    "sasl": "permit_sasl_authenticated, reject",
    "client": "check_client_access texthash:{clients}",
    "network": "check_client_access cidr:{networks}",
    "helo": "check_helo_access texthash:{helo}",
    "sender": "check_sender_access texthash:{senders}",
    "recipient": "check_recipient_access texthash:{recipients}",
    "invalid_helo": "reject_invalid_helo_hostname",
    "non_fqdn_helo": "reject_non_fqdn_helo_hostname",
    "non_fqdn_sender": "reject_non_fqdn_sender",
    "non_fqdn_recipient": "reject_non_fqdn_recipient",
    "unknown_sender": "reject_unknown_sender_domain",
    "unknown_recipient": "reject_unknown_recipient_domain",
    "rbl": "reject_rbl_client bl.test",
    "rbl_filter": "reject_rbl_client bl.test=127.0.0.[2;8]",
    "rbl_filtered": "reject_rbl_client bl.test=127.0.0.[2..4]",
}

# smtpd(8) changes enhanced codes of a policy service in this way, because its words are about recipients (smtpd_dsn_fix.c).
AS_OF_A_RECIPIENT = {"4.1.8": "4.1.2", "5.1.10": "5.1.0"}

Row = collections.namedtuple("Row", "list client name helo sender recipient")


def row(list_name, client="192.0.2.5", name="host.client.test", helo="host.client.test", sender="someone@good.test",
        recipient="alice@good.test"):
    return Row(list_name, client, name, helo, sender, recipient)


ROWS = [
    *[row(name) for name in LISTS],
    row("mynetworks", client="127.0.0.1"),
    row("mynetworks", client="198.51.100.9"),
    row("client", client="192.0.2.7", name="[UNAVAILABLE]"),
    row("client", client="192.0.3.200", name="[UNAVAILABLE]"),
    row("client", client="192.0.2.7"),
    row("client", name="bad.client.test"),
    row("client", name="very.bad.client.test"),
    row("client", name="other.test"),
    row("network", client="192.0.2.70"),
    row("network", client="198.51.100.9"),
    row("network", client="192.0.2.1"),
    row("network", client="192.0.3.1"),
    *[row("helo", helo=name) for name in ("spammer.test", "a.spammer.test", "greeter.test", "slow.test", "fine.test", "SPAMMER.test")],
    *[row("sender", sender=address) for address in (
        "", "nobody@client.test", "NoBody@Client.Test", "nobody+x@client.test", "x@bad.test", "x@a.bad.test", "joe@elsewhere.test",
        "maybe@client.test", "x@client.test")],
    *[row("recipient", recipient=f"{user}@good.test") for user in (
        "alice", "bob", "Bob", "bob+tag", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "kim", "leo",
        "other")],
    row("recipient", recipient="x@sub.good.test"),
    row("recipient", recipient="x@any.test"),
    row("recipient", client="127.0.0.1", recipient="heidi@good.test"),
    row("recipient", sender="x@local", recipient="leo@good.test"),
    *[row("invalid_helo", helo=name) for name in (
        "localhost", "a_b.test", "-a.test", "a..test", "192.0.2.5", "[192.0.2.5]", "[192.0.2.500]", "[IPv6:2001:db8::5]", "a!.test",
        "x" * 70 + ".test")],
    *[row("non_fqdn_helo", helo=name) for name in ("localhost", "a.test", "[192.0.2.5]", "a.test.")],
    *[row("non_fqdn_sender", sender=address) for address in ("x@local", "", "x@[192.0.2.5]")],
    *[row("non_fqdn_recipient", recipient=address) for address in ("x@local", "x@[127.0.0.1]")],
    *[row("unknown_sender", sender=address) for address in (
        "x@absent.test", "x@null.test", "x@nohost.test", "x@implicit.test", "x@lost.test", "", "x@[192.0.2.5]")],
    *[row("unknown_recipient", recipient=f"x@{domain}.test") for domain in ("absent", "null", "nohost", "implicit")],
    *[row(name, client="192.0.2.66") for name in ("rbl", "rbl_filter", "rbl_filtered")],
]


class RestrictionLanguageTest(WorldTestCase):
    def setUp(self):
        super().setUp()
        self.directory = os.path.join(self.world.directory, "language")
        os.makedirs(self.directory, mode=0o755, exist_ok=True)
        self.tables = {name: os.path.join(self.directory, name) for name in TABLES}
        for name, text in TABLES.items():
            with open(self.tables[name], "w", encoding="ascii") as file:
                file.write(text)

    def verifyd_with_classes(self, **settings):
        classes = {f"{name}_restrictions": text.format(**self.tables) for name, text in LISTS.items()}
        return self.started(restriction_classes=" ".join(LISTS), mynetworks="127.0.0.0/8, 192.0.2.0/24", **classes, **settings)

    def gateway(self):
        """A Postfix with two ports for each list: its own, and verifyd's."""
        address = self.world.block.address(60)
        self.ports, services = {}, {}
        for name, text in LISTS.items():
            policy = f"check_policy_service {{ inet:{self.world.policy_endpoint}, policy_context={name}, default_action=521 }}"
            for kind, checks in (("theirs", text.format(**self.tables)), ("ours", policy)):
                self.ports[name, kind] = port = 2700 + len(services)
                services[address, port] = {"smtpd_recipient_restrictions": f"{checks}, permit"}
        gateway = Postfix(
            os.path.join(self.directory, "gateway"),
            "language.test",
            {
                "smtpd_relay_restrictions": "check_client_access static:permit, reject_unauth_destination",
                "smtpd_authorized_xclient_hosts": "127.0.0.0/8",
                "mynetworks": "127.0.0.0/8, 192.0.2.0/24",
                "smtpd_client_restrictions": "",
                "strict_rfc821_envelopes": "no",
                "append_at_myorigin": "no",
                "recipient_delimiter": "+",
                "append_dot_mydomain": "no",
                "resolve_numeric_domain": "yes",
                "smtpd_peername_lookup": "no",
                "max_use": "100",
            },
            services,
            name_server=self.world.names.address,
        )
        self.addCleanup(gateway.close)
        self.gateway_address = address
        return gateway

    def reply(self, one, kind):
        """(code, enhanced code, text)"""
        with smtplib.SMTP(self.gateway_address, self.ports[one.list, kind], "x.test", timeout=30) as client:
            client.ehlo()
            address = f"IPV6:{one.client}" if ":" in one.client else one.client
            code, text = client.docmd("XCLIENT", f"ADDR={address} NAME={one.name}")
            self.assertEqual(code, 220, text)
            self.assertEqual(client.docmd("EHLO", one.helo)[0], 250)
            code, text = client.docmd("MAIL", f"FROM:<{one.sender}>")
            self.assertEqual(code, 250, text)
            code, text = client.docmd("RCPT", f"TO:<{one.recipient}>")
        enhanced, _, words = text.decode().partition(" ")
        return code, enhanced, words

    def test_the_same_list_says_the_same_as_postfix(self):
        self.verifyd_with_classes()
        self.gateway()
        self.assertGreaterEqual(len(ROWS), 60)
        for one in ROWS:
            with self.subTest(**one._asdict()):
                theirs, ours = self.reply(one, "theirs"), self.reply(one, "ours")
                enhanced = AS_OF_A_RECIPIENT.get(theirs[1], theirs[1])
                self.assertEqual(ours[:2], (theirs[0], enhanced), (ours, theirs))
                before = f"<{one.recipient}>: Recipient address rejected: "
                self.assertIn(theirs[2], (ours[2], ours[2].removeprefix(before)))

    def test_a_table_that_is_none_is_told_with_its_line(self):
        with open(self.tables["senders"], "a", encoding="ascii") as file:
            file.write("example.com refuse\n")
        verifyd = self.verifyd(sender_restrictions=f"check_sender_access texthash:{self.tables['senders']}")
        checked = verifyd.run("--check")
        self.assertNotEqual(checked.returncode, 0)
        self.assertRegex(checked.stdout + checked.stderr, r"senders:6: .*unknown restriction \"refuse\"")


class SubmissionTest(WorldTestCase):
    """Users who have logged in by Dovecot, and whose recipients are verified in any domain."""

    def setUp(self):
        super().setUp()
        directory = tempfile.mkdtemp(prefix="submission", dir=self.world.directory)
        os.chmod(directory, 0o755)
        self.world.dovecot
        policy = f"inet:{self.world.policy_endpoint}"
        address, self.ports = self.world.block.address(61), {}
        services = {}
        for name, options in (("context", ", policy_context=submission"), ("login", "")):
            self.ports[name] = 2800 + len(services)
            services[address, self.ports[name]] = {
                "smtpd_recipient_restrictions": f"check_policy_service {{ {policy}{options} }}, permit_sasl_authenticated, reject"
            }
        self.gateway = Postfix(
            directory,
            "submission.test",
            {
                "smtpd_sasl_auth_enable": "yes",
                "smtpd_sasl_type": "dovecot",
                "smtpd_sasl_path": self.world.dovecot.auth_socket,
                "smtpd_sasl_security_options": "noanonymous",
                "smtpd_relay_restrictions": "permit_sasl_authenticated, reject",
            },
            services,
        )
        self.addCleanup(self.gateway.close)
        self.address = address

    def reply(self, recipient, port):
        with smtplib.SMTP(self.address, self.ports[port], "client.test", timeout=30) as client:
            client.ehlo()
            client.login("grace@dovecot.test", "secret")
            self.assertEqual(client.mail("grace@dovecot.test")[0], 250)
            code, text = client.rcpt(recipient)
            return code, text.decode()

    def test_recipients_anywhere_are_verified_and_only_what_is_said_of_them_refuses(self):
        self.started(verify_domains="dovecot.test", unverified_recipient_reject_code=550)
        for port in self.ports:
            with self.subTest(port=port):
                self.assertEqual(self.reply("alice@good.test", port)[0], 250)
                code, text = self.reply("nobody@good.test", port)
                self.assertEqual(code, 550)
                self.assertIn("undeliverable address: host mx.good.test", text)
                # A queue retries better than a person with a mail program.
                self.assertEqual(self.reply("alice@busy.test", port)[0], 250)
                self.assertEqual(self.reply("alice@blocks.test", port)[0], 250)
                self.assertEqual(self.reply("x@null.test", port)[0], 550)


class DisposableDomainsTest(WorldTestCase):
    """Uses the list that scripts/disposable-domains makes."""

    def table_of(self, name, data):
        """The path of the table that the script makes from a file."""
        directory = tempfile.mkdtemp(prefix="disposable", dir=self.world.directory)
        source, table = os.path.join(directory, name), os.path.join(directory, "table")
        with open(source, "wb") as file:
            file.write(data)
        with open(table, "wb") as file:
            subprocess.run([os.path.join(SOURCE, "scripts", "disposable-domains"), source], stdout=file, check=True, timeout=20)
        return table

    def archive(self):
        """An archive as npm makes it."""
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:gz") as archive:
            for name, domains in (("index", ["throwaway.test"]), ("wildcard", ["any.test"])):
                text = json.dumps(domains).encode()
                member = tarfile.TarInfo(f"package/{name}.json")
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text))
        return out.getvalue()

    def test_lists_of_all_forms_refuse_their_domains_and_what_is_below(self):
        for name, data in (
            ("lines", b"# comment\nthrowaway.test\nany.test # here, too\n"),
            ("list.json", b'["throwaway.test", "ANY.test."]'),
            ("package.tgz", self.archive()),
        ):
            with self.subTest(name=name):
                verifyd = self.started(
                    disposable_domains=f"texthash:{self.table_of(name, data)}",
                    recipient_restrictions="reject_disposable_sender, reject_disposable_recipient",
                )
                with verifyd.policy() as client:
                    text = "Disposable addresses are not accepted"
                    self.assertEqual(client.ask("x@mail.any.test")[0], f"554 5.7.1 {text}")
                    self.assertEqual(client.ask("x@good.test")[0], "DUNNO")
                    action, _ = client.ask("x@good.test", sender="y@a.throwaway.test")
                    self.assertEqual(action, f"554 5.7.1 <y@a.throwaway.test>: Sender address rejected: {text}")
                verifyd.stop()
