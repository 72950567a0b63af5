"""The world of an ordinary gateway: it is the MX of the domains that it relays, and has routes, aliases, classes and
transports in its main.cf and master.cf, which are not repeated for verifyd.

`GatewayWorld` has the name server and the servers behind the gateway. `ordinary_gateway` is the gateway. `RECIPIENTS` are
those that a client may name to it, each with the class of the answer that Postfix itself gives. A `GatewayTestCase` has a
world of its own, and daemons that know of Postfix what the packaged settings say.
"""

import functools
import os
import shutil
import smtplib
import subprocess
import tempfile
import unittest

import daemon
from dovecot import Dovecot
from loopback import POLICY_PORT, SMTP_PORT, AddressBlock
from name_server import NameServer
from postfix import Postfix
from smtp_target import SmtpTarget, TargetLoop
from socketmap_server import SocketmapServer
from world_test_case import build_directory

GATE, DNS, DOVECOT, NOBODY = 60, 53, 14, 99
# Ports at which a client may ask: stock verify(8), or verifyd in either of README's ways.
PORTS = {"stock": 2701, "policy": 2702, "verify": 2703}
SOCKETMAP_PORT = 2704

# Name of a server: (number of its address, its port, its users).
SERVERS = {
    "byname": (61, 25, ("alice", "postmaster")),
    "primary": (62, 25, ("alice", "postmaster")),
    "inside": (63, SMTP_PORT, ("alice", "alice+news", "bob", "postmaster")),
    "second": (64, SMTP_PORT, ("carol", "vip", "postmaster")),
    "nat": (65, SMTP_PORT, ("dora", "postmaster")),
    "busy": (66, SMTP_PORT, ()),
    "anybody": (67, SMTP_PORT, None),
}
BUSY = "451 4.3.0 Temporary directory failure"
LMTP_USERS = ("grace@lmtp.test", "ivy@town.test", "jack@boxes.test", "heidi@inet.test")

ZONE = [
    "gate IN A {60}",
    "byname IN MX 10 mx.byname",
    "mx.byname IN A {61}",
    "backup IN MX 10 mx.primary",
    "backup IN MX 20 gate",
    "mx.primary IN A {62}",
    *[
        f"{domain} IN MX 10 gate"
        for domain in ("routed", "vip", "second", "nat", "clone", "busy", "any", "lmtp", "inet", "town", "boxes", "own",
                       "aliases", "closed", "gone", "www.sub")
    ],
]

TRANSPORTS = """\
routed.test          smtp:[{63}]:2525
vip@routed.test      smtp:[{64}]:2525
.sub.test            relay:[{63}]:2525
nat.test             direct_smtp:[{65}]:2525
lmtp.test            lmtp:unix:{lmtp}
busy.test            smtp:[{66}]:2525
any.test             smtp:[{67}]:2525
"""
MORE_TRANSPORTS = """\
second.test          smtp:[{64}]:2525
clone.test           slow_relay:[{64}]:2525
inet.test            lmtp:inet:{14}:2525
closed.test          smtp:[{99}]:2525
gone.test            error:5.1.2 this customer is gone
"""
ALIASES = """\
info@aliases.test    alice@routed.test
stale@aliases.test   nobody@routed.test
team@aliases.test    alice@routed.test, carol@second.test
office@routed.test   bob@routed.test
lost@routed.test     nobody@second.test
"""
ASKED_ALIASES = {"paula@aliases.test": "carol@second.test", "quitter@aliases.test": "nobody@second.test"}
PATTERNS = r"""
/^sales-[0-9]+@aliases\.test$/  alice@routed.test
/^ex-.*@aliases\.test$/         nobody@routed.test
"""
CANONICAL = "old.alice@routed.test alice@routed.test\n"

# A transport as in ADDRESS_VERIFICATION_README, and a clone without settings of its own.
TRANSPORT_SERVICES = """\
direct_smtp      unix  -       -       n       -       -       smtp
  -o smtp_helo_name=nat.box.tld
slow_relay       unix  -       -       n       -       -       smtp
"""

