"""Tests what a real Postfix answers a client, at each door, while verifyd is down, frozen, or has wrong settings.
"When verifyd does not answer" in verifyd(8) says the same."""

import functools
import os
import signal
import smtplib
import socket
import time

import postfix
from lookup_client import SOCKETMAP_PORT, TCP_TABLE_PORT
from mail_world import TARGETS
from world_test_case import WorldTestCase, shared_world

GATEWAY = 51
PORTS = {"policy": 2641, "unix": 2642, "verify": 2643, "milter": 2644, "socketmap": 2645, "tcp": 2646, "relay": 2647}
# The settings of README, with one second in place of fifteen, ten and thirty.
SECONDS = 1


@functools.cache
def outage_gateway():
    """A Postfix that asks at every door."""
    world = shared_world()
    ours = world.block.address(1)
    before = "reject_unauth_destination"

    def policy(endpoint):
        ask = f"check_policy_service {{ {endpoint}, timeout={SECONDS}s, default_action=DUNNO }}"
        return {"smtpd_recipient_restrictions": f"{before}, {ask}"}

    ways = {
        "policy": policy(f"inet:{world.policy_endpoint}"),
        "unix": policy("unix:verifyd/policy"),
        "verify": {
            "smtpd_recipient_restrictions": f"{before}, reject_unverified_recipient",
            "unverified_recipient_reject_code": "550",
            "address_verify_service_name": "verifyd",
            "address_verify_poll_count": "1",
        },
        "milter": {
            "smtpd_milters": f"{{ inet:{world.milter_endpoint}, connect_timeout={SECONDS}s, command_timeout={SECONDS}s, "
            "default_action=accept }"
        },
        "socketmap": {
            "smtpd_recipient_restrictions": f"{before}, check_recipient_access socketmap:inet:{ours}:{SOCKETMAP_PORT}:verify"
        },
        "tcp": {"smtpd_recipient_restrictions": f"{before}, check_recipient_access tcp:{ours}:{TCP_TABLE_PORT}"},
        "relay": {"relay_recipient_maps": f"socketmap:inet:{ours}:{SOCKETMAP_PORT}:relay_recipients"},
    }
    address = world.block.address(GATEWAY)
    gateway = postfix.Postfix(
        os.path.join(world.directory, "outage"),
        "outage.test",
        {"relay_domains": " ".join(TARGETS), "smtpd_recipient_restrictions": before},
        {(address, PORTS[name]): settings for name, settings in ways.items()},
    )
    world._closers.append(gateway.close)
    place = os.path.join(gateway.directory, "queue", "verifyd")
    os.makedirs(place, exist_ok=True)
    return gateway


