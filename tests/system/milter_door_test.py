"""A real Postfix asks verifyd as a milter, alone and among others; miltertest asks as Sendmail does."""

import contextlib
import os
import random
import re
import smtplib
import socket
import subprocess
import threading
import time

from child import wait_until
from postfix import FILTERED_PORTS
from world_test_case import IN_PROGRESS, WorldTestCase

OPTIONS = b"\0\0\0\x0dO\0\0\0\6\0\0\1\xff\0\x1f\xff\xff"


class MilterWorldTestCase(WorldTestCase):
    def setUp(self):
        super().setUp()
        self.gateway = self.world.filtered_gateway
        self.world.delivered.forget()

    def filtering(self, **settings):
        """A started daemon that is a milter and rejects unknown users."""
        listen = f"inet:{self.world.milter_endpoint}"
        return self.started(**{"milter_listen": listen, "unverified_recipient_reject_code": 550, **settings})

    @contextlib.contextmanager
    def session(self, way="milter", sender="someone@client.test", xclient=None):
        """An SMTP session in which a sender has been named."""
        client = smtplib.SMTP(self.world.block.address(26), FILTERED_PORTS[way], "client.test", timeout=30)
        try:
            client.ehlo()
            if xclient is not None:
                self.assertEqual(client.docmd("XCLIENT", f"ADDR={xclient} NAME=mail.spf.test")[0], 220)
                client.ehlo()
            self.assertEqual(client.mail(sender)[0], 250)
            yield client
        finally:
            client.close()

    def reply(self, recipient, way="milter", **session):
        """(code, text)."""
        with self.session(way, **session) as client:
            return self.rcpt_in(client, recipient)

    def rcpt_in(self, client, recipient):
        code, text = client.rcpt(recipient)
        return code, text.decode()

    def refusal(self):
        return (
            f"undeliverable address: host mx.good.test[{self.target('good.test').address}] said: 550 5.1.1"
            " <nobody@good.test>: Recipient address rejected: User unknown (in reply to RCPT TO command)"
        )

    def delivered_message(self, recipients):
        """The message in the sink that went to exactly these."""

        def find():
            messages = self.world.delivered.messages()
            return next((message for went_to, message in messages if set(went_to) == set(recipients)), None)

        return wait_until(find, 15, f"a message to {recipients}")


