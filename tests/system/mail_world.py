"""The loopback mail world: a name server, and mail servers of all kinds.

`MailWorld` starts the name server and the scripted servers. The real ones (`sink`, `recipient_table`, `gateway`,
`filtered_gateway`, `sender`, `sendmail`, `exim`, `dovecot`, `tempers`, `stock`) start at their first use.
`with MailWorld() as world:` leaves nothing behind.
"""

import functools
import glob
import os
import shutil
import tempfile

import postfix
from child import Child, accepts_connections
from dovecot import Dovecot
from exim import Exim
from filters import OpenDkim, Sink, spf_policy
from loopback import MILTER_PORT, POLICY_PORT, SMTP_PORT, AddressBlock, free_ipv6_port, free_port
from name_server import NameServer
from postgrey import Postgrey
from sendmail import Sendmail
from snippets import main_cf_settings, snippet
from smtp_target import DROP, SILENT, SmtpTarget, TargetLoop

BLOCKED = "554 5.7.1 Service unavailable; Client host [127.0.0.1] blocked using zen.spamhaus.org"
SLOW_SECONDS = 3.0
GREYLIST_SECONDS = 1

# Domain: (number of its mail server's address, fields of that server).
TARGETS = {
    "good.test": (2, {"users": ("alice", "bob", "postmaster")}),
    "slow.test": (3, {"users": ("alice",), "delays": {"RCPT": SLOW_SECONDS}}),
    "blocks.test": (4, {"replies": {"RCPT": BLOCKED}}),
    "grey.test": (5, {"users": ("alice",), "greylist": True}),
    "down.test": (6, {"users": ("alice",)}),
    "drops.test": (7, {"replies": {"RCPT": DROP}}),
    "silent.test": (8, {"replies": {"banner": SILENT}}),
    "any.test": (12, {}),
    "busy.test": (9, {"replies": {"RCPT": "451 4.3.0 Temporary directory failure"}}),
}
SINK, TABLE, STOCK, GATEWAY, VERIFY_GATEWAY, SENDER, DNS = 10, 11, 19, 25, 29, 30, 53
FILTERED_GATEWAY, DELIVERED, SENDMAIL, DKIM_PORTS = 26, 27, 28, (8891, 8892)
# Gateways that look recipients up, configured with packaging/snippets.
LOOKING_UP = {"postfix": 41, "exim": 42}
# Domain: the number of its real mail server's address.
REAL_TARGETS = {
    "sink.test": SINK,
    "table.test": TABLE,
    "exim.test": 13,
    "dovecot.test": 14,
    "encrypt.test": 15,
    "pause.test": 16,
    "soft.test": 17,
    "postgrey.test": 18,
}
# For verifyctl doctor: a good address, one whose name does not lead back, one on a blocklist, and a Postfix.
WELL, UNNAMED, LISTED, ACCEPTS = 30, 31, 32, 33
NOBODY = 99  # an address at which no program listens

SENDMAIL_SAMPLE = os.path.join(os.path.dirname(__file__), "..", "..", "packaging", "sendmail.mc.sample")

ODD_NAMES = [
    "null IN MX 0 .",
    "implicit IN A {2}",
    "nohost IN TXT \"no mail here\"",
    "lost IN MX 10 nowhere",
    "bogus IN MX 10 mx.bogus",
    "mx.bogus IN A 127.0.0.1",
    "spare IN MX 10 mx.spare",
    "spare IN MX 20 mx.good",
    "mx.spare IN A {99}",
    "alias IN CNAME good",
    "spf IN TXT \"v=spf1 ip4:192.0.2.9 -all\"",
    "six IN MX 10 mx.six",
    # A blocklist, and its answer about 192.0.2.66.
    "66.2.0.192.bl IN A 127.0.0.4",
    "66.2.0.192.bl IN TXT \"listed for the test\"",
    "mx.six IN AAAA ::1",
    "well IN A {30}",
    "well IN MX 10 mx.good",
    "well IN TXT \"v=spf1 a -all\"",
    "accepts IN MX 10 mx.accepts",
    "mx.accepts IN A {33}",
]


