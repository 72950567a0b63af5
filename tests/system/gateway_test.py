"""A real Postfix gateway asks verifyd, which asks real servers. Tests what the client sees and the mail log says."""

import os
import re

from mail_world import BLOCKED
from world_test_case import IN_PROGRESS, WorldTestCase

REFUSED_BY_GOOD = (
    "host mx.good.test[{address}] said: 550 5.1.1 <nobody@good.test>: Recipient address rejected: User unknown"
    " (in reply to RCPT TO command)"
)


class GatewayTest(WorldTestCase):
    def refusal(self):
        return REFUSED_BY_GOOD.format(address=self.target("good.test").address)

    def log_line(self, kind, text, recipient):
        """The whole line as Postfix writes it for its own reject_unverified_recipient."""
        return self.world.gateway.wait_for_log(
            rf"NOQUEUE: {kind}: RCPT from unknown\[127\.0\.0\.1\]: {re.escape(text)}; "
            rf"from=<someone@client\.test> to=<{re.escape(recipient)}> proto=ESMTP helo=<client\.test>$"
        )

    def test_a_known_user_is_accepted_at_once(self):
        self.started()
        code, _, seconds = self.rcpt("alice@good.test")
        self.assertEqual(code, 250)
        self.assertLess(seconds, 0.9, "verify(8) takes at least one poll of 1 s")
        self.assertEqual(self.target("good.test").recipients, ["alice@good.test"])
        self.assertEqual(self.target("good.test").senders, ["double-bounce@gateway.test"])

    def test_an_unknown_user_is_refused_with_450_by_default(self):
        self.started()
        code, text, _ = self.rcpt("nobody@good.test")
        expected = f"4.1.1 <nobody@good.test>: Recipient address rejected: unverified address: {self.refusal()}"
        self.assertEqual((code, text), (450, expected))
        self.log_line("reject", f"450 {expected}", "nobody@good.test")

    def test_an_unknown_user_is_refused_with_550_where_the_code_is_set(self):
        self.started(unverified_recipient_reject_code=550)
        code, text, _ = self.rcpt("nobody@good.test")
        expected = f"5.1.1 <nobody@good.test>: Recipient address rejected: undeliverable address: {self.refusal()}"
        self.assertEqual((code, text), (550, expected))
        self.log_line("reject", f"550 {expected}", "nobody@good.test")

    def test_both_answers_come_from_the_cache_the_second_time(self):
        self.started(unverified_recipient_reject_code=550)
        first = [self.rcpt(name)[:2] for name in ("alice@good.test", "nobody@good.test")]
        second = [self.rcpt(name)[:2] for name in ("alice@good.test", "nobody@good.test")]
        self.assertEqual(first, second)
        self.assertEqual(self.target("good.test").commands["RCPT"], 2)

    def test_the_words_are_those_of_reject_unverified_recipient(self):
        self.started(
            relayhost=f"[{self.target('good.test').address}]:{self.world.smtp_port}",
            unverified_recipient_reject_code=550,
        )
        ours = [self.rcpt(name, "policy")[:2] for name in ("alice@good.test", "nobody@good.test")]
        native = [self.rcpt(name, "native_550")[:2] for name in ("alice@good.test", "nobody@good.test")]
        self.assertEqual(ours, native)

    def test_the_words_of_a_deferral_are_those_of_reject_unverified_recipient(self):
        self.started(relayhost=f"[{self.target('good.test').address}]:{self.world.smtp_port}")
        self.assertEqual(self.rcpt("nobody@good.test", "policy")[:2], self.rcpt("nobody@good.test", "native")[:2])

    def test_a_slow_target_is_answered_in_progress_and_then_from_the_cache(self):
        verifyd = self.started(address_verify_poll_count=2, address_verify_poll_delay="1s")
        code, text, seconds = self.rcpt("alice@slow.test")
        self.assertEqual(code, 450)
        self.assertEqual(text, f"4.1.1 <alice@slow.test>: Recipient address rejected: {IN_PROGRESS}")
        self.assertGreater(seconds, 0.9)
        self.assertLess(seconds, 2.5)
        self.log_line("reject", f"450 {text}", "alice@slow.test")
        self.ask_until(verifyd, "alice@slow.test", "DUNNO")
        code, _, seconds = self.rcpt("alice@slow.test")
        self.assertEqual(code, 250)
        self.assertLess(seconds, 0.9)
        self.assertEqual(self.target("slow.test").commands["RCPT"], 1)

    def test_while_a_target_is_down_known_users_are_accepted_and_others_deferred(self):
        self.started(unverified_recipient_reject_code=550)
        down = self.target("down.test")
        self.assertEqual(self.rcpt("alice@down.test")[0], 250)
        down.close()
        self.assertEqual(self.rcpt("alice@down.test")[0], 250)
        code, text, _ = self.rcpt("carol@down.test")
        self.assertEqual(code, 450)
        self.assertRegex(
            text,
            r"^4\.1\.1 <carol@down\.test>: Recipient address rejected: unverified address: "
            rf"connect to mx\.down\.test\[{re.escape(down.address)}\]:{down.port}: Connection refused$",
        )

    def test_a_gateway_under_stress_does_not_wait(self):
        verifyd = self.started()
        code, text, seconds = self.rcpt("alice@slow.test", "stress")
        self.assertEqual((code, text), (450, f"4.1.1 <alice@slow.test>: Recipient address rejected: {IN_PROGRESS}"))
        self.assertLess(seconds, 0.9)
        self.ask_until(verifyd, "alice@slow.test", "DUNNO")
        self.assertEqual(self.rcpt("alice@slow.test", "stress")[0], 250)

    def test_a_deferral_gives_way_to_a_later_refusal_of_the_gateway(self):
        self.started(address_verify_poll_count=1)
        code, text, _ = self.rcpt("alice@slow.test", "then_reject")
        self.assertEqual((code, text), (554, "5.7.1 <alice@slow.test>: Recipient address rejected: Access denied"))

    def test_a_refusal_about_us_never_says_that_the_user_is_unknown(self):
        self.started(unverified_recipient_reject_code=550)
        code, text, _ = self.rcpt("alice@blocks.test")
        self.assertEqual(code, 450)
        self.assertIn(f"unverified address: host mx.blocks.test[{self.target('blocks.test').address}] said: {BLOCKED}", text)

    def test_a_dry_run_accepts_and_logs_the_refusal(self):
        self.started(dry_run="yes", unverified_recipient_reject_code=550)
        self.assertEqual(self.rcpt("nobody@good.test")[0], 250)
        self.world.gateway.wait_for_log(
            r"NOQUEUE: warn: RCPT from unknown\[127\.0\.0\.1\]: .*undeliverable address: " + re.escape(self.refusal())
        )

    def test_warn_if_reject_of_postfix_accepts_and_logs_the_refusal(self):
        self.started(unverified_recipient_reject_code=550)
        self.assertEqual(self.rcpt("nobody@good.test", "warn")[0], 250)
        self.log_line(
            "reject_warning",
            f"550 5.1.1 <nobody@good.test>: Recipient address rejected: undeliverable address: {self.refusal()}",
            "nobody@good.test",
        )

    def test_our_warn_if_reject_accepts_and_logs_the_refusal(self):
        self.started(
            recipient_restrictions="warn_if_reject reject_unverified_recipient", unverified_recipient_reject_code=550
        )
        self.assertEqual(self.rcpt("nobody@good.test")[0], 250)
        self.world.gateway.wait_for_log(
            r"NOQUEUE: warn: RCPT from unknown\[127\.0\.0\.1\]: .*undeliverable address: " + re.escape(self.refusal())
        )

    def test_smtp_sink_accepts_everybody(self):
        self.started()
        self.world.sink
        self.assertEqual(self.rcpt("anybody@sink.test")[0], 250)

    def test_a_second_postfix_is_asked_about_its_recipient_table(self):
        self.started(unverified_recipient_reject_code=550)
        self.world.recipient_table
        self.assertEqual(self.rcpt("carol@table.test")[0], 250)
        code, text, _ = self.rcpt("nobody@table.test")
        self.assertEqual(code, 550)
        self.assertIn("said: 550 5.1.1 <nobody@table.test>: Recipient address rejected: User unknown in relay", text)

    def test_a_unix_socket_below_the_queue_directory_is_asked(self):
        directory = f"{self.world.gateway.directory}/queue/verifyd"
        os.makedirs(directory, exist_ok=True)
        self.started(
            policy_listen=f"inet:{self.world.policy_endpoint}, unix:{directory}/policy",
            unverified_recipient_reject_code=550,
        )
        self.assertEqual(self.rcpt("alice@good.test", "unix")[0], 250)
        self.assertEqual(self.rcpt("nobody@good.test", "unix")[0], 550)

    def test_a_sender_that_does_not_exist_is_refused_with_the_words_of_postfix(self):
        self.started(
            sender_restrictions="reject_unverified_sender",
            relayhost=f"[{self.target('good.test').address}]:{self.world.smtp_port}",
            unverified_sender_reject_code=550,
        )
        senders = ("bob@good.test", "nobody@good.test")
        ours = [self.rcpt("alice@good.test", "sender", sender)[:2] for sender in senders]
        native = [self.rcpt("alice@good.test", "native_sender", sender)[:2] for sender in senders]
        self.assertEqual(ours, native)
        self.assertEqual([code for code, _ in ours], [250, 550])
        self.assertTrue(ours[1][1].startswith("5.1.7 <nobody@good.test>: Sender address rejected: undeliverable address: "))

    def test_a_sender_may_be_refused_from_the_recipient_restrictions(self):
        self.started(sender_restrictions="reject_unverified_sender", unverified_sender_reject_code=550)
        self.assertEqual(self.rcpt("alice@good.test", sender="bob@good.test")[0], 250)
        code, text, _ = self.rcpt("alice@good.test", sender="nobody@good.test")
        self.assertEqual(code, 550)
        self.assertIn(f"undeliverable address: {self.refusal()}", text)

    def test_the_null_sender_is_not_verified(self):
        self.started(sender_restrictions="reject_unverified_sender", unverified_sender_reject_code=550)
        self.assertEqual(self.rcpt("alice@good.test", sender="")[0], 250)

    def test_without_verifyd_the_gateway_accepts_as_its_default_action_says(self):
        self.assertEqual(self.rcpt("nobody@good.test")[0], 250)