class MilterDoorTest(MilterWorldTestCase):
    def test_a_known_user_is_accepted_and_an_unknown_one_refused_in_our_words(self):
        self.filtering()
        self.assertEqual(self.reply("alice@good.test"), (250, "2.1.5 Ok"))
        self.assertEqual(self.reply("nobody@good.test"), (550, f"5.1.1 {self.refusal()}"))
        self.gateway.wait_for_log(
            rf"NOQUEUE: milter-reject: RCPT from unknown\[127\.0\.0\.1\]: 550 5\.1\.1 {re.escape(self.refusal())}; "
            r"from=<someone@client\.test> to=<nobody@good\.test> proto=ESMTP helo=<client\.test>$"
        )

    def test_by_default_an_unknown_user_is_deferred(self):
        self.filtering(unverified_recipient_reject_code=450)
        text = self.refusal().replace("undeliverable address", "unverified address")
        self.assertEqual(self.reply("nobody@good.test"), (450, f"4.1.1 {text}"))

    def test_a_slow_target_is_answered_in_progress(self):
        self.filtering(address_verify_poll_count=2, address_verify_poll_delay="1s")
        self.assertEqual(self.reply("alice@slow.test"), (450, f"4.1.1 {IN_PROGRESS}"))

    def test_percent_signs_and_odd_bytes_reach_the_client_as_they_should(self):
        self.target("good.test").unknown_reply = "550 5.1.1 100% sure, %d %s \x01 no"
        self.filtering()
        code, text = self.reply("nobody@good.test")
        self.assertEqual(code, 550)
        self.assertIn("said: 550 5.1.1 100% sure, %d %s ? no", text)

    def test_each_recipient_of_a_message_has_its_own_answer(self):
        verifyd = self.filtering()
        with self.session() as client:
            recipients = ("alice@good.test", "nobody@good.test", "bob@good.test", "anybody@good.test", '"alice"@good.test')
            codes = [self.rcpt_in(client, recipient)[0] for recipient in recipients]
            self.assertEqual(codes, [250, 550, 250, 550, 250])
            self.assertEqual(client.data("Subject: hello\r\n\r\nhello\r\n")[0], 250)
            client.mail("other@client.test")
            self.assertEqual(self.rcpt_in(client, "nobody@good.test")[0], 550)
        self.delivered_message(["alice@good.test", "bob@good.test"])
        lines = re.findall(r"sender=<(\w+)@client.test> recipient=.* instance=(\S+) queue_id=(\w*) ", verifyd.log())
        self.assertEqual(len(lines), 6)
        self.assertEqual(len({instance for _, instance, _ in lines[:5]}), 1)
        self.assertNotEqual(lines[5][1], lines[4][1])
        # Postfix makes the queue file at the first recipient that is accepted.
        self.assertEqual([queue_id != "" for _, _, queue_id in lines], [False, True, True, True, True, False])
        self.assertIn("helo_name=<client.test>", verifyd.log())

    def test_a_unix_socket_below_the_queue_directory_is_asked(self):
        directory = f"{self.gateway.directory}/queue/verifyd"
        os.makedirs(directory, exist_ok=True)
        self.filtering(milter_listen=f"inet:{self.world.milter_endpoint}, unix:{directory}/milter")
        self.assertEqual(self.reply("nobody@good.test", "unix")[0], 550)

    def test_mail_of_our_own_users_is_not_deferred(self):
        self.filtering()
        self.assertEqual(self.reply("alice@busy.test", "milter")[0], 450)
        self.assertEqual(self.reply("alice@busy.test", "submission")[0], 250)

    def test_where_the_daemon_is_named_dry_run_nothing_is_refused(self):
        verifyd = self.filtering()
        self.assertEqual(self.reply("nobody@good.test", "dry_run")[0], 250)
        self.assertIn("action=warn code=550 dsn=5.1.1", verifyd.log())

    def test_local_submission_is_never_refused(self):
        self.filtering()
        self.gateway.sendmail("root@gateway.test", ["nobody@good.test", "alice@good.test"], "Subject: hello\n\nhello\n")
        self.delivered_message(["nobody@good.test", "alice@good.test"])
        self.assertEqual(self.target("good.test").recipients, [])
        self.assertNotIn("milter", self.gateway.log())

    def test_a_probe_longer_than_the_patience_of_postfix_is_waited_for(self):
        self.target("any.test").delays["RCPT"] = 11.5
        self.filtering(address_verify_poll_count=2, address_verify_poll_delay="20s")
        start = time.monotonic()
        self.assertEqual(self.reply("alice@any.test", "impatient"), (250, "2.1.5 Ok"))
        self.assertGreater(time.monotonic() - start, 11.4)

    def test_garbage_closes_its_connection_and_does_no_harm(self):
        verifyd = self.filtering()
        chooser = random.Random(2)
        host, port = self.world.milter_endpoint.split(":")
        for garbage in (
            b"GET / HTTP/1.0\r\n\r\n",
            b"\0\0\0\0",
            b"\xff\xff\xff\xff" + b"x" * 100000,
            b"\0\0\0\1R",
            OPTIONS + b"\0\0\0\2Ca",
            OPTIONS + b"\0\0\0\1\xff",
            OPTIONS + b"\0\0\0\4DRi\0",
            bytes(chooser.randrange(256) for _ in range(20000)),
        ):
            with socket.create_connection((host, int(port)), 10) as client:
                client.sendall(garbage)
                with contextlib.suppress(ConnectionResetError):
                    while client.recv(65536):
                        pass
        wait_until(lambda: verifyd.log().count(": connection closed") == 8, 5, "a line for each of the eight")
        self.assertEqual(verifyd.log().count("milter: found "), 8)
        self.assertEqual(self.reply("nobody@good.test")[0], 550)


class MilterOperationTest(MilterWorldTestCase):
    def test_without_verifyd_the_gateway_accepts_as_its_default_action_says(self):
        self.assertEqual(self.reply("nobody@good.test"), (250, "2.1.5 Ok"))
        self.gateway.wait_for_log(r"warning: connect to Milter service inet:.*: Connection refused")

    def test_a_reload_is_in_force_within_a_session(self):
        verifyd = self.filtering(unverified_recipient_reject_code=450)
        with self.session() as client:
            self.assertEqual(self.rcpt_in(client, "nobody@good.test")[0], 450)
            verifyd.settings["unverified_recipient_reject_code"] = 550
            verifyd.write_config()
            verifyd.reload()
            verifyd.wait_for_log("reload: the new settings are in force")
            self.assertEqual(self.rcpt_in(client, "nobody@good.test")[0], 550)

    def test_a_session_outlives_a_restart(self):
        verifyd = self.filtering()
        with self.session() as client:
            self.assertEqual(self.rcpt_in(client, "nobody@good.test")[0], 550)
            verifyd.stop()
            verifyd.start()
            self.assertEqual(self.rcpt_in(client, "nobody@good.test")[0], 250)
        self.assertEqual(self.reply("nobody@good.test")[0], 550)

    def test_restarts_under_load_lose_no_client(self):
        verifyd = self.filtering()
        self.assertEqual([self.reply(f"{user}@good.test")[0] for user in ("alice", "nobody")], [250, 550])
        ended = threading.Event()
        codes, faults = [], []

        def ask():
            try:
                while not ended.is_set():
                    with self.session() as client:
                        codes.append(tuple(self.rcpt_in(client, f"{user}@good.test")[0] for user in ("alice", "nobody")))
            except Exception as fault:
                faults.append(fault)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(3):
            time.sleep(0.5)
            self.assertEqual(verifyd.stop(), 0)
            verifyd.start()
        ended.set()
        for thread in threads:
            thread.join(30)
        self.assertEqual(faults, [])
        self.assertLessEqual(set(codes), {(250, 550), (250, 250)})
        self.assertGreater(codes.count((250, 550)), 0)
        # A session that ended last may have begun before the last start: it goes on without the milter until its end.
        self.assertEqual([self.reply(f"{user}@good.test")[0] for user in ("alice", "nobody")], [250, 550])
        self.assertNotRegex(self.gateway.log(), "fatal|panic|exit status")


