"""All doors answer alike about the same address: a row an address, a column a door.

A new door is one more line of DOORS: how to ask there, and how it words each decision.
"""

import collections
import random
import threading

from lookup_client import LINE_PORT, SOCKETMAP_PORT, TCP_TABLE_PORT, LineClient, SocketmapClient, TcpTableClient, lookup_settings
from loopback import MILTER_PORT, POLICY_PORT
from mail_world import BLOCKED
from milter_client import MilterClient
from policy_client import PolicyClient
from verify_client import VerifyClient
from world_test_case import WorldTestCase


class PolicyAsker(PolicyClient):
    def ask(self, recipient):
        return super().ask(recipient)[0]


class VerifyAsker(VerifyClient):
    def ask(self, recipient):
        status, reason, _ = super().ask(recipient)
        return "0" if status == 0 else f"{status} {reason}"


VERIFY_PORT = 10096

# `accepted`, `rejected`, `deferred`: the answer then; `not_ours`: the answer about a domain that is not verified. {text}
# stands for what the server said.
Door = collections.namedtuple("Door", "name port client accepted rejected deferred not_ours")

REJECTED = "550 5.1.1 undeliverable address: {text}"
DEFERRED = "4.1.1 unverified address: {text}"
DOORS = [
    Door("policy", POLICY_PORT, PolicyAsker, "DUNNO", REJECTED, f"DEFER_IF_PERMIT {DEFERRED}", "DUNNO"),
    Door("milter", MILTER_PORT, MilterClient, "continue", REJECTED, f"450 {DEFERRED}", "continue"),
    Door("verify", VERIFY_PORT, VerifyAsker, "0", "2 {text}", "1 {text}", "0"),
    Door("socketmap", SOCKETMAP_PORT, SocketmapClient, "NOTFOUND ", f"OK {REJECTED}", f"OK DEFER_IF_PERMIT {DEFERRED}", "NOTFOUND "),
    Door("tcp_table", TCP_TABLE_PORT, TcpTableClient, "500 not found", f"200 {REJECTED}", f"200 DEFER_IF_PERMIT {DEFERRED}", "500 not found"),
    Door("line", LINE_PORT, LineClient, "accept", f"deny {REJECTED}", f"defer 450 {DEFERRED}", "unknown"),
]

UNKNOWN = "550 5.1.1 <{address}>: Recipient address rejected: User unknown"
SAID = "host mx.{domain}[{host}] said: {reply} (in reply to RCPT TO command)"

# Address, column of DOORS, reply of its server.
ADDRESSES = [
    ("alice@good.test", "accepted", ""),
    ("bob@good.test", "accepted", ""),
    ("anybody@any.test", "accepted", ""),
    ("nobody@good.test", "rejected", UNKNOWN),
    ("no.body@good.test", "rejected", UNKNOWN),
    ("nobody@down.test", "rejected", UNKNOWN),
    ("alice@blocks.test", "deferred", BLOCKED),
    ("alice@busy.test", "deferred", "451 4.3.0 Temporary directory failure"),
    ("joe@not-ours.example", "not_ours", ""),
]
CLIENTS = 4  # of each door
ROUNDS = 20


class AllDoorsTest(WorldTestCase):
    def setUp(self):
        super().setUp()
        address = self.world.block.address(1)
        self.started(
            verify_domains=".test", unverified_recipient_reject_code=550, milter_listen=f"inet:{address}:{MILTER_PORT}",
            verify_listen=f"inet:{address}:{VERIFY_PORT}", verify_service_any_domain="no", **lookup_settings(self.world)
        )

    def expected(self, door, row):
        address, column, reply = row
        domain = address.partition("@")[2]
        host = self.target(domain).address if reply else ""
        said = SAID.format(domain=domain, host=host, reply=reply.format(address=address))
        return getattr(door, column).format(text=said)

    def open(self, door):
        return door.client((self.world.block.address(1), door.port))

    def test_each_says_of_each_address_what_the_table_says(self):
        for door in DOORS:
            with self.open(door) as client:
                for row in ADDRESSES:
                    with self.subTest(door=door.name, address=row[0]):
                        self.assertEqual(client.ask(row[0]), self.expected(door, row))

    def test_all_at_once_and_under_load_say_the_same(self):
        wrong = []

        def ask_all(door, chooser):
            with self.open(door) as client:
                for row in chooser.sample(ADDRESSES * ROUNDS, len(ADDRESSES) * ROUNDS):
                    answer = client.ask(row[0])
                    if answer != self.expected(door, row):
                        wrong.append((door.name, row[0], answer))

        threads = [
            threading.Thread(target=ask_all, args=(door, random.Random(number)))
            for door in DOORS
            for number in range(CLIENTS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(50)
        self.assertEqual(wrong, [])
        # However many clients asked at the same time, each address was asked about once.
        self.assertEqual(sorted(self.target("good.test").recipients), sorted(row[0] for row in ADDRESSES if "@good" in row[0]))