# Recipient: the class of Postfix's own answer. For each server, existing users come first.
RECIPIENTS = {
    # One transport map that postmap(1) has made, and one of text.
    "alice@routed.test": 2,
    "nobody@routed.test": 5,
    "bob@routed.test": 2,
    "robert@routed.test": 5,
    "alice@www.sub.test": 2,
    "nobody@www.sub.test": 5,
    "carol@second.test": 2,
    "alice@second.test": 5,
    "anybody@any.test": 2,
    # One user of a domain is elsewhere.
    "vip@routed.test": 2,
    # Plus addresses: the server behind knows one of them.
    "alice+news@routed.test": 2,
    "alice+other@routed.test": 5,
    "bob+news@routed.test": 5,
    "vip+news@routed.test": 5,
    # Transports of master.cf.
    "dora@nat.test": 2,
    "nobody@nat.test": 5,
    "carol@clone.test": 2,
    "nobody@clone.test": 5,
    # LMTP, for each class of domains.
    "grace@lmtp.test": 2,
    "nobody@lmtp.test": 5,
    "grace+box@lmtp.test": 2,
    "heidi@inet.test": 2,
    "nobody@inet.test": 5,
    "ivy@town.test": 2,
    "nobody@town.test": 5,
    "jack@boxes.test": 2,
    "nobody@boxes.test": 5,
    # Without a route, DNS gives the hosts, and Postfix leaves itself out of them.
    "alice@byname.test": 2,
    "nobody@byname.test": 5,
    "alice@backup.test": 2,
    "nobody@backup.test": 5,
    # Aliases of a file, of a server, and of a pattern, with and without plus addresses.
    "info@aliases.test": 2,
    "stale@aliases.test": 5,
    "team@aliases.test": 2,
    "info+news@aliases.test": 2,
    "info+other@aliases.test": 5,
    "missing@aliases.test": 5,
    "office@routed.test": 2,
    "lost@routed.test": 5,
    "paula@aliases.test": 2,
    "quitter@aliases.test": 5,
    "sales-7@aliases.test": 2,
    "ex-boss@aliases.test": 5,
    "old.alice@routed.test": 2,
    # Faults behind the gateway, and in its own settings.
    "alice@busy.test": 4,
    "alice@closed.test": 4,
    "alice@gone.test": 5,
    "alice@own.test": 5,
}


class GatewayWorld:
    smtp_port = 25

    def __init__(self):
        self.block = AddressBlock()
        self.directory = tempfile.mkdtemp(prefix="verifyd-gate-")
        os.chmod(self.directory, 0o755)
        self._closers = [self.block.close, lambda: shutil.rmtree(self.directory, ignore_errors=True)]
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self):
        zone = [self.written(line) for line in ZONE]
        self.names = self._kept(NameServer(os.path.join(self.directory, "nsd"), self.block.address(DNS), zone))
        loop = self._kept(TargetLoop())
        self.servers = {}
        for name, (number, port, users) in SERVERS.items():
            server = SmtpTarget(loop, f"mx.{name}.test", self.block.address(number), port, users=users)
            self.servers[name] = self._kept(server)
        self.reset()
        self.aliases = self._kept(SocketmapServer(self.block.address(GATE), SOCKETMAP_PORT, {"people": ASKED_ALIASES}))

    def reset(self):
        for name, (_, _, users) in SERVERS.items():
            self.servers[name].reset(users=users, replies={"RCPT": BUSY} if name == "busy" else None)

    @functools.cached_property
    def dovecot(self):
        place = os.path.join(self.directory, "dovecot")
        return self._kept(Dovecot(place, self.block.address(DOVECOT), SMTP_PORT, "mx.lmtp.test", LMTP_USERS))

    def written(self, text, **names):
        """Replaces each {NUMBER} by its address."""
        for number in range(10, 100):
            text = text.replace(f"{{{number}}}", self.block.address(number))
        for name, value in names.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    @property
    def policy_endpoint(self):
        return f"{self.block.address(1)}:{POLICY_PORT}"

    def postfix(self, name, settings, services, tables=(), more="", hashed=()):
        """A Postfix of this world, which asks its name server; `hashed`: the tables that postmap(1) compiles.

        It is behind a NAT: the address of its MX is on no interface here.
        """
        directory = os.path.join(self.directory, name)
        postfix = Postfix(
            directory,
            "gate.test",
            {"proxy_interfaces": self.block.address(GATE), **settings},
            services,
            tables,
            more=more,
            name_server=self.block.address(DNS),
        )
        self._kept(postfix)
        for table in hashed:
            subprocess.run(["/usr/sbin/postmap", "-c", f"{directory}/config", f"hash:{directory}/{table}"], check=True, timeout=20)
        return postfix

    def _kept(self, server):
        self._closers.append(server.close)
        return server

    def close(self):
        while self._closers:
            self._closers.pop()()


