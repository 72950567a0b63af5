"""Good and bad clients of the policy port."""

import grp
import os
import random
import stat
import threading
import time

from child import wait_until
from policy_client import request_text
from world_test_case import IN_PROGRESS, WorldTestCase


class PolicyDoorTest(WorldTestCase):
    def setUp(self):
        super().setUp()
        self.daemon = self.started(unverified_recipient_reject_code=550)

    def test_one_connection_carries_many_questions(self):
        with self.daemon.policy() as client:
            for _ in range(3):
                self.assertEqual(client.ask("alice@good.test")[0], "DUNNO")
                self.assertTrue(client.ask("nobody@good.test")[0].startswith("550 5.1.1 "))

    def test_pipelined_questions_are_answered_in_order(self):
        with self.daemon.policy() as client:
            client.send(request_text("alice@good.test") + request_text("nobody@good.test") + request_text("bob@good.test"))
            answers = [client.receive() for _ in range(3)]
        self.assertEqual([answer.split()[0] for answer in answers], ["DUNNO", "550", "DUNNO"])

    def test_a_question_in_single_bytes_is_answered(self):
        with self.daemon.policy() as client:
            for byte in request_text("alice@good.test").encode():
                client.send(bytes([byte]))
            self.assertEqual(client.receive(), "DUNNO")

    def test_any_order_of_attributes_and_unknown_ones_are_taken(self):
        lines = request_text("nobody@good.test", tls_sni="x", compatibility_level="3.8").strip().split("\n")
        random.Random(1).shuffle(lines)
        with self.daemon.policy() as client:
            client.send("\n".join(lines) + "\n\n")
            self.assertTrue(client.receive().startswith("550 5.1.1 "))

    def test_a_client_that_has_closed_its_half_is_answered(self):
        with self.daemon.policy() as client:
            self.target("good.test").delays["RCPT"] = 0.3
            client.send(request_text("nobody@good.test"))
            client.socket.shutdown(1)
            self.assertTrue(client.receive().startswith("550 5.1.1 "))
            self.assertIsNone(client.receive())

    def test_states_that_are_not_ours_to_decide_are_left_alone(self):
        with self.daemon.policy() as client:
            for state in ("CONNECT", "EHLO", "HELO", "DATA", "END-OF-MESSAGE", "ETRN"):
                self.assertEqual(client.ask("nobody@good.test", protocol_state=state)[0], "DUNNO")
            self.assertTrue(client.ask("nobody@good.test", protocol_state="VRFY")[0].startswith("550 5.1.1 "))

    def test_stress_is_answered_at_once(self):
        with self.daemon.policy() as client:
            action, seconds = client.ask("alice@slow.test", stress="yes")
        self.assertEqual(action, f"DEFER_IF_PERMIT 4.1.1 {IN_PROGRESS}")
        self.assertLess(seconds, 0.5)

    def test_the_context_dry_run_warns_only(self):
        action = self.ask(self.daemon, "nobody@good.test", policy_context="dry_run")
        self.assertTrue(action.startswith("WARN "), action)
        self.assertIn("undeliverable address: host mx.good.test[", action)

    def test_a_reply_full_of_odd_bytes_stays_one_short_printable_line(self):
        self.target("good.test").unknown_reply = "550 5.1.1 no\taction=OK \x01\x7f" + "x" * 400
        action = self.ask(self.daemon, "nobody@good.test")
        self.assertTrue(action.startswith("550 5.1.1 undeliverable address: "), action)
        self.assertTrue(action.isprintable())
        self.assertLessEqual(len(action.encode()), 300)

    def test_garbage_does_no_harm(self):
        chooser = random.Random(2)
        for garbage in (
            b"GET / HTTP/1.0\r\n\r\n",
            b"\n\n\n\n",
            b"=\n\n",
            b"recipient=x\n" * 3 + b"\n",
            b"request=smtpd_access_policy\nprotocol_state=RCPT\nrecipient=" + b"a" * 100000 + b"\n\n",
            b"x" * 1000000,
            bytes(chooser.randrange(256) for _ in range(20000)),
            request_text("\x00\x01@\xff\n=good.test").encode("latin-1"),
        ):
            with self.daemon.policy() as client:
                try:
                    client.send(garbage)
                    client.socket.shutdown(1)
                    while (action := client.receive()) is not None:
                        self.assertFalse(action.upper().startswith(("OK", "PERMIT")), action)
                except (BrokenPipeError, ConnectionResetError, OSError):
                    pass
        self.assertIsNone(self.daemon.child.exit_code)
        self.assertEqual(self.ask(self.daemon, "alice@good.test"), "DUNNO")

    def test_clients_that_leave_while_waiting_do_no_harm(self):
        self.target("any.test").delays["RCPT"] = 0.2
        for number in range(20):
            with self.daemon.policy() as client:
                client.send(request_text(f"user{number}@any.test"))
        self.assertEqual(self.ask(self.daemon, "alice@good.test"), "DUNNO")

    def test_many_clients_are_answered_at_once(self):
        self.target("any.test").delays["RCPT"] = 0.2
        answers = []

        def ask(number):
            answers.append(self.ask(self.daemon, f"user{number}@any.test"))

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        self.assertEqual(answers, ["DUNNO"] * 50)


