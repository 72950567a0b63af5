"""Destinations of all kinds, asked about through the policy port."""

from child import wait_until
from policy_client import request_text
from world_test_case import WorldTestCase

DEFER = "DEFER_IF_PERMIT 4.1.1 unverified address: "
REJECT = "550 5.1.1 undeliverable address: "


class VerdictTest(WorldTestCase):
    def setUp(self):
        super().setUp()
        self.daemon = self.started(
            unverified_recipient_reject_code=550, address_verify_poll_count=2, address_verify_poll_delay="5s"
        )

    def assert_action(self, recipient, expected):
        action = self.ask(self.daemon, recipient)
        self.assertTrue(action.startswith(expected), f"{recipient}: {action}")
        self.assertLessEqual(len(action.encode()), 300)
        return action

    def test_an_unknown_domain_is_refused(self):
        self.assert_action("alice@absent.test", REJECT)

    def test_a_domain_with_a_null_mx_is_refused(self):
        self.assert_action("alice@null.test", REJECT)

    def test_a_domain_without_any_mail_host_is_refused(self):
        self.assert_action("alice@nohost.test", REJECT)

    def test_a_domain_whose_mx_does_not_exist_is_refused(self):
        self.assert_action("alice@lost.test", REJECT)

    def test_a_name_server_in_trouble_says_nothing_about_the_address(self):
        self.assert_action("alice@servfail.test", DEFER)

    def test_a_name_server_that_refuses_says_nothing_about_the_address(self):
        self.assert_action("alice@mail.example", DEFER)

    def test_a_domain_without_mx_is_asked_at_its_own_address(self):
        self.assert_action("alice@implicit.test", "DUNNO")
        self.assertEqual(self.target("good.test").recipients, ["alice@implicit.test"])

    def test_the_next_mx_is_asked_when_the_first_does_not_answer(self):
        self.assert_action("alice@spare.test", "DUNNO")
        self.assert_action("nobody@spare.test", REJECT)

    def test_an_mx_at_a_bogus_address_is_not_contacted(self):
        action = self.assert_action("alice@bogus.test", "")
        self.assertNotEqual(action, "DUNNO")

    def test_a_refusal_about_us_is_temporary(self):
        self.assert_action("alice@blocks.test", DEFER)

    def test_greylisting_is_temporary(self):
        action = self.assert_action("alice@grey.test", DEFER)
        self.assertIn("Greylisted", action)

    def test_a_dropped_connection_is_temporary(self):
        self.assert_action("alice@drops.test", DEFER)

    def test_a_temporary_failure_is_temporary(self):
        action = self.assert_action("alice@busy.test", DEFER)
        self.assertIn("Temporary directory failure", action)

    def test_postmaster_and_abuse_are_never_refused(self):
        self.target("good.test").users = set()
        for recipient in ("postmaster@good.test", "PostMaster@Good.Test", "abuse@good.test", "postmaster"):
            self.assert_action(recipient, "DUNNO")
        self.assertEqual(self.target("good.test").sessions, 0)

    def test_our_own_probe_sender_is_never_probed(self):
        self.assert_action("double-bounce@gateway.test", "DUNNO")

    def test_the_domain_of_an_address_is_one_whatever_its_case(self):
        self.assert_action("alice@good.test", "DUNNO")
        self.assert_action("alice@GOOD.Test", "DUNNO")
        self.assertEqual(self.target("good.test").commands["RCPT"], 1)

    def test_questions_that_come_together_share_one_probe(self):
        self.target("good.test").delays["RCPT"] = 0.5
        clients = [self.daemon.policy() for _ in range(20)]
        for client in clients:
            self.addCleanup(client.close)
        for client in clients:
            client.send(request_text("alice@good.test"))
        self.assertEqual([client.receive() for client in clients], ["DUNNO"] * 20)
        self.assertEqual(self.target("good.test").commands["RCPT"], 1)

    def test_a_session_ends_with_quit(self):
        self.assert_action("alice@good.test", "DUNNO")
        self.assert_action("nobody@good.test", REJECT)
        target = self.target("good.test")
        wait_until(lambda: target.commands["QUIT"] == target.sessions, 10, "a QUIT for each session")


class ProbeSenderTest(WorldTestCase):
    def sender_with(self, **settings):
        verifyd = self.started(**settings)
        self.assertEqual(self.ask(verifyd, "alice@good.test"), "DUNNO")
        return self.target("good.test").senders

    def test_it_is_the_double_bounce_sender_of_myorigin(self):
        self.assertEqual(self.sender_with(), ["double-bounce@gateway.test"])

    def test_it_may_be_the_null_sender(self):
        self.assertEqual(self.sender_with(address_verify_sender="<>"), [""])

    def test_it_may_change_with_time(self):
        (sender,) = self.sender_with(address_verify_sender="probe@origin.test", address_verify_sender_ttl="1h")
        self.assertRegex(sender, r"^probe[0-9B-DF-HJ-NP-TV-Z]+@origin\.test$")


class DomainsTest(WorldTestCase):
    def test_only_verify_domains_are_probed(self):
        verifyd = self.started(verify_domains="good.test", unverified_recipient_reject_code=550)
        self.assertTrue(self.ask(verifyd, "nobody@good.test").startswith(REJECT))
        self.assertEqual(self.ask(verifyd, "nobody@down.test"), "DUNNO")
        self.assertEqual(self.target("down.test").sessions, 0)

    def test_a_transport_map_leads_probes_past_the_mx(self):
        verifyd = self.routed(
            f"absent.test smtp:[{self.target('good.test').address}]:{self.world.smtp_port}",
            unverified_recipient_reject_code=550,
            address_verify_catch_all="no",
        )
        self.assertEqual(self.ask(verifyd, "alice@absent.test"), "DUNNO")
        self.assertTrue(self.ask(verifyd, "nobody@absent.test").startswith(REJECT))
        self.assertEqual(self.target("good.test").commands["RCPT"], 2)

    def test_without_permission_loopback_is_no_mail_server(self):
        verifyd = self.started(probe_permit_networks="")
        self.assertNotEqual(self.ask(verifyd, "alice@good.test"), "DUNNO")
        self.assertEqual(self.target("good.test").sessions, 0)
