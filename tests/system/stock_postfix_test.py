"""The internal services of a stock Postfix, asked over its own sockets.

verify(8) is asked as a route, and trivial-rewrite(8) for routes.
"""

from world_test_case import WorldTestCase

REJECT = "550 5.1.1 undeliverable address: "
DEFER = "DEFER_IF_PERMIT 4.1.1 "


class StockVerifyTest(WorldTestCase):
    """Only this Postfix knows stock.test and virtual.test: the name server says that they do not exist."""

    def setUp(self):
        super().setUp()
        socket_path = self.world.stock.private_socket("verify")
        self.daemon = self.routed(
            f"stock.test verify:unix:{socket_path}",
            f"virtual.test verify:unix:{socket_path}",
            f"absent.test verify:unix:{socket_path}-absent",
            unverified_recipient_reject_code=550,
            address_verify_poll_count=5,
        )

    def test_what_it_has_found_out_is_our_answer(self):
        self.assertEqual(self.ask(self.daemon, "alice@stock.test"), "DUNNO")
        action = self.ask(self.daemon, "nobody@stock.test")
        self.assertTrue(action.startswith(REJECT), action)
        self.assertIn("550 5.1.1 <nobody@stock.test>: Recipient address rejected: User unknown", action)
        target = self.target("good.test")
        self.assertEqual(target.recipients, ["alice@stock.test", "nobody@stock.test"])
        self.assertEqual(set(target.senders), {"double-bounce@stock.test"}, "it was verify(8) that asked")

    def test_a_class_that_smtp_can_not_ask_is_verified(self):
        self.assertEqual(self.ask(self.daemon, "heidi@virtual.test"), "DUNNO")
        action = self.ask(self.daemon, "nobody@virtual.test")
        self.assertTrue(action.startswith(REJECT), action)
        self.assertIn("unknown user", action)

    def test_what_it_could_not_find_out_is_temporary(self):
        self.target("good.test").replies["RCPT"] = "451 4.3.0 Temporary directory failure"
        action = self.ask(self.daemon, "carol@stock.test")
        self.assertTrue(action.startswith(DEFER), action)

    def test_without_it_nothing_is_said_about_the_address_which_is_let_pass(self):
        self.assertEqual(self.ask(self.daemon, "alice@absent.test"), "DUNNO")
        self.daemon.wait_for_log("ALARM: verify(8) can not be asked: ")


class RouteServiceTest(WorldTestCase):
    """Only the transport_maps of the other Postfix have the domains."""

    def setUp(self):
        super().setUp()
        self.daemon = self.started(
            address_verify_route_service=f"unix:{self.world.stock.private_socket('rewrite')}",
            address_verify_catch_all="no",
            unverified_recipient_reject_code=550,
        )

    def test_a_domain_is_probed_where_its_transport_map_says(self):
        self.assertEqual(self.ask(self.daemon, "alice@stock.test"), "DUNNO")
        action = self.ask(self.daemon, "nobody@stock.test")
        self.assertTrue(action.startswith(REJECT), action)
        target = self.target("good.test")
        self.assertEqual(target.recipients, ["alice@stock.test", "nobody@stock.test"])
        self.assertEqual(set(target.senders), {"double-bounce@gateway.test"}, "it was verifyd that asked")

    def test_a_domain_that_it_routes_to_lmtp_is_probed_by_lmtp(self):
        self.assertEqual(self.ask(self.daemon, "heidi@lmtp.test"), "DUNNO")
        action = self.ask(self.daemon, "nobody@lmtp.test")
        self.assertTrue(action.startswith(REJECT), action)
        self.assertIn("User doesn't exist", action)

    def test_a_domain_that_it_leaves_to_dns_is_probed_at_its_mx(self):
        self.assertEqual(self.ask(self.daemon, "alice@good.test"), "DUNNO")
        self.assertTrue(self.ask(self.daemon, "nobody@good.test").startswith(REJECT))

    def test_without_it_nothing_is_said_about_an_address_which_is_let_pass(self):
        verifyd = self.started_with_absent_service()
        self.assertEqual(self.ask(verifyd, "alice@stock.test"), "DUNNO")
        verifyd.wait_for_log("ALARM: address_verify_route_service: ")
        self.assertEqual(self.target("good.test").sessions, 0)

    def started_with_absent_service(self):
        self.daemon.stop()
        return self.started(address_verify_route_service=f"unix:{self.world.directory}/absent")