class LimitsTest(WorldTestCase):
    def test_over_the_limit_of_probes_new_addresses_are_deferred_and_known_ones_answered(self):
        verifyd = self.started(address_verify_pending_request_limit=1)
        self.assertEqual(self.ask(verifyd, "alice@good.test"), "DUNNO")
        with verifyd.policy() as client:
            client.send(request_text("alice@silent.test"))
            silent = self.target("silent.test")
            wait_until(lambda: silent.sessions == 1, 5, "a probe in the air")
            self.assertTrue(self.ask(verifyd, "bob@good.test").startswith("DEFER_IF_PERMIT 4.1.1 unverified address: "))
            self.assertEqual(self.ask(verifyd, "alice@good.test"), "DUNNO")
        self.assertEqual(self.target("good.test").recipients, ["alice@good.test"])
        verifyd.kill()  # it would wait for the silent server

    def test_over_the_limit_of_connections_known_addresses_are_answered(self):
        verifyd = self.started(policy_connection_limit=1)
        with verifyd.policy() as first:
            self.assertEqual(first.ask("alice@good.test")[0], "DUNNO")
            with verifyd.policy() as second:
                self.assertEqual(second.ask("alice@good.test")[0], "DUNNO")
                action = second.ask("bob@good.test")[0]
                self.assertTrue(action is None or action.startswith("DEFER_IF_PERMIT 4.1.1 "), action)


    def test_over_the_rate_of_requests_clients_are_kept_waiting(self):
        verifyd = self.started(policy_request_rate_limit=5)
        with verifyd.policy() as client:
            start = time.monotonic()
            client.send(request_text("alice@good.test") * 10)
            self.assertEqual([client.receive() for _ in range(10)], ["DUNNO"] * 10)
            self.assertGreater(time.monotonic() - start, 0.8)
        self.assertIn("policy: more than 5 requests a second (policy_request_rate_limit)", verifyd.log())

    def test_a_client_that_tries_many_names_has_no_more_of_them_asked_about(self):
        verifyd = self.started(client_new_probe_rate_limit=3, unverified_recipient_reject_code=550)
        answers = [self.ask(verifyd, f"nobody{n}@good.test", client_address="192.0.2.7") for n in range(5)]
        self.assertEqual([answer.split()[0] for answer in answers], ["550"] * 3 + ["DEFER_IF_PERMIT"] * 2)
        self.assertEqual(len(self.target("good.test").recipients), 3)
        # Known addresses are still answered, and other clients have a budget of their own.
        self.assertTrue(self.ask(verifyd, "nobody0@good.test", client_address="192.0.2.7").startswith("550 "))
        self.assertEqual(self.ask(verifyd, "alice@good.test", client_address="192.0.2.8"), "DUNNO")
        self.assertEqual(verifyd.log().count("client 192.0.2.7 has had more than 3 new addresses"), 1)


class SeveralSocketsTest(WorldTestCase):
    def test_all_sockets_of_the_list_are_served(self):
        verifyd = self.verifyd()
        path = f"{verifyd.directory}/policy"
        block = self.world.block
        verifyd.settings["policy_listen"] = f"inet:{block.address(1)}:10090, inet:{block.address(1)}:10095 unix:{path}"
        verifyd.write_config()
        verifyd.start()
        for endpoint in ((block.address(1), 10090), (block.address(1), 10095), path):
            with verifyd.policy(endpoint) as client:
                self.assertEqual(client.ask("alice@good.test")[0], "DUNNO")
        verifyd.stop()
        wait_until(lambda: not os.path.exists(path), 5, "the socket's removal")

    def test_a_socket_left_by_a_killed_daemon_is_taken_over(self):
        verifyd = self.verifyd()
        path = f"{verifyd.directory}/policy"
        verifyd.settings["policy_listen"] += f", unix:{path}"
        verifyd.write_config()
        verifyd.start().kill()
        verifyd.start()
        with verifyd.policy(path) as client:
            self.assertEqual(client.ask("alice@good.test")[0], "DUNNO")

    def test_a_socket_has_the_mode_and_group_it_is_given(self):
        verifyd = self.verifyd()
        path = f"{verifyd.directory}/policy"
        verifyd.settings["policy_listen"] += f", {{ unix:{path}, mode=0620, group=daemon }}"
        verifyd.write_config()
        verifyd.start()
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o620)
        self.assertEqual(os.stat(path).st_gid, grp.getgrnam("daemon").gr_gid)

    def test_a_socket_that_other_machines_reach_is_refused_unless_told_so(self):
        verifyd = self.verifyd(policy_listen="inet:0.0.0.0:10097")
        checked = verifyd.run("--check")
        self.assertEqual(checked.returncode, 78)
        self.assertIn("policy_listen: found inet:0.0.0.0:10097, which other machines may reach", checked.stderr)
        self.assertIn("listen_beyond_loopback = yes", checked.stderr)
