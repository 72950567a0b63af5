"""The base of system tests: the shared world, daemons of its own, and questions through the real gateway."""

import atexit
import functools
import os
import smtplib
import tempfile
import time
import unittest

import daemon
from child import wait_until
from mail_world import MailWorld
from postfix import GATEWAY_PORTS

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
IN_PROGRESS = "unverified address: Address verification in progress"


@functools.cache
def shared_world():
    world = MailWorld()
    atexit.register(world.close)
    return world


def build_directory():
    return os.path.abspath(os.environ.get("VERIFYD_BUILD", os.path.join(SOURCE, "build", "release")))


class WorldTestCase(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.world = shared_world()
        self.world.reset()
        self.addCleanup(self._no_message_was_sent)

    def _no_message_was_sent(self):
        self.assertEqual(self.world.message_data(), [], "a probe must never send a message")

    def verifyd(self, arguments=(), **settings):
        """A daemon, not started."""
        directory = tempfile.mkdtemp(prefix="daemon", dir=self.world.directory)
        daemon_settings = {**daemon.settings_for(self.world, directory), **settings}
        verifyd = daemon.Verifyd(build_directory(), directory, daemon_settings, arguments)
        self.addCleanup(verifyd.stop)
        return verifyd

    def started(self, **settings):
        return self.verifyd(**settings).start()

    def routed(self, *lines, **settings):
        """A started daemon with these lines as address_verify_transport_maps."""
        verifyd = self.verifyd(**settings)
        table = os.path.join(verifyd.directory, "transport")
        with open(table, "w", encoding="ascii") as file:
            file.writelines(f"{line}\n" for line in lines)
        verifyd.settings["address_verify_transport_maps"] = f"texthash:{table}"
        verifyd.write_config()
        return verifyd.start()

    def target(self, domain):
        return self.world.targets[domain]

    def rcpt(self, recipient, port="policy", sender="someone@client.test"):
        """(code, text, seconds) that a client of the gateway gets."""
        self.world.gateway  # starts it before the time is taken
        with smtplib.SMTP(self.world.block.address(25), GATEWAY_PORTS[port], "client.test", timeout=30) as client:
            client.ehlo()
            client.mail(sender)
            start = time.monotonic()
            code, text = client.rcpt(recipient)
            return code, text.decode(), time.monotonic() - start

    def ask(self, verifyd, recipient, **attributes):
        """The action of the policy port."""
        with verifyd.policy() as client:
            return client.ask(recipient, **attributes)[0]

    def ask_until(self, verifyd, recipient, expected, seconds=15):
        """Asks again and again until the action matches, for a probe that takes longer than the patience."""

        def matches():
            action = self.ask(verifyd, recipient)
            if not action.startswith(expected):
                time.sleep(0.1)
                return None
            return action

        return wait_until(matches, seconds, f"the answer {expected!r} about {recipient}")
