"""Many addresses of one domain take few connections, and each gets its own answer."""

import json

from world_test_case import WorldTestCase

ADDRESSES = 1000
CONNECTIONS = 30  # at most


class BatchTest(WorldTestCase):
    def setUp(self):
        super().setUp()
        target = self.target("any.test")
        self.known = {f"user{number}" for number in range(0, ADDRESSES, 3)}
        target.users = set(self.known)
        self.daemon = self.routed(f"batch.test smtp:[{target.address}]:{target.port}")

    def verify(self, count):
        """{local part: status} of a list that `verifyctl verify -` is given."""
        addresses = "".join(f"user{number}@batch.test\n" for number in range(count))
        result = self.daemon.ctl("--json", "verify", "-", text=addresses)
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertEqual(len(lines), count, result.stderr)
        return {line["address"].partition("@")[0]: line["status"] for line in lines}

    def assert_each_has_its_own_answer(self, statuses):
        wrong = [
            (name, status)
            for name, status in statuses.items()
            if status != ("deliverable" if name in self.known else "undeliverable")
        ]
        self.assertEqual(wrong, [])

    def test_a_list_takes_few_connections_and_each_address_has_its_own_answer(self):
        statuses = self.verify(ADDRESSES)
        target = self.target("any.test")
        self.assertEqual(len(statuses), ADDRESSES)
        self.assert_each_has_its_own_answer(statuses)
        asked = {f"{name}@batch.test" for name in statuses}
        self.assertEqual(sorted(name for name in target.recipients if name in asked), sorted(asked), "each once")
        # Its postmaster, to see whether the route is to be believed, and two addresses that can not exist.
        self.assertLessEqual(len(target.recipients) - len(asked), 3)
        self.assertLessEqual(target.sessions, CONNECTIONS)
        self.assertLessEqual(target.most_sessions, 20, "probe_route_concurrency_limit")
        self.assertGreater(target.early_commands, 0, "PIPELINING is offered")

    def test_a_server_that_does_not_offer_pipelining_is_never_sent_two_commands_at_once(self):
        target = self.target("any.test")
        target.extensions = ["ENHANCEDSTATUSCODES"]
        self.assert_each_has_its_own_answer(self.verify(100))
        self.assertEqual(target.early_commands, 0)

    def test_a_server_that_drops_the_connection_in_the_middle_leaves_no_address_without_an_answer(self):
        target = self.target("any.test")
        target.recipients_per_session = 7
        statuses = self.verify(100)
        for name, status in statuses.items():
            self.assertIn(status, ("deliverable" if name in self.known else "undeliverable", "unknown"), name)
        unknown = [name for name, status in statuses.items() if status == "unknown"]
        self.assertLessEqual(len(unknown), 5, "they are asked again on another connection")

    def test_smtp_sink_takes_a_list(self):
        self.world.sink
        self.daemon.stop()
        self.daemon = self.routed(f"batch.test smtp:[{self.world.address_of('sink.test')}]:{self.world.smtp_port}")
        self.assertEqual(set(self.verify(200).values()) - {"deliverable"}, {"risky"}, "it accepts everybody")