def ordinary_gateway(world):
    """Postfix with PORTS, and the settings that an administrator has before installing verifyd."""
    directory = os.path.join(world.directory, "gateway")
    lmtp = world.dovecot.unix_socket
    policy = f"check_policy_service {{ inet:{world.policy_endpoint}, timeout=15s, default_action=DUNNO }}"
    ways = {
        "stock": {"smtpd_recipient_restrictions": "reject_unauth_destination, reject_unverified_recipient"},
        "policy": {"smtpd_recipient_restrictions": f"reject_unauth_destination, {policy}"},
        "verify": {
            "smtpd_recipient_restrictions": "reject_unauth_destination, reject_unverified_recipient",
            "address_verify_service_name": "verifyd",
            "address_verify_poll_count": "1",
        },
    }
    return world.postfix(
        "gateway",
        {
            "mydestination": "$myhostname, town.test",
            "local_transport": f"lmtp:unix:{lmtp}",
            "virtual_mailbox_domains": "boxes.test",
            "virtual_transport": f"lmtp:unix:{lmtp}",
            "relay_domains": f"routed.test, sub.test, texthash:{directory}/relayed",
            "transport_maps": f"hash:{directory}/transport, texthash:{directory}/more_transport",
            "virtual_alias_domains": "aliases.test",
            "virtual_alias_maps": f"texthash:{directory}/aliases, socketmap:inet:{world.aliases.endpoint}:people, "
            f"proxy:regexp:{directory}/patterns",
            "recipient_canonical_maps": f"texthash:{directory}/canonical",
            "recipient_delimiter": "+",
            "address_verify_map": f"btree:{directory}/data/verify_cache",
            "address_verify_poll_count": "20",
            "address_verify_poll_delay": "1s",
            "unverified_recipient_reject_code": "550",
        },
        {(world.block.address(GATE), PORTS[way]): settings for way, settings in ways.items()},
        {
            "relayed": "".join(
                f"{name}.test yes\n"
                for name in ("second", "nat", "clone", "lmtp", "inet", "busy", "any", "closed", "gone", "byname", "backup", "own")
            ),
            "transport": world.written(TRANSPORTS, lmtp=lmtp),
            "more_transport": world.written(MORE_TRANSPORTS),
            "aliases": ALIASES,
            "patterns": PATTERNS,
            "canonical": CANONICAL,
        },
        more=TRANSPORT_SERVICES,
        hashed=("transport",),
    )


class GatewayTestCase(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.world = GatewayWorld()
        cls.addClassCleanup(cls.world.close)

    def setUp(self):
        self.world.reset()

    def verifyd(self, gateway, listener=None, **settings):
        """A started daemon that knows where Postfix has its settings, and nothing else of Postfix."""
        directory = tempfile.mkdtemp(prefix="daemon", dir=self.world.directory)
        of_a_test = daemon.settings_for(self.world, directory)
        names = ("policy_listen", "control_socket", "data_directory", "dns_servers", "probe_permit_networks")
        ours = {name: of_a_test[name] for name in names}
        ours["postfix_config_directory"] = os.path.join(gateway.directory, "config")
        verifyd = daemon.Verifyd(build_directory(), directory, {**ours, **settings})
        self.addCleanup(verifyd.stop)
        return verifyd.start(listener, "verify")

    def rcpt(self, recipient, port):
        """(code, text) that a client of the gateway gets."""
        with smtplib.SMTP(self.world.block.address(GATE), port, "client.test", timeout=40) as client:
            client.ehlo()
            client.mail("someone@client.test")
            code, text = client.rcpt(recipient)
            return code, text.decode()
