"""No client takes what others need: budgets of unknown users, probes under way, questions of DNS."""

import asyncio
import itertools
import time

from hostile_world import HostileWorldTestCase, ask, client_address
from loopback import DNS_PORT
from silent_names import SilentNames

USERS = [f"user{number}" for number in range(2000)]


class HostileBudgetTest(HostileWorldTestCase):
    """A client that asks for users who do not exist uses up only its own budget."""

    def world(self, **settings):
        self.names(
            "big IN MX 10 mx.provider", "other IN MX 10 mx.provider", "our IN MX 10 mx.provider", "mx.provider IN A {2}"
        )
        self.provider = self.server(2, "mx.provider.test", users=USERS)
        self.verifyd(**settings)

    def harvest(self, domain, count, clients=1, **attributes):
        """Asks for `count` users who do not exist. Returns the answers."""
        addresses = [client_address() for _ in range(clients)]
        answers = []
        for begin in range(0, count, 20):
            questions = [
                ask(
                    self.endpoint,
                    f"nobody{number}@{domain}",
                    client_address=addresses[number % clients],
                    **attributes,
                )
                for number in range(begin, begin + 20)
            ]
            answers += self.loop.run(self._all(questions), 30)
        return answers

    @staticmethod
    async def _all(questions):
        return await asyncio.gather(*questions)

    def test_one_client_silences_neither_a_domain_nor_its_neighbours(self):
        self.world()
        innocents = [self.innocents(domain, rate=4) for domain in ("big.test", "other.test")]
        answers = self.harvest("big.test", 260)
        later = [self.innocents(domain, rate=4, name="user1") for domain in ("big.test", "other.test")]
        time.sleep(4)
        for some in innocents + later:
            self.assertUnharmed(some)
        self.assertIn("not asked", answers[-1], "he is over budget himself")

    def test_many_clients_silence_nobody_who_is_new(self):
        self.world()
        self.harvest("big.test", 260, clients=260)
        innocents = self.innocents("big.test", rate=4)
        time.sleep(5)
        self.assertUnharmed(innocents)

    def test_what_a_harvester_asked_in_vain_is_not_remembered_against_the_user(self):
        self.world()
        harvester = client_address()
        for begin in range(0, 60, 20):
            addresses = [f"nobody{number}@big.test" for number in range(begin, begin + 20)]
            self.ask_all(addresses, client_address=harvester)
        self.assertIn("not asked", self.ask("user7@big.test", client_address=harvester))
        self.assertEqual(self.ask("user7@big.test"), "DUNNO")

    def test_an_own_domain_has_no_budget(self):
        self.world(relay_domains="our.test")
        innocents = self.innocents("our.test", rate=4)
        answers = self.harvest("our.test", 300)
        time.sleep(4)
        self.assertUnharmed(innocents)
        self.assertEqual([answer for answer in answers if not answer.startswith("550")], [])

    def test_forged_senders_put_off_no_sender(self):
        self.world(sender_restrictions="reject_unverified_sender", recipient_restrictions="permit")
        forger = client_address()
        for begin in range(0, 220, 20):
            questions = [
                ask(
                    self.endpoint,
                    "someone@our.test",
                    sender=f"nobody{number}@big.test",
                    client_address=forger if number % 2 else client_address(),
                )
                for number in range(begin, begin + 20)
            ]
            self.loop.run(self._all(questions), 30)
        answers = []
        for number in range(20):
            client = forger if number % 2 else client_address()
            sender = f"user{number}@{('big.test', 'other.test')[number // 10]}"
            answers.append(self.ask("someone@our.test", sender=sender, client_address=client))
        self.assertEqual([answer for answer in answers if not answer.startswith("DUNNO")], [])


class HostileFlightsTest(HostileWorldTestCase):
    """The places of probes, and of questions that wait for them, are shared out."""

    LIMIT = 200

    def world(self, **settings):
        self.names(
            "good IN MX 10 mx.good",
            "our IN MX 10 mx.good",
            "mx.good IN A {2}",
            "*.evil IN MX 10 mx.evil",
            "mx.evil IN A {4}",
            *(f"evil{number} IN MX 10 mx.evil" for number in range(40)),
            *(f"foul{number} IN MX 10 mx.foul{number}" for number in range(40)),
            *(f"mx.foul{number} IN A {{4}}" for number in range(40)),
        )
        self.server(2, "mx.good.test")
        self.server(4, "mx.evil.test", delays={"banner": 300})
        self.verifyd(
            address_verify_pending_request_limit=str(self.LIMIT),
            address_verify_waiter_limit=str(self.LIMIT),
            **settings,
        )

    def attack(self, domains):
        """Sends questions that no server will answer, twice as many as there is room for."""

        async def start():
            loop = asyncio.get_running_loop()
            names = itertools.cycle(domains)
            for number in range(2 * self.LIMIT):
                tasks.append(loop.create_task(ask(self.endpoint, f"user{number}@{next(names)}")))

        async def end():
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        tasks = []
        self.loop.run(start())
        self.addCleanup(lambda: self.loop.run(end()))
        time.sleep(1)

    def test_a_silent_domain_leaves_probes_to_others(self):
        self.world()
        self.attack([f"n{number}.evil.test" for number in range(50)])
        innocents = self.innocents("good.test", rate=4)
        time.sleep(10)
        self.assertUnharmed(innocents)

    def test_many_domains_of_one_silent_server_leave_probes_to_others(self):
        self.world()
        self.attack([f"evil{number}.test" for number in range(40)])
        innocents = self.innocents("good.test", rate=4)
        time.sleep(10)
        self.assertUnharmed(innocents)

    def test_many_silent_domains_leave_probes_to_our_own(self):
        self.world(relay_domains="our.test")
        self.attack([f"foul{number}.test" for number in range(40)])
        innocents = self.innocents("our.test", rate=4)
        time.sleep(10)
        self.assertUnharmed(innocents)


class HostileNamesTest(HostileWorldTestCase):
    """Names whose servers are silent delay no others."""

    def test_sixty_dead_sender_domains_a_second_put_off_nobody(self):
        self.name_server = SilentNames(
            self.loop,
            self.block.address(1),
            DNS_PORT,
            {"our.test": self.block.address(2), "good.test": self.block.address(4)},
        )
        self.addCleanup(self.name_server.close)
        self.server(2, "mx.our.test")
        self.server(4, "mx.good.test")
        self.verifyd(
            relay_domains="our.test",
            sender_restrictions="reject_unknown_sender_domain",
            recipient_restrictions="reject_unverified_recipient",
        )
        attack = self.loop.run(self._ask_for_dead_senders())
        self.addCleanup(attack.cancel)
        time.sleep(2)
        innocents = [self.innocents(domain, rate=2, attributes={"sender": ""}) for domain in ("our.test", "good.test")]
        time.sleep(12)
        for some in innocents:
            self.assertUnharmed(some)
        self.assertGreater(self.name_server.in_vain, 500)

    async def _ask_for_dead_senders(self):
        async def ask_on():
            asking = []
            begin = time.monotonic()
            while True:
                # First as many as there is room for at once, then sixty a second.
                while len(asking) < 500 + 60 * (time.monotonic() - begin):
                    sender = f"someone@dead{len(asking)}.test"
                    question = ask(self.endpoint, "", sender=sender, protocol_state="MAIL", client_address="192.0.2.66")
                    asking.append(asyncio.get_running_loop().create_task(question))
                    asking[-1].add_done_callback(lambda task: task.cancelled() or task.exception())
                await asyncio.sleep(0.05)

        return asyncio.get_running_loop().create_task(ask_on())