class OutageTest(WorldTestCase):
    def setUp(self):
        super().setUp()
        self.gateway = outage_gateway()
        self.gateway.skip_log()
        self.held_path = self.gateway.private_socket("verifyd")
        self.held = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.held.bind(self.held_path)
        os.chmod(self.held_path, 0o666)
        self.held.listen(1024)
        self.addCleanup(os.unlink, self.held_path)
        self.addCleanup(self.held.close)

    def daemon(self):
        """A daemon, not started, that gets the socket of verify(8), which is held as systemd holds it."""
        ours = self.world.block.address(1)
        unix = os.path.join(self.gateway.directory, "queue", "verifyd", "policy")
        return self.verifyd(
            policy_listen=f"inet:{self.world.policy_endpoint}, unix:{unix}",
            milter_listen=f"inet:{self.world.milter_endpoint}",
            socketmap_listen=f"inet:{ours}:{SOCKETMAP_PORT}",
            tcp_table_listen=f"inet:{ours}:{TCP_TABLE_PORT}",
            unverified_recipient_reject_code="550",
        )

    def started(self):
        return self.daemon().start(self.held, "verify")

    def asks(self, way, seconds=20):
        """(code, text, seconds) of RCPT TO:<nobody@good.test>; no code if there was no answer in time."""
        start = time.monotonic()
        client = smtplib.SMTP(timeout=seconds)
        try:
            # The question to the milter at the connection counts, too.
            client.connect(self.world.block.address(GATEWAY), PORTS[way])
            client.ehlo("client.test")
            client.mail("someone@client.test")
            code, text = client.rcpt("nobody@good.test")
            return code, text.decode(), time.monotonic() - start
        except (TimeoutError, smtplib.SMTPServerDisconnected):
            return None, "", time.monotonic() - start
        finally:
            client.close()

    def assert_way(self, way, code, most, words=""):
        found, text, seconds = self.asks(way, most + 5)
        self.assertEqual(found, code, f"{way}: {text} in {seconds:.1f} s")
        self.assertIn(words, text)
        self.assertLess(seconds, most, f"{way}: {text}")

    def test_up_every_door_refuses_who_does_not_exist(self):
        self.started()
        for way in PORTS:
            with self.subTest(way):
                # A table of recipients does not wait for the first probe.
                self.assert_way(way, 550, 5)

    def test_down_policy_services_and_milters_let_mail_through(self):
        self.held.close()
        for way in ("policy", "unix", "milter"):
            with self.subTest(way):
                self.assert_way(way, 250, 5)

    def test_down_tables_defer(self):
        for way in ("socketmap", "tcp", "relay"):
            with self.subTest(way):
                # Postfix tries a tcp_table(5) ten times, a second apart.
                self.assert_way(way, 451, 15, "4.3.0" if way == "relay" else "Server configuration error")

    def test_down_a_held_socket_of_verify_keeps_clients_waiting_until_verifyd_is_back(self):
        code, text, _ = self.asks("verify", 3)
        self.assertIsNone(code, text)
        self.started()
        self.assert_way("verify", 550, 5)

    def test_wrong_settings_let_mail_through_at_every_door(self):
        verifyd = self.daemon()
        good = "".join(f"{name} = {value}\n" for name, value in verifyd.settings.items())
        verifyd.write_config(good + "relay_domain = example.com\n")
        verifyd.start(self.held, "verify")
        for way in PORTS:
            with self.subTest(way):
                self.assert_way(way, 250, 2)

    def test_wrong_settings_change_nothing_where_there_are_those_of_before(self):
        verifyd = self.started()
        self.assert_way("policy", 550, 5)
        self.assertEqual(verifyd.stop(), 0)
        good = "".join(f"{name} = {value}\n" for name, value in verifyd.settings.items())
        verifyd.write_config(good + "relay_domain = example.com\n")
        verifyd.start(self.held, "verify")
        for way in PORTS:
            with self.subTest(way):
                self.assert_way(way, 550, 2)

    def frozen(self):
        verifyd = self.started()
        self.assert_way("policy", 550, 5)
        verifyd.child.signal(signal.SIGSTOP)
        self.addCleanup(verifyd.child.signal, signal.SIGCONT)
        return verifyd

    def test_frozen_policy_services_and_milters_let_mail_through_after_their_time(self):
        self.frozen()
        for way, times in (("policy", 2), ("unix", 2), ("milter", 1)):
            with self.subTest(way):
                code, text, seconds = self.asks(way)
                self.assertEqual(code, 250, text)
                # Postfix tries a policy service twice, a second apart.
                self.assertGreaterEqual(seconds, times * SECONDS - 0.1)
                self.assertLess(seconds, times * SECONDS + 5)

    def test_frozen_the_socket_of_verify_and_tables_keep_clients_waiting_until_it_is_thawed(self):
        verifyd = self.frozen()
        for way in ("verify", "socketmap", "tcp", "relay"):
            with self.subTest(way):
                self.assertIsNone(self.asks(way, 2)[0])
        verifyd.child.signal(signal.SIGCONT)
        for way in ("verify", "socketmap", "tcp", "relay"):
            with self.subTest(way):
                self.assert_way(way, 550, 5)

    def test_the_status_of_a_frozen_daemon_came_never(self):
        verifyd = self.verifyd().start()
        verifyd.child.signal(signal.SIGSTOP)
        self.addCleanup(verifyd.child.signal, signal.SIGCONT)
        status = verifyd.ctl("status")
        self.assertEqual(status.returncode, 2, status)
        self.assertIn("CRITICAL - the daemon does not answer", status.stdout)
