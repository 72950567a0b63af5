"""Both recipes of README behind an ordinary gateway: the settings of main.cf are not repeated, and every recipient gets
the class of answer that Postfix's own verify(8) gives, at once. Also the steps of GETTING STARTED in verifyd(8).
"""

import concurrent.futures
import os
import socket

from examples import examples_of_page, settings_in
from gateway_world import PORTS, RECIPIENTS, GatewayTestCase, ordinary_gateway

# Recipients for which verifyd answers otherwise than Postfix on purpose, and the reason.
OTHERWISE = {
    "alice@own.test": (2, "a domain of ours whose MX is this machine is a mistake of ours: nobody is refused for it"),
}


class OrdinaryGatewayTestCase(GatewayTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gateway = ordinary_gateway(cls.world)


class FirstHourTest(OrdinaryGatewayTestCase):
    def answers(self, way, at_once=1):
        """{recipient: (code, text)}."""
        with concurrent.futures.ThreadPoolExecutor(at_once) as clients:
            return dict(zip(RECIPIENTS, clients.map(lambda recipient: self.rcpt(recipient, PORTS[way]), RECIPIENTS)))

    def assert_classes(self, expected, answers):
        wrong = {
            recipient: (f"expected {expected[recipient]}yz", answer)
            for recipient, answer in answers.items()
            if answer[0] // 100 != expected[recipient]
        }
        self.assertEqual(wrong, {})

    def assert_as_stock(self, way):
        expected = {recipient: OTHERWISE.get(recipient, (stock,))[0] for recipient, stock in RECIPIENTS.items()}
        self.assert_classes(expected, self.answers(way))
        self.assertEqual(self.world.servers["nat"].helos, {"nat.box.tld"}, "the name that master.cf says")

    def test_stock_verify_answers_as_the_table_says(self):
        self.assert_classes(RECIPIENTS, self.answers("stock", at_once=16))
        self.assertGreaterEqual(len(RECIPIENTS), 40)

    def test_behind_postfix_in_five_lines_all_recipients_are_answered_as_by_stock_verify(self):
        self.verifyd(self.gateway)
        self.assert_as_stock("policy")

    def test_in_place_of_verify_in_two_lines_all_recipients_are_answered_as_by_stock_verify(self):
        path = self.gateway.private_socket("verifyd")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            self.addCleanup(os.unlink, path)
            listener.bind(path)
            os.chmod(path, 0o666)
            listener.listen(1024)
            self.verifyd(self.gateway, listener)
            self.assert_as_stock("verify")


class GettingStartedTest(OrdinaryGatewayTestCase):
    def ctl(self, *arguments, code=0):
        done = self.daemon.ctl(*arguments)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def set_dry_run(self, value):
        self.daemon.settings["dry_run"] = value
        self.daemon.write_config()
        self.ctl("reload")

    def test_from_the_dry_run_to_the_first_refusal_and_back(self):
        steps = [example for example in examples_of_page("verifyd.8") if example.place == "verifyd.8, GETTING STARTED"]
        settings = settings_in(steps[0].text)
        self.assertEqual(settings.pop("postfix_config_directory"), "/etc/postfix")
        self.daemon = self.verifyd(self.gateway, **settings)
        self.ctl("verify", "alice@routed.test")
        self.assertIn("RCPT TO:<nobody@routed.test>", self.ctl("verify", "--trace", "nobody@routed.test", code=1))

        self.assertEqual(self.rcpt("alice@routed.test", PORTS["policy"])[0], 250)
        self.assertEqual(self.rcpt("nobody@routed.test", PORTS["policy"])[0], 250)
        self.gateway.wait_for_log(r"warn: RCPT from .* would reject: 550 5\.1\.1 .*undeliverable address: ")
        self.assertIn("nobody@routed.test", self.ctl("report", "--since", "24h"))

        self.set_dry_run("no")
        code, text = self.rcpt("nobody@routed.test", PORTS["policy"])
        self.assertEqual(code, 550)
        self.assertIn("5.1.1 <nobody@routed.test>: Recipient address rejected: undeliverable address: ", text)
        self.assertEqual(self.rcpt("alice@routed.test", PORTS["policy"])[0], 250)
        self.assertIn("no_such_user", self.ctl("show", "nobody@routed.test"))

        self.set_dry_run("yes")
        self.assertEqual(self.rcpt("nobody@routed.test", PORTS["policy"])[0], 250)