class MailWorld:
    def __init__(self):
        self.block = AddressBlock()
        self.directory = tempfile.mkdtemp(prefix="verifyd-world-")
        os.chmod(self.directory, 0o755)
        self._closers = [self.block.close, lambda: shutil.rmtree(self.directory, ignore_errors=True)]
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self):
        self.names = NameServer(
            os.path.join(self.directory, "nsd"),
            self.block.address(DNS),
            self._zone(),
            reverse_lines=self._reverse_zone(),
            broken_zones=("servfail.test",),
        )
        self._closers.append(self.names.close)
        loop = TargetLoop()
        self._closers.append(loop.close)
        self.targets = {}
        for domain, (number, manner) in TARGETS.items():
            target = SmtpTarget(loop, f"mx.{domain}", self.block.address(number), SMTP_PORT, **manner)
            self._closers.append(target.close)
            self.targets[domain] = target

    def _zone(self):
        servers = {domain: number for domain, (number, _) in TARGETS.items()}
        for domain, number in {**servers, **REAL_TARGETS}.items():
            label = domain.removesuffix(".test")
            yield f"{label} IN MX 10 mx.{label}"
            yield f"mx.{label} IN A {self.block.address(number)}"
        for line in ODD_NAMES:
            head, brace, number = line.partition("{")
            yield head + self.block.address(int(number.rstrip("}"))) if brace else line
        yield f"{self._reversed(LISTED)}.127.bl IN A 127.0.0.4"
        yield f"{self._reversed(LISTED)}.127.bl IN TXT \"listed for the doctor\""

    def _reverse_zone(self):
        yield f"{self._reversed(WELL)} IN PTR well.test."
        yield f"{self._reversed(LISTED)} IN PTR well.test."
        yield f"{self._reversed(UNNAMED)} IN PTR elsewhere.test."

    def _reversed(self, number):
        """The address within 127.in-addr.arpa."""
        return ".".join(self.block.address(number).split(".")[:0:-1])

    smtp_port = SMTP_PORT

    @property
    def policy_endpoint(self):
        return f"{self.block.address(1)}:{POLICY_PORT}"

    @property
    def milter_endpoint(self):
        return f"{self.block.address(1)}:{MILTER_PORT}"

    @functools.cached_property
    def sink(self):
        """Debian's smtp-sink, which accepts every recipient."""
        dump = os.path.join(self.directory, "sink-dump")
        os.mkdir(dump)
        shutil.chown(dump, "postfix")
        address = self.block.address(SINK)
        child = Child(
            "smtp-sink",
            ["/usr/sbin/smtp-sink", "-u", "postfix", "-d", f"{dump}/%s", f"{address}:{SMTP_PORT}", "100"],
            os.path.join(self.directory, "sink-output"),
        )
        self._closers.append(child.stop)
        child.wait_until(lambda: accepts_connections(address, SMTP_PORT), 10, "listen")
        return child

    @functools.cached_property
    def recipient_table(self):
        """A second real Postfix, which knows the users carol and dave of table.test."""
        directory = os.path.join(self.directory, "table")
        server = postfix.recipient_table_target(
            directory, self.block.address(TABLE), SMTP_PORT, "table.test", ("carol", "dave")
        )
        self._closers.append(server.close)
        return server

    @functools.cached_property
    def sender(self):
        """A real Postfix that delivers mail to `recipient_table`, for frank by way of `delivered`: see postfix.sender."""
        self.recipient_table
        return self._kept(
            postfix.sender(
                self._place("sender"),
                self.block.address(SENDER),
                SMTP_PORT,
                "table.test",
                f"[{self.block.address(TABLE)}]:{SMTP_PORT}",
                self.delivered.endpoint,
                ("frank",),
            )
        )

    @functools.cached_property
    def gateway(self):
        """The real Postfix that asks verifyd: see postfix.gateway."""
        domains = [*TARGETS, "sink.test", "table.test", "null.test", "implicit.test", "absent.test", "spare.test"]
        server = postfix.gateway(
            os.path.join(self.directory, "gateway"),
            self.block.address(GATEWAY),
            self.policy_endpoint,
            self.targets["good.test"],
            domains,
        )
        self._closers.append(server.close)
        return server

    @functools.cached_property
    def delivered(self):
        """The mail that the filtered gateway has accepted."""
        return self._kept(Sink(self._place("delivered"), self.block.address(DELIVERED), SMTP_PORT))

    @functools.cached_property
    def filtered_gateway(self):
        """The real Postfix that asks verifyd as a milter: see postfix.filtered_gateway."""
        address = self.block.address(FILTERED_GATEWAY)
        verifies = self._kept(OpenDkim(self._place("dkim-verifies"), address, DKIM_PORTS[0]))
        signs = self._kept(OpenDkim(self._place("dkim-signs"), address, DKIM_PORTS[1], signed_domain="spf.test"))
        return self._kept(
            postfix.filtered_gateway(
                self._place("filtered"),
                address,
                TARGETS,
                self.delivered,
                self.milter_endpoint,
                self.policy_endpoint,
                verifies.endpoint,
                signs.endpoint,
                spf_policy(self._place("spf"), self.names.endpoint),
            )
        )

    @functools.cached_property
    def verify_gateway(self):
        """A real Postfix for which verifyd is its verify(8): see postfix.verify_gateway."""
        return self._kept(
            postfix.verify_gateway(
                self._place("verify-gateway"),
                self.block.address(VERIFY_GATEWAY),
                self.targets["good.test"],
                [*TARGETS],
            )
        )

    @functools.cached_property
    def sendmail_filter_port(self):
        """The filter of the real Sendmail is on localhost, so its port is our own."""
        return free_port()

    @functools.cached_property
    def sendmail(self):
        """The real Sendmail, which asks the milter on `sendmail_filter_port`, as in the sample."""
        with open(SENDMAIL_SAMPLE, encoding="ascii") as sample:
            filters = sample.read().replace("inet:10091@", f"inet:{self.sendmail_filter_port}@")
        return self._kept(Sendmail(self._place("sendmail"), self.block.address(SENDMAIL), SMTP_PORT, filters))

    @functools.cached_property
    def exim(self):
        """Exim, which knows the users erin and frank of exim.test."""
        address = self.address_of("exim.test")
        return self._kept(Exim(self._place("exim"), address, SMTP_PORT, "exim.test", ("erin", "frank")))

    @functools.cached_property
    def dovecot(self):
        """Dovecot's LMTP, which knows the users grace and judy of dovecot.test, and heidi of lmtp.test."""
        users = ("grace@dovecot.test", "judy@dovecot.test", "heidi@lmtp.test")
        address = self.address_of("dovecot.test")
        return self._kept(Dovecot(self._place("dovecot"), address, SMTP_PORT, "mx.dovecot.test", users))

    @functools.cached_property
    def tempers(self):
        """Postfix in several configurations; it knows ivan and kim: see postfix.tempers."""
        greylisting = self._kept(Postgrey(self._place("postgrey"), delay=GREYLIST_SECONDS))
        addresses = {temper: self.address_of(f"{temper}.test") for temper in ("encrypt", "pause", "soft", "postgrey")}
        return self._kept(
            postfix.tempers(
                self._place("tempers"), addresses, SMTP_PORT, self.ipv6_port, ("ivan", "kim"), greylisting.socket_path
            )
        )

    @functools.cached_property
    def ipv6_port(self):
        """There is only one loopback address of IPv6, so its port is our own."""
        return free_ipv6_port()

    @functools.cached_property
    def stock(self):
        """A Postfix whose internal services are asked: see postfix.stock."""
        return self._kept(
            postfix.stock(
                self._place("stock"),
                self.block.address(STOCK),
                SMTP_PORT,
                self.targets["good.test"],
                self.dovecot.unix_socket,
            )
        )

    @functools.cached_property
    def lookup_postfix(self):
        """A Postfix that asks by looking up; see postfix.LOOKUP_PORTS."""
        address = self.block.address(LOOKING_UP["postfix"])
        snippets = {name: main_cf_settings(f"postfix-{name}.cf", self.block.address(1)) for name in postfix.LOOKUP_PORTS}
        return self._kept(postfix.lookup_gateway(self._place("lookups"), address, snippets, TARGETS))

    @functools.cached_property
    def lookup_exim(self):
        """An Exim that asks the line door."""
        address = self.block.address(LOOKING_UP["exim"])
        checks = snippet("exim.conf", self.block.address(1))
        return self._kept(Exim(self._place("lookup-exim"), address, SMTP_PORT, "*.test", (), checks))

    def _place(self, name):
        return os.path.join(self.directory, name)

    def address_of(self, domain):
        """The address of a real target."""
        return self.block.address(REAL_TARGETS[domain])

    def _kept(self, server):
        self._closers.append(server.close)
        return server

    def reset(self):
        """Sets every scripted server to its first state, and treats the logs as empty."""
        for domain, (_, manner) in TARGETS.items():
            self.targets[domain].reset(**manner)
        for name in ("gateway", "verify_gateway", "filtered_gateway", "tempers", "stock", "sender", "lookup_postfix"):
            if name in self.__dict__:
                self.__dict__[name].skip_log()

    def message_data(self):
        """Signs that a prober sent, or began to send, a message; the list must stay empty."""
        signs = [f"{target.name}: DATA" for target in self.targets.values() if target.commands["DATA"]]
        signs += glob.glob(os.path.join(self.directory, "sink-dump", "*"))
        return signs

    def close(self):
        while self._closers:
            self._closers.pop()()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