class MilterTestTest(MilterWorldTestCase):
    def test_miltertest_is_answered_as_sendmail_expects(self):
        verifyd = self.filtering()
        host, port = self.world.milter_endpoint.split(":")
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sendmail_session.lua")
        variables = {"filter": f"inet:{port}@{host}", "known": "alice@good.test", "unknown": "nobody@good.test"}
        arguments = [part for name, value in variables.items() for part in ("-D", f"{name}={value}")]
        tested = subprocess.run(
            ["/usr/bin/miltertest", "-s", script, *arguments], capture_output=True, text=True, timeout=30
        )
        self.assertEqual((tested.returncode, tested.stdout + tested.stderr), (0, ""))
        self.assertIn("client_address=192.0.2.7 sender=<someone@example.net>", verifyd.log())
        self.assertIn("queue_id=q1", verifyd.log())
        self.assertIn("sasl_username=<anna>", verifyd.log())


class SendmailTest(MilterWorldTestCase):
    def sendmail(self):
        """A session in which a sender has been named."""
        self.world.sendmail
        client = smtplib.SMTP(self.world.block.address(28), self.world.smtp_port, "client.test", timeout=30)
        client.ehlo()
        self.assertEqual(client.mail("someone@client.test")[0], 250)
        return client

    def test_sendmail_refuses_in_our_words_each_recipient_for_itself(self):
        verifyd = self.filtering(milter_listen=f"inet:{self.world.sendmail_filter_port}@localhost")
        self.target("good.test").unknown_reply = "550 5.1.1 100% unknown"
        with self.sendmail() as client:
            for recipient in ("alice@good.test", "alice@slow.test", "bob@good.test"):
                self.assertEqual(client.rcpt(recipient)[0], 250)
                code, text = client.rcpt("nobody@good.test")
                self.assertEqual(code, 550)
                ours = r"undeliverable address: host mx\.good\.test\[.*\] said: 550 5\.1\.1 100% unknown"
                self.assertRegex(text.decode(), rf"^5\.1\.1 <nobody@good\.test>\.\.\. {ours}")
            client.rset()
            client.mail("other@client.test")
            self.assertEqual(client.rcpt("nobody@good.test")[0], 550)
        self.assertRegex(
            verifyd.log(),
            r"client_address=127\.0\.0\.1 sender=<someone@client\.test> recipient=<nobody@good\.test> "
            r"instance=milter\.\d+\.1 queue_id=\w+ .* helo_name=<client\.test>",
        )

    def test_without_verifyd_sendmail_goes_on(self):
        with self.sendmail() as client:
            self.assertEqual(client.rcpt("nobody@good.test")[0], 250)


class ChainTest(MilterWorldTestCase):
    """An SPF policy service before us, OpenDKIM before and behind us."""

    def check(self, way, refused):
        self.filtering()
        with self.session(way, sender="someone@spf.test", xclient="192.0.2.9") as client:
            self.assertEqual(self.rcpt_in(client, "alice@good.test")[0], 250)
            self.assertEqual(self.rcpt_in(client, "nobody@good.test"), (550, refused))
            self.assertEqual(self.rcpt_in(client, "bob@good.test")[0], 250)
            body = "From: someone@spf.test\r\nSubject: hello\r\n\r\nhello\r\n"
            self.assertEqual(client.data(body)[0], 250)
        message = self.delivered_message(["alice@good.test", "bob@good.test"])
        self.assertIn("spf.test", message["DKIM-Signature"])
        self.assertIn("gateway.test; dkim=none", message["Authentication-Results"])
        self.assertIn("Pass", message["Received-SPF"])
        code, text = self.reply("nobody@good.test", way, sender="someone@spf.test", xclient="192.0.2.10")
        self.assertEqual(code, 550)
        self.assertIn("SPF fail", text)

    def test_mail_flows_through_a_chain_of_filters_and_our_refusals_stay(self):
        self.check("chain", f"5.1.1 {self.refusal()}")

    def test_mail_flows_through_a_chain_of_policy_services_and_our_refusals_stay(self):
        self.check("policy_chain", f"5.1.1 <nobody@good.test>: Recipient address rejected: {self.refusal()}")
